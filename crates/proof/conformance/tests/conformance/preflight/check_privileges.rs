//! A check runs with the privileges of the checker role.

use rstest_reuse::apply;
use serde_json::json;

use super::calls::check_result;
use crate::common::backend::on_each_version;
use crate::common::fixtures::register_check;
use crate::common::{Backend, TestContext, contents, execute};

/// Actions that need the privileges of the preflight's caller or of the contract's owner.
const ATTEMPTS: [&str; 9] = [
    "INSERT INTO dot.dot_refusal (refusal_id, refusal_code, message, posture) VALUES (gen_random_uuid(), 'x', 'x', 'x')",
    "UPDATE dot.dot_config SET value = 'true'",
    "DELETE FROM dot.dot_preflight_check",
    "PERFORM dot.fn_process_run_observe('c', 'c', 'checker')",
    "PERFORM * FROM dot.fn_process_pair_observe('DOT_BACKUP', 'c', 'c', 'checker')",
    "PERFORM dot.fn_dot_refusal_record('{}')",
    "PERFORM dot.fn_dot_gate_set('process_dot_runtime.execute_enabled', 'true', 'checker', 'why not')",
    "PERFORM dot.fn_dot_iu_runtime_lease_acquire('dot_exec:DOT_BACKUP', 'checker', 60)",
    "RESET ROLE; INSERT INTO dot.dot_refusal (refusal_id, refusal_code, message, posture) VALUES (gen_random_uuid(), 'x', 'x', 'x')",
];

#[apply(on_each_version)]
async fn a_check_has_the_rights_of_the_checker_and_not_of_its_caller(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, runner, operator) = (
        stage.superuser().await,
        stage.client("runner").await,
        stage.client("operator").await,
    );
    // The results of the built-in checks are not cached, so that the test can expect no changed row.
    execute(
        &superuser,
        "UPDATE dot.dot_preflight_check SET max_age = '0'",
    )
    .await;
    for attempt in ATTEMPTS {
        register_check(
            &superuser,
            "reaches_out",
            &format!("BEGIN {attempt}; RETURN 0; END"),
            "WARN",
            "0",
        )
        .await;
        let before = contents(&superuser).await;
        for caller in [&runner, &operator, &superuser] {
            let answer = check_result(caller, "reaches_out").await;
            assert_eq!(
                answer,
                json!({"cnt": null, "severity": "high", "status": "BLOCK"}),
                "{attempt}"
            );
            contents(&superuser).await.assert_same(&before, attempt);
        }
    }
    let identity = "BEGIN IF current_user <> 'dot_checker' THEN RETURN 1; END IF; RETURN (SELECT count(*) FROM dot.process_run_observation); END";
    register_check(&superuser, "reaches_out", identity, "BLOCK", "0").await;
    assert_eq!(
        check_result(&runner, "reaches_out").await["status"],
        "PASS",
        "the checker reads the ledger"
    );
}
