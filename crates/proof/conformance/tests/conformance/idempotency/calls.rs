//! Calls with an idempotency key.

use serde_json::Value;

use crate::common::Call;
use crate::common::fixtures::PRODUCER;

pub(super) fn keyed_pair() -> Call {
    Call::pair().text("p_idempotency_key", "key")
}

pub(super) fn keyed_run() -> Call {
    Call::run()
        .text("p_idempotency_key", "key")
        .text("p_dot_code", PRODUCER)
}

/// The ids alone, without `created`.
pub(super) fn ids(row: &Value) -> [&Value; 3] {
    [
        "process_run_id",
        "producer_component_run_id",
        "verifier_component_run_id",
    ]
    .map(|column| &row[column])
}
