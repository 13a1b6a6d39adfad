//! The pair, layer by layer. Each layer has its own type: a run that passed the gates has another type than one that
//! did not, and only a run that holds its lease can be written.
//!
//! ```text
//! Wrapper ─enter─▶ PreflightPassed ─acquire_lease─▶ Leased ─observe_run─▶ HeaderRecorded
//!                                                                           │ observe_producer
//!                  Released ◀─release─ VerifierRecorded ◀─observe_verifier─ ProducerRecorded
//! ```
//!
//! The steps store the same rows as [`Wrapper::observe_pair`](crate::Wrapper::observe_pair), in seven transactions
//! instead of one. Use them where the caller acts between two layers. Otherwise `observe_pair` is several times as
//! fast, and never leaves a run incomplete.
//!
//! An idempotency key works as in one call, with one difference: only the layers that write look the key up, so a retry
//! has to pass the gates and acquire the lease before it receives the first call's ids.
//!
//! **The type does not prove that the lease is still held.** A lease expires, and an operator can release it by force.
//! The rows of a simulated run are bound to no lease, so later steps are recorded nevertheless. A caller that may need
//! longer than the lease lives renews it between two layers, and stops where `renew` is refused as `lease_lost`.
//! [`Released::held_throughout`] reports at the end whether another caller can have run the pair meanwhile.
//!
//! **Stopping early.** A refused layer releases the lease. `abandon` releases it without a refusal. Dropping a value
//! does not release the lease, because a destructor cannot send a statement: the lease then blocks the pair until it
//! expires. Recorded rows stay: the ledger is insert-only.
//!
//! Steps in the wrong order do not compile. A run that passed the gates does not hold the lease:
//!
//! ```compile_fail,E0308
//! use dotwrap_wrapper::steps::{Leased, PreflightPassed};
//! fn write(_leased: Leased) {}
//! fn example(passed: PreflightPassed) {
//!     write(passed);
//! }
//! ```
//!
//! A header needs the lease:
//!
//! ```compile_fail,E0599
//! # use dotwrap_wrapper::{Error, steps::{HeaderRecorded, PreflightPassed}};
//! # async fn example(passed: PreflightPassed) -> Result<HeaderRecorded, Error> {
//! passed.observe_run().await
//! # }
//! ```
//!
//! A verifier needs the producer:
//!
//! ```compile_fail,E0599
//! # use dotwrap_wrapper::{Error, steps::{HeaderRecorded, VerifierRecorded}};
//! # async fn example(header: HeaderRecorded) -> Result<VerifierRecorded, Error> {
//! header.observe_verifier().await
//! # }
//! ```
//!
//! Each step happens once:
//!
//! ```compile_fail,E0382
//! # use dotwrap_wrapper::{Error, steps::{HeaderRecorded, Leased}};
//! # async fn example(leased: Leased) -> Result<(HeaderRecorded, HeaderRecorded), Error> {
//! Ok((leased.observe_run().await?, leased.observe_run().await?))
//! # }
//! ```
//!
//! The same lines compile in the right order:
//!
//! ```
//! # use dotwrap_wrapper::{Error, steps::{HeaderRecorded, Leased, VerifierRecorded}};
//! # async fn example(leased: Leased) -> Result<HeaderRecorded, Error> {
//! leased.observe_run().await
//! # }
//! # async fn example_of_the_rest(header: HeaderRecorded) -> Result<VerifierRecorded, Error> {
//! header.observe_producer().await?.observe_verifier().await
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

/// The run passed the gates and the preflight. No lease is held and no row is written.
#[derive(Clone, Debug)]
#[must_use = "nothing is recorded yet"]
pub struct PreflightPassed {
    context: PairContext,
}

/// The run acquired the pair's lease.
#[derive(Debug)]
#[must_use = "the lease stays held until it is released or its time is over"]
pub struct Leased {
    guard: LeaseGuard,
}

/// The header is recorded.
#[derive(Debug)]
#[must_use = "the lease stays held until it is released or its time is over"]
pub struct HeaderRecorded {
    guard: LeaseGuard,
    run: ProcessRunId,
    created: bool,
}

/// The header and the producer are recorded.
#[derive(Debug)]
#[must_use = "the lease stays held until it is released or its time is over"]
pub struct ProducerRecorded {
    header: HeaderRecorded,
    producer: ComponentRunId,
}

/// The header and both components are recorded.
#[derive(Debug)]
#[must_use = "the lease stays held until it is released or its time is over"]
pub struct VerifierRecorded {
    header: HeaderRecorded,
    producer: ComponentRunId,
    verifier: ComponentRunId,
}

/// The run is recorded and the lease is released.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Released {
    /// The recorded pair.
    pub record: PairRecord,
    /// True where no other caller held the lease since it was acquired, even if it expired meanwhile. False where it
    /// was taken over or released by force: another caller may have run the pair.
    pub held_throughout: bool,
}

holding! {
    Leased: guard,
    HeaderRecorded: guard,
    ProducerRecorded: header.guard,
    VerifierRecorded: header.guard,
}

impl PreflightPassed {
    /// The posture at the time of the gate check.
    pub fn posture(&self) -> Posture {
        self.context.posture
    }

    /// The verifier that the registry pairs with the producer.
    pub fn verifier(&self) -> &DotCode {
        &self.context.verifier
    }

    /// Acquires the pair's lease.
    ///
    /// # Errors
    /// Refused as `lease_held`, `ttl_invalid` or `actor_required`. Clone the value first in order to retry.
    pub async fn acquire_lease(self, ttl: Duration) -> Result<Leased, Error> {
        let context = self.context;
        let acquired = context.acquire(ttl).await;
        let lease = context
            .wrapper
            .recording_refusal(context.about(), acquired)
            .await?;
        Ok(Leased {
            guard: LeaseGuard { context, lease },
        })
    }
}

impl Leased {
    /// Records the header.
    ///
    /// # Errors
    /// As [`Wrapper::observe_run`](crate::Wrapper::observe_run); an error releases the lease.
    pub async fn observe_run(self) -> Result<HeaderRecorded, Error> {
        let guard = self.guard;
        let minted = guard
            .context
            .call
            .process_run_id
            .unwrap_or_else(ProcessRunId::mint);
        let outcome = guard.context.record_header(minted).await;
        let (run, created) = guard.release_on_error(outcome).await?;
        Ok(HeaderRecorded {
            guard,
            run,
            created,
        })
    }

    /// Releases the lease without a record. Returns whether no other caller held it meanwhile.
    ///
    /// # Errors
    /// See [`Error`]; the lease then expires at the end of its time to live.
    pub async fn abandon(self) -> Result<bool, Error> {
        self.guard.release().await
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
    /// As [`Wrapper::observe_component`](crate::Wrapper::observe_component); an error releases the lease. The header
    /// stays.
    pub async fn observe_producer(self) -> Result<ProducerRecorded, Error> {
        let context = &self.guard.context;
        let call = context.component(self.run, &context.call.dot_code, ComponentRole::Producer);
        let producer = self.observe(&call).await?;
        Ok(ProducerRecorded {
            header: self,
            producer,
        })
    }

    /// Releases the lease and leaves the run incomplete. Returns whether no other caller held the lease meanwhile.
    ///
    /// # Errors
    /// See [`Error`]; the lease then expires at the end of its time to live.
    pub async fn abandon(self) -> Result<bool, Error> {
        self.guard.release().await
    }

    async fn observe(&self, call: &ComponentCall) -> Result<ComponentRunId, Error> {
        let outcome = self.guard.context.wrapper.observe_component(call).await;
        self.guard.release_on_error(outcome).await
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
    /// As [`Wrapper::observe_component`](crate::Wrapper::observe_component); an error releases the lease. The header
    /// and the producer stay.
    pub async fn observe_verifier(self) -> Result<VerifierRecorded, Error> {
        let Self { header, producer } = self;
        let context = &header.guard.context;
        let call = context.component(header.run, &context.verifier, ComponentRole::Verifier);
        let verifier = header.observe(&call).await?;
        Ok(VerifierRecorded {
            header,
            producer,
            verifier,
        })
    }

    /// Releases the lease and leaves the run incomplete. Returns whether no other caller held the lease meanwhile.
    ///
    /// # Errors
    /// See [`Error`]; the lease then expires at the end of its time to live.
    pub async fn abandon(self) -> Result<bool, Error> {
        self.header.abandon().await
    }
}

impl VerifierRecorded {
    /// Releases the lease, and returns the recorded pair with the number of its events in the outbox. Each event was
    /// written in the transaction of its row.
    ///
    /// # Errors
    /// See [`Error`]. The run is recorded nevertheless; the lease may still be held until it expires.
    pub async fn release(self) -> Result<Released, Error> {
        let HeaderRecorded {
            guard,
            run,
            created,
        } = self.header;
        let held_throughout = guard.release().await?;
        let context = guard.context;
        let events = context.wrapper.events_of_run(run).await?;
        let row = PairRow {
            process_run_id: run,
            producer_component_run_id: Some(self.producer),
            verifier_component_run_id: Some(self.verifier),
            status: context.stored.header,
            evidence_type: context.stored.evidence_type,
            created,
            events_emitted: if created {
                i32::try_from(events.len()).unwrap_or(i32::MAX)
            } else {
                0
            },
            output_ref: context.call.output_ref,
            error_ref: context.call.error_ref,
        };
        Ok(Released {
            record: PairRecord {
                correlation_id: context.correlation,
                row,
            },
            held_throughout,
        })
    }
}
