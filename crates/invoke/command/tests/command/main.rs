//! Programs that are called for real: honest ones and hostile ones.

#![allow(clippy::unwrap_used, reason = "unwrapping is how a test fails")]

#[path = "../../../../proof/testkit/include/registered.rs"]
mod registered;

mod arguments;
mod contracts;
mod environment;
mod groups;
mod hostile;
#[cfg(target_os = "linux")]
mod isolation;
#[cfg(target_os = "linux")]
mod lacking;
mod limits;
mod outcomes;
mod output;
mod output_places;
mod privileges;
mod sandbox;
mod stopping;
mod supervision;
mod support;
mod surroundings;
mod verdicts;
mod what_ran;
mod written;
