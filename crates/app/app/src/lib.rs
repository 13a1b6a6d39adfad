//! What every front end needs. Nothing here can call a tool: that is `exec`'s, and only the command line uses it.
//!
//! ```text
//! settings/     flags, environment, dotwrap.toml and defaults as one Settings
//! backend/      Settings ─► Connection ─► LedgerClient: the configured database, or the embedded one with the
//!               contract installed; closing a gate where the database takes no connection
//! problem/      what went wrong: code, message, hint, detail, class
//! run_detail/   a run as the layers that it passed
//! json_lines.rs  a file of JSON lines that is read twice
//! doctor.rs     what is wrong with an installation
//! labels.rs     the words for evidence, statuses, verdicts, rungs; label.rs has their form
//! visible.rs    recorded text made safe to show
//! ```

#![forbid(unsafe_code)]

pub mod backend;
pub mod doctor;
mod duration;
pub mod json_lines;
mod label;
pub mod labels;
mod problem;
pub mod run_detail;
pub mod settings;
pub mod visible;

pub use duration::format_duration;
pub use label::{Label, Tone};
pub use problem::{BUSY, FREE_SPACE, Problem};
