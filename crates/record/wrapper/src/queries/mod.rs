//! Reads the ledger through the contract's views, without computations of its own.

mod components;
mod ladder;
mod receipts;
mod resolutions;
mod run_filter;
mod runs;
mod status;
mod verified_output;

pub use components::Component;
pub use ladder::{BirthReadiness, CandidateStatus, ObservedCounts, Rung};
pub use receipts::{Receipt, ReceiptState};
pub use resolutions::{Happened, Resolution};
pub use run_filter::{InvalidCursor, RunCursor, RunFilter};
pub use runs::{Run, RunPage};
pub use status::{DotStatus, DotWrapperStatus};
pub use verified_output::VerifiedOutput;
