//! Rows of a backfill file.

use serde_json::{Value, json};

use crate::common::fixtures::{CANDIDATE, PRODUCER};

/// A row with the required members only.
pub(super) fn asserted(correlation_id: &str) -> Value {
    json!({"dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "correlation_id": correlation_id})
}

pub(super) fn row_with(key: &str, value: Value) -> Value {
    let mut row = asserted("old");
    row[key] = value;
    row
}
