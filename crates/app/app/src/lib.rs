//! What every front end needs. Nothing here can call a tool: only `exec` can, and only the command line uses it.
//!
//! - [`settings`] reads flags, environment and `dotwrap.toml`, and fills in defaults.
//! - [`backend`] opens the configured database, or starts the embedded one and installs the contract. It also closes a
//!   gate where the database takes no connection.
//! - [`Problem`] says what went wrong: code, message, hint, detail and class.
//! - [`run_detail`] reads a run as the layers that it passed.
//! - [`doctor`] finds what is wrong with an installation.
//! - [`labels`] has the words for evidence, statuses, verdicts and rungs. A [`Label`] is a text with a [`Tone`].
//! - [`visible`] makes recorded text safe to show.
//! - [`embedded`] takes the ledger out of the embedded database, as a file or into another database.
//! - [`backfill`] imports a file of evidence from elsewhere.

#![forbid(unsafe_code)]

pub mod backend;
pub mod backfill;
pub mod doctor;
mod duration;
pub mod embedded;
mod json_lines;
mod label;
pub mod labels;
mod problem;
pub mod run_detail;
pub mod settings;
pub mod visible;

pub use duration::format_duration;
pub use label::{Label, Tone};
pub use problem::{BUSY, FREE_SPACE, Problem};
