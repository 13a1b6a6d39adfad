//! The runner: a pair is really called, and the record proves it.
//!
//! It is a layer of its own above the wrapper, which can only record, and beside the invokers, which can only call. It
//! opens no receipt but by the wrapper, before a call and never after it, and says of a call no more than happened.
//!
//! ```text
//! prepare.rs    what is to be called: the pair, its contracts, its fixtures, judged before anything is written
//! run/          begin → call the producer → record → call the verifier → record and conclude
//! run_guard.rs      while a call is in flight: the lease is renewed, the gates are watched, Ctrl-C is heard
//! checking.rs   what is read of a call's files when its tool has answered
//! place.rs      where an output is, while a verifier looks at it
//! assess.rs  what an answer counts for: schemas, digests, mocks
//! clock.rs      what time it is, by the database's clock
//! evidence.rs   what is known of a call, in a shape that the ledger takes
//! commit_with_retry.rs     what became of a recording whose answer was lost
//! retry_budget.rs   how long that is tried
//! transient.rs  which of the database's errors pass by themselves
//! folder.rs     where a run's files are
//! prune.rs       and clearing them away
//! worker.rs     requested runs, claimed, and executed side by side
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
mod place;
mod prepare;
mod progress;
mod prune;
mod retry_budget;
mod run;
mod run_guard;
mod runner;
mod schema;
mod transient;
mod worker;

pub use engines::InvokerRegistry;
pub use error::Error;
pub use folder::RunsDir;
pub use prepare::{PairMember, Prepared};
pub use progress::{NoProgress, Progress, Step};
pub use run::{Outcome, RunOptions};
pub use runner::{Runner, default_runner_name};
pub use worker::{WorkerObserver, WorkerOptions};
