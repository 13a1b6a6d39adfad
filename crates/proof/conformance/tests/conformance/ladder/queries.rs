//! Queries of a candidate's rung, and its registration.

use serde_json::Value;
use tokio_postgres::Client;

use crate::common::fixtures::CANDIDATE;
use crate::common::{Call, literal, row};

pub(super) async fn candidate(client: &Client) -> Value {
    row(client, &format!("SELECT has_real_runtime, has_cross_component_correlation, owner_missing, best_evidence_type, candidate_status_v3, birth_gate_status_v3 FROM dot.v_process_discovery_candidate_status_v3 WHERE process_candidate_code = {}", literal(CANDIDATE))).await
}

pub(super) fn set_candidate(owner: &str) -> String {
    Call::new("fn_process_candidate_set")
        .text("p_process_candidate_code", CANDIDATE)
        .text("p_title", "Backups")
        .with("p_owner", owner)
        .text("p_actor", "operator")
        .sql()
}
