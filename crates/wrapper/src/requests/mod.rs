//! Requests: runs that somebody asks for and a worker claims, at most one run a request.
//!
//! ```text
//! waiting ─ claimed ─ finished    concluded: its run has its conclusion
//!    │  ▲      │                  refused:   no run was begun, and none will be
//!    │  └──────┘ later            gave_up:   its workers died of it, time and again
//!    └─ cancelled
//! ```
//! The run is begun under the key `request:<request_id>` ([`claim::ClaimedRequest::begin_call`]). So whoever claims a request after
//! its worker died finds the run that was begun, and does not call its tool again.

mod claim;
mod create;
mod query;

pub use claim::{ClaimedRequest, RequestEnd};
pub use create::{RunRequest, Schedule};
pub use query::{RequestOutcome, RequestState, RunRequestFilter, RunRequestRecord};
