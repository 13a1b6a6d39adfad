//! The runner: executes pairs and records every step.
//!
//! It is a layer above the wrapper, which only records, and the invokers, which only call tools. It opens every receipt
//! through the wrapper before the call, and records no more than the call proves.
//!
//! ```text
//! prepare.rs            reads and checks the pair, its contracts and its fixtures before anything is written
//! run/                  begin → call the producer → record → call the verifier → record and conclude
//! run_guard.rs          renews the lease, watches the gates and forwards Ctrl-C while a call is in flight
//! checking.rs           reads a call's files after the tool returned
//! place.rs              watches an output's path while a verifier reads it
//! assess.rs             decides which evidence an answer is: schemas, digests, mocks
//! clock.rs              the database's clock
//! evidence.rs           a call's evidence, in a form that the ledger accepts
//! commit_with_retry.rs  repeats a recording whose result was lost
//! retry_budget.rs       bounds the time of these repetitions
//! recording_error.rs    describes a recording that failed
//! holder.rs             the process that holds a lease, and whether it ended
//! lease_wait.rs         waits for a busy lease, and ends those of dead holders
//! folder.rs             a run's files
//! prune.rs              removes them
//! worker.rs             claims requested runs and executes them concurrently
//! ```

#![forbid(unsafe_code)]

mod assess;
mod checking;
mod clock;
mod commit_with_retry;
mod engines;
mod error;
mod evidence;
mod folder;
mod holder;
mod lease_wait;
mod place;
mod prepare;
mod progress;
mod prune;
mod recording_error;
mod retry_budget;
mod run;
mod run_guard;
mod runner;
mod schema;
mod worker;

pub use engines::InvokerRegistry;
pub use error::Error;
pub use folder::RunsDir;
pub use prepare::{PairMember, Prepared};
pub use progress::{NoProgress, Progress, Step};
pub use run::{Outcome, RunOptions};
pub use runner::{DEFAULT_MIN_FREE_BYTES, Runner, default_runner_name};
pub use worker::{WorkerObserver, WorkerOptions};
