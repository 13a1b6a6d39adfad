//! The runner on a real PostgreSQL: what it records of what really happened, and what it refuses to claim.
//!
//! The tools are functions of the tests that are called through the invoker's trait; real programs are called in the
//! tests of the invokers and of the command line.

#![allow(
    clippy::unwrap_used,
    reason = "a test says what it expects; unwrapping is how it fails"
)]

mod changed_output;
mod executed;
mod stopping;
mod support;
mod untrusted_tools;
mod worker;
