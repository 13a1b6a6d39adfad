//! EVENTS: an outbox row only where the type is active.

mod activation;
mod calls;
mod emission;
mod executed_runs;

pub(crate) use calls::switch;
