//! The pair, layer by layer, each layer a type: what has passed the gates is another type than what has
//! not, and only what holds the lease can write.
//!
//! ```text
//! Wrapper ─enter─▶ Cleared ─acquire_lease─▶ Leased ─observe_run─▶ Headed
//!                                                                   │ observe_producer
//!                  Released ◀─release─ Recorded ◀─observe_verifier─ Produced
//! ```
//!
//! It stores what [`Wrapper::observe_pair`](crate::Wrapper::observe_pair) stores, in seven transactions rather than one, and is for
//! whoever wants to see or do something between two layers. Where nothing has to happen in between,
//! `observe_pair` is several times as fast, and leaves nothing half done.
//!
//! An idempotency key works as in one call, except that a retry has to get past the gates and the lease
//! before it is given the first call's ids, since only the layers that write look the key up.
//!
//! **Giving up in between.** A layer that is refused gives the lease back. `abandon` does so by choice.
//! Merely dropping a value gives nothing back, since nothing can be sent from a destructor: the lease
//! then lapses when its time is over, and nobody can run the pair before. What was recorded stays
//! recorded; the ledger is insert-only.
//!
//! What is out of order does not compile. Having passed the gates is not holding the lease:
//!
//! ```compile_fail,E0308
//! use dotwrap_wrapper::steps::{Cleared, Leased};
//! fn write(_leased: Leased) {}
//! fn example(cleared: Cleared) {
//!     write(cleared);
//! }
//! ```
//!
//! without the lease no header:
//!
//! ```compile_fail,E0599
//! # use dotwrap_wrapper::{Error, steps::{Cleared, Headed}};
//! # async fn example(cleared: Cleared) -> Result<Headed, Error> {
//! cleared.observe_run().await
//! # }
//! ```
//!
//! without the producer no verifier:
//!
//! ```compile_fail,E0599
//! # use dotwrap_wrapper::{Error, steps::{Headed, Recorded}};
//! # async fn example(headed: Headed) -> Result<Recorded, Error> {
//! headed.observe_verifier().await
//! # }
//! ```
//!
//! and nothing happens twice:
//!
//! ```compile_fail,E0382
//! # use dotwrap_wrapper::{Error, steps::{Headed, Leased}};
//! # async fn example(leased: Leased) -> Result<(Headed, Headed), Error> {
//! Ok((leased.observe_run().await?, leased.observe_run().await?))
//! # }
//! ```
//!
//! In order, the same lines do:
//!
//! ```
//! # use dotwrap_wrapper::{Error, steps::{Cleared, Headed, Leased, Recorded}};
//! # async fn example(leased: Leased) -> Result<Headed, Error> {
//! leased.observe_run().await
//! # }
//! # async fn example_of_the_rest(headed: Headed) -> Result<Recorded, Error> {
//! headed.observe_producer().await?.observe_verifier().await
//! # }
//! ```

mod entrance;
mod journey;

use std::time::Duration;

use crate::{
    error::Error,
    lease::Lease,
    pair::{PairRecord, PairRow},
    parts::ComponentCall,
    vocabulary::{ComponentRole, ComponentRunId, DotCode, Posture, ProcessRunId},
};
use journey::{Journey, about};

/// The gates and the preflight let it pass. Nothing is held and nothing is written.
#[derive(Clone, Debug)]
#[must_use = "nothing is recorded yet"]
pub struct Cleared {
    journey: Journey,
}

/// It holds the pair's lease.
#[derive(Debug)]
#[must_use = "the lease stays held until it is released or its time is over"]
pub struct Leased {
    journey: Journey,
    lease: Lease,
}

/// Its header is recorded.
#[derive(Debug)]
#[must_use = "the lease stays held until it is released or its time is over"]
pub struct Headed {
    journey: Journey,
    lease: Lease,
    run: ProcessRunId,
    created: bool,
}

/// Its producer is recorded.
#[derive(Debug)]
#[must_use = "the lease stays held until it is released or its time is over"]
pub struct Produced {
    headed: Headed,
    producer: ComponentRunId,
}

/// All of it is recorded.
#[derive(Debug)]
#[must_use = "the lease stays held until it is released or its time is over"]
pub struct Recorded {
    headed: Headed,
    producer: ComponentRunId,
    verifier: ComponentRunId,
}

impl Cleared {
    /// What the gates allowed when they were passed.
    pub fn posture(&self) -> Posture {
        self.journey.posture
    }

    /// The verifier that the registry pairs with the producer.
    pub fn verifier(&self) -> &DotCode {
        &self.journey.verifier
    }

    /// Takes the pair's lease.
    ///
    /// # Errors
    /// Refused as `lease_held`, `ttl_invalid` or `actor_required`. What was passed can be cloned
    /// beforehand and tried again.
    pub async fn acquire_lease(self, ttl: Duration) -> Result<Leased, Error> {
        let journey = self.journey;
        let acquired = journey.acquire(ttl).await;
        let about = about(
            &journey.wrapper,
            &journey.call,
            &journey.correlation,
            Some(journey.posture),
        );
        let lease = journey.wrapper.noting_refusal(about, acquired).await?;
        Ok(Leased { journey, lease })
    }
}

impl Leased {
    /// The lease that is held.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Records the header.
    ///
    /// # Errors
    /// As [`Wrapper::observe_run`](crate::Wrapper::observe_run); the lease is given back.
    pub async fn observe_run(self) -> Result<Headed, Error> {
        let Self { journey, lease } = self;
        let minted = journey
            .call
            .process_run_id
            .unwrap_or_else(ProcessRunId::mint);
        let outcome = journey.record_header(minted).await;
        let (run, created) = journey.or_give_back(&lease, outcome).await?;
        Ok(Headed {
            journey,
            lease,
            run,
            created,
        })
    }

    /// Gives the lease back and leaves it at that.
    ///
    /// # Errors
    /// See [`Error`]; the lease then lapses when its time is over.
    pub async fn abandon(self) -> Result<(), Error> {
        self.journey
            .wrapper
            .release_lease(self.lease)
            .await
            .map(drop)
    }
}

impl Headed {
    /// The run.
    pub fn process_run_id(&self) -> ProcessRunId {
        self.run
    }

    /// Records the producer.
    ///
    /// # Errors
    /// As [`Wrapper::observe_component`](crate::Wrapper::observe_component); the lease is given back. The header stays recorded.
    pub async fn observe_producer(self) -> Result<Produced, Error> {
        let dot_code = &self.journey.call.dot_code;
        let call = self
            .journey
            .component(self.run, dot_code, ComponentRole::Producer);
        let producer = self.observe(&call).await?;
        Ok(Produced {
            headed: self,
            producer,
        })
    }

    /// Gives the lease back and leaves the run as it is.
    ///
    /// # Errors
    /// See [`Error`]; the lease then lapses when its time is over.
    pub async fn abandon(self) -> Result<(), Error> {
        self.journey
            .wrapper
            .release_lease(self.lease)
            .await
            .map(drop)
    }

    async fn observe(&self, call: &ComponentCall) -> Result<ComponentRunId, Error> {
        let outcome = self.journey.wrapper.observe_component(call).await;
        self.journey.or_give_back(&self.lease, outcome).await
    }
}

impl Produced {
    /// The producer's component.
    pub fn producer_component_run_id(&self) -> ComponentRunId {
        self.producer
    }

    /// Records the verifier.
    ///
    /// # Errors
    /// As [`Wrapper::observe_component`](crate::Wrapper::observe_component); the lease is given back. Header and producer stay recorded.
    pub async fn observe_verifier(self) -> Result<Recorded, Error> {
        let Self { headed, producer } = self;
        let dot_code = &headed.journey.verifier;
        let call = headed
            .journey
            .component(headed.run, dot_code, ComponentRole::Verifier);
        let verifier = headed.observe(&call).await?;
        Ok(Recorded {
            headed,
            producer,
            verifier,
        })
    }

    /// Gives the lease back and leaves the run as it is.
    ///
    /// # Errors
    /// See [`Error`]; the lease then lapses when its time is over.
    pub async fn abandon(self) -> Result<(), Error> {
        self.headed.abandon().await
    }
}

impl Recorded {
    /// Gives the lease back, and returns what was recorded, with the number of its events in the outbox.
    /// They were written with the rows that they tell of.
    ///
    /// # Errors
    /// See [`Error`]. All is recorded by then; only the lease may still be held until its time is over.
    pub async fn release(self) -> Result<PairRecord, Error> {
        let Self {
            headed:
                Headed {
                    journey,
                    lease,
                    run,
                    created,
                },
            producer,
            verifier,
        } = self;
        journey.wrapper.release_lease(lease).await?;
        let events = journey.wrapper.events_of_run(run).await?;
        let row = PairRow {
            process_run_id: run,
            producer_component_run_id: Some(producer),
            verifier_component_run_id: Some(verifier),
            status: journey.stored.header,
            evidence_type: journey.stored.evidence_type,
            created,
            events_emitted: if created {
                i32::try_from(events.len()).unwrap_or(i32::MAX)
            } else {
                0
            },
            output_ref: journey.call.output_ref,
            error_ref: journey.call.error_ref,
        };
        Ok(PairRecord {
            correlation_id: journey.correlation,
            row,
        })
    }
}
