//! `fn_process_run_record_producer`: refusals, repetition and stale snapshots.

use rstest_reuse::apply;

use super::calls::{CombinedCall, MODE, run_with_producer};
use super::wrong_calls::wrong_record_producer_calls;
use crate::common::backend::on_each_version;
use crate::common::fixtures::set_posture;
use crate::common::run_calls::{OTHER_DIGEST, begun, ready, run_out};
use crate::common::{Backend, ask, code, contents, execute, refused, rows, text};

#[apply(on_each_version)]
async fn combined_record_producer_refuses_like_the_two_functions(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    let run = begun(&runner, MODE).await;
    let over = || CombinedCall::record_producer(&run);
    let before = contents(&superuser).await;
    for (case, expected) in wrong_record_producer_calls(&run) {
        let singly = refused(&runner, &case.separate_sql()).await;
        if expected != "status_invalid" {
            assert_eq!(singly.code, expected, "{}", case.separate_sql());
        }
        assert_eq!(
            code(&runner, &case.combined.sql()).await,
            singly.code,
            "{}",
            case.combined.sql()
        );
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a refused record_producer call");

    assert_eq!(
        code(&superuser, &over().combined.sql()).await,
        "invocation_mismatch",
        "another login than the one that opened the receipt"
    );
    set_posture(&operator, "DRY_RUN_ONLY").await;
    assert_eq!(code(&runner, &over().combined.sql()).await, "run_stopped");
    set_posture(&operator, MODE).await;
    run_out(&superuser).await;
    assert_eq!(code(&runner, &over().combined.sql()).await, "lease_lost");
}

#[apply(on_each_version)]
async fn record_producer_is_once_only_and_in_a_later_transaction(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    execute(&runner, "BEGIN").await;
    let run = begun(&runner, MODE).await;
    let early = code(&runner, &CombinedCall::record_producer(&run).combined.sql()).await;
    assert_eq!(early, "invocation_mismatch");
    execute(&runner, "ROLLBACK").await;

    let (run, receipt) = run_with_producer(&runner).await;
    let before = contents(&superuser).await;
    let again = code(&runner, &CombinedCall::record_producer(&run).combined.sql()).await;
    assert_eq!(again, "invocation_mismatch", "as another component");
    contents(&superuser)
        .await
        .assert_same(&before, "a second record_producer call");

    execute(&runner, "BEGIN").await;
    let finish = CombinedCall::record_verifier(&run, &receipt).combined.sql();
    rows(&runner, &finish).await;
    execute(&runner, "ROLLBACK").await;
    contents(&superuser)
        .await
        .assert_same(&before, "a rolled back record_verifier call");
    rows(&runner, &finish).await;
    assert_eq!(code(&runner, &finish).await, "invocation_mismatch");
}

#[apply(on_each_version)]
async fn repeated_record_producer_returns_same_receipt(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    let run = begun(&runner, MODE).await;
    let component = "'00000000-0000-7000-8000-0000000000c1'";
    let over = || CombinedCall::record_producer(&run).first("p_component_run_id", component);
    let receipt = text(&runner, &over().combined.sql()).await;
    let before = contents(&superuser).await;
    assert_eq!(text(&runner, &over().combined.sql()).await, receipt);
    let id = "gen_random_uuid()";
    for (case, expected) in [
        (over().each("p_lease_token", id), "invocation_mismatch"),
        (
            over().first("p_output_digest", &format!("'{OTHER_DIGEST}'")),
            "invocation_mismatch",
        ),
        (
            over().first("p_component_run_id", id),
            "invocation_mismatch",
        ),
        (
            over().second("p_runner", "p_runner", "'another'"),
            "invocation_mismatch",
        ),
    ] {
        let query = case.combined.sql();
        assert_eq!(code(&runner, &query).await, expected, "{query}");
    }
    let somebody_else = code(&superuser, &over().combined.sql()).await;
    assert_eq!(somebody_else, "invocation_mismatch");
    contents(&superuser)
        .await
        .assert_same(&before, "a repeated record_producer call");
    // The receipt was opened before the gate closed, so it stays valid. The runner stops the call.
    set_posture(&operator, "NO_EXECUTE").await;
    assert_eq!(text(&runner, &over().combined.sql()).await, receipt);

    rows(
        &runner,
        &CombinedCall::record_verifier(&run, &receipt).combined.sql(),
    )
    .await;
    let behind = code(&runner, &over().combined.sql()).await;
    assert_eq!(behind, "invocation_mismatch");
}

#[apply(on_each_version)]
async fn stale_snapshot_does_not_get_a_used_receipt_again(backend: Backend) {
    let (stage, runner, _operator, _superuser) = ready(backend).await;
    let run = begun(&runner, MODE).await;
    let component = "'01990000-0000-7000-8000-00000000000a'";
    let hand_over = CombinedCall::record_producer(&run)
        .first("p_component_run_id", component)
        .combined;
    let receipt = text(&runner, &hand_over.sql()).await;
    assert_eq!(text(&runner, &hand_over.sql()).await, receipt);
    let old = stage.client("runner").await;
    let snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM dot.v_process_run";
    execute(&old, snapshot).await;
    rows(&runner, &run.verifier(MODE, &receipt, "pass").sql()).await;
    let error = ask(&old, &hand_over.sql()).await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "40001", "{error:?}");
}
