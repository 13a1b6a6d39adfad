//! `fn_process_run_record_verifier_and_conclude`: refusals.

use rstest_reuse::apply;
use serde_json::json;

use super::calls::{CombinedCall, MODE, run_with_producer};
use super::wrong_calls::wrong_record_verifier_calls;
use crate::common::backend::on_each_version;
use crate::common::fixtures::{OTHER_PRODUCER, set_posture};
use crate::common::run_calls::{begun, ready, run_out};
use crate::common::{Backend, code, contents, execute, row, rows, text};

#[apply(on_each_version)]
async fn combined_record_verifier_refuses_like_the_two_functions(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    let (run, receipt) = run_with_producer(&runner).await;
    let finish = || CombinedCall::record_verifier(&run, &receipt);
    let before = contents(&superuser).await;
    for (case, expected) in wrong_record_verifier_calls(&run, &receipt) {
        assert_eq!(
            code(&runner, &case.separate_sql()).await,
            expected,
            "{}",
            case.separate_sql()
        );
        assert_eq!(
            code(&runner, &case.combined.sql()).await,
            expected,
            "{}",
            case.combined.sql()
        );
    }
    // The lease of another pair gives the same refusal.
    let elsewhere = finish().combined.text("p_run_dot_code", OTHER_PRODUCER);
    execute(&runner, "BEGIN").await;
    rows(&runner, &elsewhere.sql()).await;
    execute(&runner, "ROLLBACK").await;
    contents(&superuser)
        .await
        .assert_same(&before, "a refused record_verifier call");

    assert_eq!(
        code(&superuser, &finish().combined.sql()).await,
        "invocation_mismatch"
    );
    run_out(&superuser).await;
    assert_eq!(code(&runner, &finish().combined.sql()).await, "lease_lost");
    // A finished call is recorded although a gate has closed.
    execute(
        &superuser,
        "UPDATE dot.dot_iu_runtime_lease SET expires_at = clock_timestamp() + interval '1 hour'",
    )
    .await;
    set_posture(&operator, "NO_EXECUTE").await;
    rows(&runner, &finish().combined.sql()).await;
    let state = "SELECT status, verdict FROM dot.v_process_run";
    assert_eq!(
        row(&runner, state).await,
        json!({"status": "completed", "verdict": "pass"})
    );
}

#[apply(on_each_version)]
async fn pass_requires_producer_digest(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let run = begun(&runner, MODE).await;
    let over = CombinedCall::record_producer(&run).first("p_output_digest", "NULL");
    let receipt = text(&runner, &over.combined.sql()).await;
    let before = contents(&superuser).await;
    let passed = CombinedCall::record_verifier(&run, &receipt).combined;
    assert_eq!(code(&runner, &passed.sql()).await, "verdict_invalid");
    contents(&superuser)
        .await
        .assert_same(&before, "a pass of nothing");
    rows(&runner, &passed.text("p_verdict", "error").sql()).await;
}
