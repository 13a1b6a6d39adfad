//! Crash tests: they kill `dotwrap` and PostgreSQL and cut the connection between them at every step of executed runs.
//! The ledger must be consistent afterwards.
//!
//! They use the real program, real tools, and a private server with the product's durability settings.
//!
//! ```text
//! campaign/           what is killed or cut: dotwrap, a worker, PostgreSQL, a connection
//! plan.rs             the crashes of a campaign, a function of the seed alone
//! injection_point.rs  the time of a crash: a delay, or a state of the run
//! run_process.rs      one call of dotwrap, and the commits that it acknowledged before the kill
//! tools.rs            the pairs; each call of a tool appends a line to a file
//! proxy.rs            a proxy that counts protocol messages and cuts the connection at one of them
//! ledger.rs           reads the ledger with its own SQL
//! recovery.rs         recovers: reap, verify, repeat the same keys
//! invariants.rs       the invariants
//! ```
//!
//! Each crash checks the same invariants. Every acknowledged row exists. Each run has one conclusion. Each tool was
//! called at most once per receipt, after the receipt's commit. The outcome is `unknown` wherever a call was open. No
//! process of a tool is left. `verify` finds no violation. The same key calls no tool again.

// A test harness fails by panicking: unwrap and expect are allowed.
#![allow(clippy::unwrap_used)]

mod campaign;
mod fixture;
mod injection_point;
mod invariants;
mod ledger;
mod plan;
mod processes;
mod program;
mod proxy;
mod recovery;
mod run_process;
mod server;
mod tools;

pub use campaign::{Campaign, Stats};
pub use plan::{Plan, new_seed};
