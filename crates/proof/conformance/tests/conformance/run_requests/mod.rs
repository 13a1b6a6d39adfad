//! Requests for runs: created, claimed by one worker at a time, run at most once.

mod attempts;
mod calls;
mod claim;
mod create;
mod expired_claim;
mod finish;
mod notify;
mod run_key;
