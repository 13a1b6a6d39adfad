//! A receipt and a gate closing that do not see each other, in two sessions.

use dotwrap_testkit::Version;

use crate::support::{each_on_its_own, findings, judge, used_ledger};

const RECEIPT: &str = r#"
    INSERT INTO dot.process_run_observation (process_run_id, dot_code, process_candidate_code, correlation_id, status, evidence_type,
      source_system, lease_name, lease_token, evidence_ref, actor)
    VALUES ('{made}', 'COPY', 'PROC:copy', 'corr-m', 'started', 'DRY_RUN', 'dot_exec_runner', 'dot_exec:COPY', '{made}',
      '{"wrapper": "dot_exec_wrapper", "actor": "run", "posture": "DRY_RUN_ONLY"}', 'run');
    UPDATE dot.dot_iu_runtime_lease SET process_run_id = '{made}' WHERE lease_name = 'dot_exec:COPY';
    INSERT INTO dot.dot_invocation (invocation_id, process_run_id, dot_code, component_role, mode, posture, endpoint_ref, runner, begun_change_number, cluster_id)
    VALUES ('{made}', '{made}', 'COPY', 'producer', 'DRY_RUN', 'DRY_RUN_ONLY', 'command:cp', 'run', (SELECT s.change_number FROM dot.dot_gate_state s), dot.fn_dot_cluster_id())"#;

const COMPONENT: &str = r#"
    INSERT INTO dot.process_component_observation (component_run_id, process_run_id, component_role, process_candidate_code, correlation_id,
      dot_code, invocation_id, status, evidence_type, source_system, evidence_ref, actor)
    VALUES ('{made_too}', '{made}', 'producer', 'PROC:copy', 'corr-m', 'COPY', '{made}', 'step_completed', 'DRY_RUN', 'dot_exec_runner',
      '{"wrapper": "dot_exec_wrapper", "actor": "run", "posture": "DRY_RUN_ONLY"}', 'run')"#;

const CLOSING: &str =
    "SELECT dot.fn_dot_gate_set('process_dot_runtime.execute_enabled', 'false', 'ann', 'stop')";

#[tokio::test]
async fn component_on_void_receipt_is_a_violation() {
    let database = used_ledger(Version::V15).await;
    let runner = database.superuser().await;
    let operator = database.superuser().await;
    each_on_its_own(
        &runner,
        "BEGIN; LOCK TABLE dot.dot_gate_state IN ROW SHARE MODE",
    )
    .await;
    each_on_its_own(&runner, RECEIPT).await;
    each_on_its_own(&operator, CLOSING).await;
    each_on_its_own(&runner, "COMMIT").await;
    // Unused it claims nothing.
    assert!(findings(&judge(&database).await).is_empty());
    each_on_its_own(&runner, COMPONENT).await;
    let found = findings(&judge(&database).await);
    assert_eq!(
        found.keys().copied().collect::<Vec<_>>(),
        ["receipt_is_not_void"],
        "{found:#?}"
    );
}

#[tokio::test]
async fn receipt_seen_by_the_closing_still_takes_its_component() {
    let database = used_ledger(Version::V15).await;
    let client = database.superuser().await;
    each_on_its_own(&client, RECEIPT).await;
    each_on_its_own(&client, CLOSING).await;
    each_on_its_own(&client, COMPONENT).await;
    let found = findings(&judge(&database).await);
    assert!(found.is_empty(), "{found:#?}");
}
