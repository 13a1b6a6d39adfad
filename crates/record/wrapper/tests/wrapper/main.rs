//! The client against a real PostgreSQL with the contract installed.

#![allow(
    clippy::unwrap_used,
    reason = "a test says what it expects; unwrapping is how it fails"
)]

mod backfill;
mod connection_pool;
mod dependencies;
mod error_responses;
mod errors;
mod executed;
mod isolation;
mod pair;
mod pooler;
mod queries;
mod refusals;
mod registry;
mod requests;
mod slots;
mod statuses;
mod steps;
mod support;
mod tls;
mod versions;
