//! Every refusal of this release, its form, and refusals that a client records.

mod argument_cases;
mod case;
mod concurrent_change;
mod recorded_refusals;
mod registry_cases;
mod responses;
mod state_cases;
