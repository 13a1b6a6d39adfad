//! Backfilled evidence: asserted with a named source, and never counted as more than backfilled.

mod refusals;
mod repeated_import;
mod rows;
mod stored_rows;
