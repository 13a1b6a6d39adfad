//! Executed runs, as far as they are recorded: begun before anything is called, told what became of each call, concluded
//! once. Whoever calls the tools is another crate.
//!
//! ```text
//! begin.rs     1  gates, preflight, lease, header, the producer's receipt    → BegunRun
//! progress.rs  2  the producer's row and the verifier's receipt              → ProducedRun
//!              3  the verifier's row and the conclusion
//! reap.rs      the runs whose holder died
//! ```
//! Each number is one transaction and one round trip, which runs that come to it at the same time share. What comes back is committed: a crash leaves a true record.

mod begin;
mod progress;
mod reap;

pub use begin::{BeginCall, BeginOutcome, BegunRun};
pub use progress::{CallRecord, Conclusion, RunAwaitingVerifier};
