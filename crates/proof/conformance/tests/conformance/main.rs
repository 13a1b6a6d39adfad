//! Tests of the SQL contract on real servers, in SQL. One file or folder per layer; `common/backend.rs` has the
//! backends.

#![allow(
    clippy::unwrap_used,
    reason = "a test says what it expects; unwrapping is how it fails"
)]

mod common;

mod attempts;
mod backfill;
mod bounded_json;
mod bounded_waits;
mod candidate_pairs;
mod catalogue_import;
mod components;
mod contract_values;
mod events;
mod executed_combined_calls;
mod executed_runs;
mod gate;
mod gate_isolation;
mod gate_order;
mod header;
mod hostile_checks;
mod hostile_text;
mod idempotency;
mod idle_transactions;
mod input_secrets;
mod install;
mod ladder;
mod lease;
mod lease_scope;
mod ledger;
mod lock_order;
mod mock_verdicts;
mod notification_lock;
mod own_changes;
mod own_locks;
mod pair;
mod pair_changes;
mod paused_tools;
mod precedence;
mod preflight;
mod reference;
mod refusals;
mod registry;
mod roles;
mod run_requests;
mod run_stop;
mod signatures;
mod simulated_rung;
mod temporary_objects;
mod text_limits;
mod token_logins;
mod unseen_text;
mod views;
mod windows;
mod windows_race;
