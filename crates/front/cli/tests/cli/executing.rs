//! Runs whose tools are really called: well, badly, stopped, side by side, and against the tools' will.

mod attempts;
mod candidates;
mod clock;
mod configured;
mod crowded;
mod disk;
mod embedded;
mod gates;
mod hostile;
mod killed_server;
#[cfg(target_os = "linux")]
mod launched;
mod notified;
mod outcomes;
mod output_places;
mod placed;
mod pruned;
mod refused;
mod silenced;
pub(crate) mod site;
mod stopped;
mod targets;
mod warnings;
mod what_ran;
mod worker;
