//! The pair, layer by layer, each layer a type: what has passed the gates is another type than what has
//! not, and only what took the lease can write.
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
//! **Taking the lease is not holding it.** A lease runs out, and an operator can take it away; a type can tell neither.
//! The rows of a simulated run are bound to no lease, so what comes later than that is recorded all the same. Whoever
//! may take longer than the lease lives renews it between two layers, and stops where `renew` is refused as
//! `lease_lost`. [`Released::held_throughout`] says in the end whether another can have run the pair meanwhile.
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

mod context;
mod gates;
mod lease_guard;

use std::time::Duration;

use crate::{
    component::ComponentCall,
    error::Error,
    lease::Lease,
    pair::{PairRecord, PairRow},
    types::{ComponentRole, ComponentRunId, DotCode, Posture, ProcessRunId},
};
use context::PairContext;
use lease_guard::{LeaseGuard, holding};

/// The gates and the preflight let it pass. Nothing is held and nothing is written.
#[derive(Clone, Debug)]
#[must_use = "nothing is recorded yet"]
pub struct PreflightPassed {
    journey: PairContext,
}

/// It took the pair's lease.
#[derive(Debug)]
#[must_use = "the lease stays held until it is released or its time is over"]
pub struct Leased {
    held: LeaseGuard,
}

/// Its header is recorded.
#[derive(Debug)]
#[must_use = "the lease stays held until it is released or its time is over"]
pub struct HeaderRecorded {
    held: LeaseGuard,
    run: ProcessRunId,
    created: bool,
}

/// Its producer is recorded.
#[derive(Debug)]
#[must_use = "the lease stays held until it is released or its time is over"]
pub struct ProducerRecorded {
    headed: HeaderRecorded,
    producer: ComponentRunId,
}

/// All of it is recorded.
#[derive(Debug)]
#[must_use = "the lease stays held until it is released or its time is over"]
pub struct VerifierRecorded {
    headed: HeaderRecorded,
    producer: ComponentRunId,
    verifier: ComponentRunId,
}

/// All of it is recorded, and the lease is given back.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Released {
    /// What was recorded.
    pub record: PairRecord,
    /// Whether nobody else has held the lease since it was taken: true even where it ran out and nobody came. False:
    /// it was taken over or away, and another may have run the pair meanwhile.
    pub held_throughout: bool,
}

holding! {
    Leased: held,
    HeaderRecorded: held,
    ProducerRecorded: headed.held,
    VerifierRecorded: headed.held,
}

impl PreflightPassed {
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
        let lease = journey
            .wrapper
            .recording_refusal(journey.about(), acquired)
            .await?;
        Ok(Leased {
            held: LeaseGuard { journey, lease },
        })
    }
}

impl Leased {
    /// Records the header.
    ///
    /// # Errors
    /// As [`Wrapper::observe_run`](crate::Wrapper::observe_run); the lease is given back.
    pub async fn observe_run(self) -> Result<HeaderRecorded, Error> {
        let held = self.held;
        let minted = held
            .journey
            .call
            .process_run_id
            .unwrap_or_else(ProcessRunId::mint);
        let outcome = held.journey.record_header(minted).await;
        let (run, created) = held.release_on_error(outcome).await?;
        Ok(HeaderRecorded { held, run, created })
    }

    /// Gives the lease back and leaves it at that; says whether nobody else has held it meanwhile.
    ///
    /// # Errors
    /// See [`Error`]; the lease then lapses when its time is over.
    pub async fn abandon(self) -> Result<bool, Error> {
        self.held.release().await
    }
}

impl HeaderRecorded {
    /// The run.
    pub fn process_run_id(&self) -> ProcessRunId {
        self.run
    }

    /// Records the producer.
    ///
    /// # Errors
    /// As [`Wrapper::observe_component`](crate::Wrapper::observe_component); the lease is given back. The header stays recorded.
    pub async fn observe_producer(self) -> Result<ProducerRecorded, Error> {
        let journey = &self.held.journey;
        let call = journey.component(self.run, &journey.call.dot_code, ComponentRole::Producer);
        let producer = self.observe(&call).await?;
        Ok(ProducerRecorded {
            headed: self,
            producer,
        })
    }

    /// Gives the lease back and leaves the run as it is; says whether nobody else has held it meanwhile.
    ///
    /// # Errors
    /// See [`Error`]; the lease then lapses when its time is over.
    pub async fn abandon(self) -> Result<bool, Error> {
        self.held.release().await
    }

    async fn observe(&self, call: &ComponentCall) -> Result<ComponentRunId, Error> {
        let outcome = self.held.journey.wrapper.observe_component(call).await;
        self.held.release_on_error(outcome).await
    }
}

impl ProducerRecorded {
    /// The producer's component.
    pub fn producer_component_run_id(&self) -> ComponentRunId {
        self.producer
    }

    /// Records the verifier.
    ///
    /// # Errors
    /// As [`Wrapper::observe_component`](crate::Wrapper::observe_component); the lease is given back. Header and producer stay recorded.
    pub async fn observe_verifier(self) -> Result<VerifierRecorded, Error> {
        let Self { headed, producer } = self;
        let journey = &headed.held.journey;
        let call = journey.component(headed.run, &journey.verifier, ComponentRole::Verifier);
        let verifier = headed.observe(&call).await?;
        Ok(VerifierRecorded {
            headed,
            producer,
            verifier,
        })
    }

    /// Gives the lease back and leaves the run as it is; says whether nobody else has held it meanwhile.
    ///
    /// # Errors
    /// See [`Error`]; the lease then lapses when its time is over.
    pub async fn abandon(self) -> Result<bool, Error> {
        self.headed.abandon().await
    }
}

impl VerifierRecorded {
    /// Gives the lease back, and returns what was recorded, with the number of its events in the outbox.
    /// They were written with the rows that they tell of.
    ///
    /// # Errors
    /// See [`Error`]. All is recorded by then; only the lease may still be held until its time is over.
    pub async fn release(self) -> Result<Released, Error> {
        let HeaderRecorded { held, run, created } = self.headed;
        let held_throughout = held.release().await?;
        let journey = held.journey;
        let events = journey.wrapper.events_of_run(run).await?;
        let row = PairRow {
            process_run_id: run,
            producer_component_run_id: Some(self.producer),
            verifier_component_run_id: Some(self.verifier),
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
        Ok(Released {
            record: PairRecord {
                correlation_id: journey.correlation,
                row,
            },
            held_throughout,
        })
    }
}
