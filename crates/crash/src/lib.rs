//! Crashes, on purpose: `dotwrap` and PostgreSQL are killed, and the wire between them is cut, at every step of executed
//! runs; afterwards the ledger has to be as true as before.
//!
//! The program is the real one, the tools are real programs, the server is a private one as durable as the product's.
//!
//! ```text
//! campaign/    what is killed or cut: dotwrap, a worker, PostgreSQL, a connection
//! plan.rs      which crashes: a function of the seed alone
//! injection_point.rs    when: a point in time, or a state of the run
//! run_process.rs   one call of dotwrap, and what it acknowledged before it was killed
//! tools.rs     the pairs; each call of a tool leaves a line in a file
//! proxy.rs     a relay that counts the protocol's messages, and cuts at one of them
//! ledger.rs    what is there afterwards, read with SQL of its own
//! recovery.rs what is done then: reap, verify, the same keys once more
//! invariants.rs what has to hold
//! ```
//!
//! Every crash is followed by the same questions: is every acknowledged row there; has each run one conclusion; has each
//! tool been called once a receipt at most, and behind its commit; is the outcome `unknown` wherever a call was open; is
//! nothing of the tools left running; does `verify` agree; does the same key call nothing any more.

// A harness says what it expects; unwrapping is how it fails.
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
