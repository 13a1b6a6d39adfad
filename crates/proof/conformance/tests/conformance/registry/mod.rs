//! The registry: DOTs, candidates, contracts, fixtures, checks.

mod candidates;
mod checks;
mod contracts;
mod entries;
mod fixtures;
mod history;
mod tool_pairs;
mod tools_import;
