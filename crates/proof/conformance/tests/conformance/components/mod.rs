//! COMPONENTS: producer and verifier of a run, and the receipt that an execution needs.

mod arguments;
mod header;
mod receipt_match;
mod receipt_required;
mod roles;
mod run_state;
