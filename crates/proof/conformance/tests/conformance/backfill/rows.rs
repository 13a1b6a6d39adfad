//! Rows of a backfill file.

use serde_json::{Value, json};

use crate::common::fixtures::{CANDIDATE, PRODUCER};

/// A row with what is required, changed as the test wants it.
pub(super) fn asserted(correlation_id: &str) -> Value {
    json!({"dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "correlation_id": correlation_id})
}

pub(super) fn with(key: &str, value: Value) -> Value {
    let mut row = asserted("old");
    row[key] = value;
    row
}
