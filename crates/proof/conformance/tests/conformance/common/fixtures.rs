//! The test registry and its states.

use serde_json::json;
use tokio_postgres::Client;

use super::backend::TestContext;
use super::call::{Call, literal};
use super::query::{execute, rows};

/// A producer that writes.
pub(crate) const PRODUCER: &str = "DOT_BACKUP";
/// Its verifier.
pub(crate) const VERIFIER: &str = "DOT_BACKUP_VERIFY";
/// Another pair.
pub(crate) const OTHER_PRODUCER: &str = "DOT_COPY";
/// Its verifier.
pub(crate) const OTHER_VERIFIER: &str = "DOT_COPY_VERIFY";
/// A DOT without a pair.
pub(crate) const LONE: &str = "DOT_LONE";
/// What the runs are evidence for.
pub(crate) const CANDIDATE: &str = "PROC-CAND:dot:backup";
/// What joins the rows of a run.
pub(crate) const CORRELATION: &str = "correlation-1";

/// The gates, in the order in which the contract names them.
pub(crate) const GATES: [&str; 4] = [
    "iu_core.operator_runtime_enabled",
    "process_dot_runtime.execute_enabled",
    "process_dot_runtime.dry_run_only",
    "process_dot_runtime.real_run_enabled",
];

/// An import of two pairs, which both count for [`CANDIDATE`], and a lone reader.
pub(crate) fn tools() -> serde_json::Value {
    let tool = |code: &str, tier: &str, pair: &str, role: &str| json!({"dot_code": code, "name": code, "tier": tier, "paired_dot": pair, "pair_role": role});
    let producer = |code: &str, verifier: &str| {
        let mut producer = tool(code, "B", verifier, "producer");
        producer["extra_metadata"] = json!({"process_candidate_code": CANDIDATE});
        producer
    };
    json!([
        producer(PRODUCER, VERIFIER),
        tool(VERIFIER, "A", PRODUCER, "verifier"),
        producer(OTHER_PRODUCER, OTHER_VERIFIER),
        tool(OTHER_VERIFIER, "A", OTHER_PRODUCER, "verifier"),
        {"dot_code": LONE, "name": LONE, "tier": "A"},
    ])
}

pub(crate) fn import(tools: &serde_json::Value) -> Call {
    Call::new("fn_dot_tools_import")
        .with("p_tools", format!("{}::jsonb", literal(&tools.to_string())))
        .text("p_actor", "operator")
}

pub(crate) async fn register(stage: &TestContext) {
    let operator = stage.client("operator").await;
    rows(&operator, &import(&tools()).sql()).await;
}

/// Registers a candidate, without an owner. Real runs need it.
pub(crate) async fn register_candidate(operator: &Client, candidate: &str) {
    let set = Call::new("fn_process_candidate_set")
        .text("p_process_candidate_code", candidate)
        .text("p_title", "")
        .with("p_owner", "NULL")
        .text("p_actor", "operator");
    rows(operator, &set.sql()).await;
}

/// Sets the gates to a posture.
pub(crate) async fn set_posture(operator: &Client, posture: &str) {
    let says = match posture {
        "NO_EXECUTE" => ["false", "false", "true", "false"],
        "DRY_RUN_ONLY" => ["true", "true", "true", "false"],
        "REAL_RUN" => ["true", "true", "false", "true"],
        other => panic!("there is no posture {other}"),
    };
    let mut now = String::new();
    for (key, value) in GATES.iter().zip(says) {
        now = super::query::text(operator, &Call::gate(key, value).sql()).await;
    }
    assert_eq!(now, posture);
}

/// Registers a check with a function of this body, which returns bigint. The checker may call it and read its table.
pub(crate) async fn register_check(
    superuser: &Client,
    name: &str,
    body: &str,
    on_finding: &str,
    max_age: &str,
) {
    execute(
        superuser,
        &format!(
            "CREATE SCHEMA IF NOT EXISTS checks; GRANT USAGE ON SCHEMA checks TO PUBLIC;
             CREATE OR REPLACE FUNCTION checks.{name}() RETURNS bigint LANGUAGE plpgsql AS $check$ {body} $check$;"
        ),
    )
    .await;
    let set = Call::new("fn_dot_preflight_check_set")
        .text("p_check_name", name)
        .text("p_count_query", &format!("checks.{name}"))
        .text("p_actor", "operator")
        .text("p_on_finding", on_finding)
        .text("p_max_age", max_age);
    rows(superuser, &set.sql()).await;
}
