//! The invoker against real servers, on both transports.

#![allow(
    clippy::unwrap_used,
    reason = "a test says what it expects; unwrapping is how it fails"
)]

#[path = "../../../../proof/testkit/include/registered.rs"]
mod registered;
#[path = "../../probe/tools.rs"]
mod tools;

mod both_transports;
mod contract;
mod service;
mod stdio;
mod world;
