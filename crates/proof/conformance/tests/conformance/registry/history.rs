//! The history of registry changes.

use rstest_reuse::apply;
use serde_json::json;

use super::entries::contract;
use crate::common::backend::on_each_version;
use crate::common::fixtures::PRODUCER;
use crate::common::{Backend, Call, TestContext, number, rows};

#[apply(on_each_version)]
async fn registry_change_records_actor_and_login(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    let before = number(&operator, "SELECT count(*) FROM dot.v_dot_registry_history").await;
    let candidate = Call::new("fn_process_candidate_set")
        .text("p_process_candidate_code", "C")
        .text("p_title", "title")
        .text("p_owner", "ann")
        .text("p_actor", "olga");
    let check = Call::new("fn_dot_preflight_check_set")
        .text("p_check_name", "c")
        .text("p_count_query", "dot.fn_dot_check_malformed_gates")
        .with("p_enabled", "false")
        .text("p_actor", "olga");
    let contract = contract(|_| ()).text("p_actor", "olga");
    for call in [candidate, check, contract] {
        rows(&operator, &call.sql()).await;
    }
    let history = rows(
        &operator,
        &format!(
            "SELECT kind, key, actor, recorded_by = session_user AS is_me, coalesce(entry ->> 'owner', entry ->> 'enabled', entry ->> 'mode') AS what
             FROM dot.v_dot_registry_history ORDER BY change_id OFFSET {before}"
        ),
    )
    .await;
    let change = |kind: &str, key: &str, what: &str| json!({"kind": kind, "key": key, "actor": "olga", "is_me": true, "what": what});
    assert_eq!(
        history,
        [
            change("candidate", "C", "ann"),
            change("check", "c", "false"),
            change("contract", &format!("{PRODUCER} DRY_RUN"), "DRY_RUN"),
        ]
    );
}
