//! Calls of agent services on loopback, over TLS: honest ones, broken ones and hostile ones.

#![allow(
    clippy::unwrap_used,
    reason = "a test says what it expects; unwrapping is how it fails"
)]

#[path = "../../../../proof/testkit/include/registered.rs"]
mod registered;

mod answers;
mod check;
mod pilot;
mod secrets;
mod support;
mod transport;
mod verdicts;
