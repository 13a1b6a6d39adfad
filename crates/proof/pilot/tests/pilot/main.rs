//! The pilot pair: the verifier's checks, its program, and the reference agent service.

#![allow(
    clippy::unwrap_used,
    reason = "a test says what it expects; unwrapping is how it fails"
)]

#[cfg(feature = "agent")]
mod agent;
mod checks;
mod program;
