//! Requests for runs that a worker claims and executes, at most one run per request.
//!
//! ```text
//! waiting ─ claimed ─ finished    concluded: its run has its conclusion
//!    │  ▲      │                  refused:   no run was begun, and none will be
//!    │  └──────┘ retry            abandoned: its claims expired five times
//!    └─ cancelled
//! ```
//! The run is begun with the key `request:<request_id>` ([`claim::ClaimedRequest::begin_call`]). So a worker that
//! claims a request after another one died finds the run that was begun, and does not call its tool again.

mod claim;
mod create;
mod query;

pub use claim::{ClaimedRequest, RequestEnd};
pub use create::{DEFAULT_BACKOFF, RunRequest, Schedule};
pub use query::{RequestOutcome, RequestState, RunRequestFilter, RunRequestRecord};
