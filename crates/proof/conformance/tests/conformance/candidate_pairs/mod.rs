//! The candidates of each producer: declared, inferred by an upgrade, confirmed, removed; and retired tools.

mod calls;
mod declaration;
mod real_runs;
mod retirement;
mod rungs;
