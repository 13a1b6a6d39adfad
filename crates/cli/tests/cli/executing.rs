//! Runs whose tools are really called: well, badly, stopped, side by side, and against the tools' will.

mod candidates;
mod configured;
mod crowded;
mod embedded;
mod gates;
mod hostile;
mod killed_server;
mod outcomes;
mod pruned;
mod refused;
mod site;
mod stopped;
mod worker;
