//! LEASE: one run of a pair at a time, by the database's clock.

mod acquire;
mod calls;
mod pair;
mod renew_and_release;
mod transactions;
