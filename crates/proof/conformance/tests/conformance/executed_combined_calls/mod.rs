//! The second and the third transaction of an executed run, as one call each: they refuse and write the same as the
//! single functions.

mod calls;
mod equality;
mod record_producer;
mod record_verifier_and_conclude;
mod wrong_calls;

pub(crate) use calls::CombinedCall;
