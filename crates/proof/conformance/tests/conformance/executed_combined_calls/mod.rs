//! The second and the third transaction of an executed run, as one call each: they refuse and write the same as the
//! single functions.

mod calls;
mod equality;
mod record_producer;
mod record_verifier_and_conclude;
mod wrong_calls;

pub(crate) use calls::{CombinedCall, activate_events, run_with_producer, stored_rows};
pub(crate) use wrong_calls::{wrong_record_producer_calls, wrong_record_verifier_calls};
