//! The command line as its users meet it: the program itself, on a real database, judged by what it prints and how it
//! ends.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expects, and unwrapping is how it fails"
)]

mod catalogue;
mod catalogue_runs;
mod configuration;
mod contract_set;
mod conventions;
mod demo;
mod embedded_life;
mod empty_output;
mod executing;
mod exit_statuses;
mod formats;
mod help;
mod home;
mod installation;
mod json_reference;
mod offline;
mod operation;
mod packaged;
mod pooler;
mod read_only;
mod recording;
mod registry;
mod requests;
mod support;
mod trust;
mod tutorial;
mod uninstalled;
mod unreadable;
mod verification;
mod watching;
