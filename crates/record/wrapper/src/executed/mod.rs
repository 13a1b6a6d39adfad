//! The records of executed runs: begun before any call, each call recorded, concluded once. Another crate calls the
//! tools.
//!
//! ```text
//! begin.rs     1  gates, preflight, lease, header, the producer's receipt    → BegunRun
//! progress.rs  2  the producer's row and the verifier's receipt              → RunAwaitingVerifier
//!              3  the verifier's row and the conclusion
//! reap.rs      concludes the runs of dead holders
//! stop.rs      stops a run from any session
//! ```
//! Each number is one transaction and one round trip. Each result is committed before it is returned, so that a crash
//! leaves a true record.

mod begin;
mod progress;
mod reap;
mod stop;

pub use begin::{BeginCall, BeginOutcome, BegunRun, OnEarlier};
pub use progress::{CallRecord, Conclusion, RunAwaitingVerifier};
pub use stop::RunStop;
