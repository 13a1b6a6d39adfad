//! The receipt that a component names: the same run, role, DOT and mode, used once, and not void.

use rstest_reuse::apply;
use serde_json::json;
use tokio_postgres::Client;

use crate::common::backend::on_each_version;
use crate::common::fixtures::{PRODUCER, VERIFIER, set_posture};
use crate::common::forged_run::{self, ExecutedRun, PRODUCER_RECEIPT, RUN, TOKEN};
use crate::common::run_calls::DIGEST;
use crate::common::{Backend, Call, TestContext, ask, code, contents, execute, row, rows, text};

/// Inserts a run with a live lease, and its producer's receipt with this change.
async fn receipt(superuser: &Client, change: impl FnOnce(&mut forged_run::Insert)) {
    forged_run::begin(superuser).await;
    let mut receipt = ExecutedRun::truthful().producer_receipt;
    change(&mut receipt);
    execute(superuser, &receipt.sql()).await;
}

/// A stage in the posture `REAL_RUN`, with its runner, operator and superuser.
async fn real_run_stage(backend: Backend) -> (TestContext, Client, Client, Client) {
    let stage = TestContext::new(backend).await;
    let (runner, operator, superuser) = (
        stage.client("runner").await,
        stage.client("operator").await,
        stage.superuser().await,
    );
    set_posture(&operator, "REAL_RUN").await;
    (stage, runner, operator, superuser)
}

fn with_receipt() -> Call {
    Call::component(RUN)
        .text("p_evidence_type", "REAL_RUN")
        .text("p_status", "step_completed")
        .text("p_invocation_id", PRODUCER_RECEIPT)
        .text("p_lease_token", TOKEN)
}

#[apply(on_each_version)]
async fn a_component_is_bound_to_a_receipt_that_fits_it(backend: Backend) {
    let (_stage, runner, _operator, superuser) = real_run_stage(backend).await;
    receipt(&superuser, |_| ()).await;
    rows(
        &runner,
        &with_receipt().text("p_output_digest", DIGEST).sql(),
    )
    .await;
    let stored = row(&runner, "SELECT invocation_id, evidence_type, output_digest, evidence_ref FROM dot.v_process_component").await;
    assert_eq!(
        stored,
        json!({"invocation_id": PRODUCER_RECEIPT, "evidence_type": "REAL_RUN", "output_digest": DIGEST,
               "evidence_ref": {"wrapper": "dot_exec_wrapper", "actor": "tester", "posture": "REAL_RUN"}}),
        "what was executed bears no no_execute"
    );
    let counts = row(
        &runner,
        "SELECT real_run_count, component_count FROM dot.v_process_discovery_runtime_observed",
    )
    .await;
    assert_eq!(counts, json!({"real_run_count": 1, "component_count": 1}));
}

#[apply(on_each_version)]
async fn a_receipt_that_does_not_fit_is_refused(backend: Backend) {
    let (_stage, runner, _operator, superuser) = real_run_stage(backend).await;
    let another_run = text(&runner, &Call::run().text("p_dot_code", PRODUCER).sql()).await;
    receipt(&superuser, |_| ()).await;
    let wrong = [
        (
            "none such",
            with_receipt().with("p_invocation_id", "gen_random_uuid()"),
        ),
        (
            "another run",
            with_receipt().text("p_process_run_id", &another_run),
        ),
        (
            "another role and DOT",
            with_receipt()
                .text("p_dot_code", VERIFIER)
                .text("p_component_role", "verifier"),
        ),
        (
            "another mode",
            with_receipt().text("p_evidence_type", "DRY_RUN"),
        ),
    ];
    let before = contents(&superuser).await;
    for (what, call) in &wrong {
        assert_eq!(
            code(&runner, &call.sql()).await,
            "invocation_mismatch",
            "{what}"
        );
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a receipt that does not fit");
    rows(&runner, &with_receipt().sql()).await;
    let second_use = Call::component(RUN)
        .text("p_component_run_id", RUN)
        .text("p_invocation_id", PRODUCER_RECEIPT)
        .text("p_lease_token", TOKEN);
    assert_eq!(
        code(&runner, &second_use.sql()).await,
        "invocation_mismatch",
        "used already"
    );
}

#[apply(on_each_version)]
async fn receipt_of_a_lower_mode_does_not_promote_the_component(backend: Backend) {
    let (_stage, runner, _operator, superuser) = real_run_stage(backend).await;
    receipt(&superuser, |receipt| receipt.set("mode", "'DRY_RUN'")).await;
    assert_eq!(
        code(&runner, &with_receipt().sql()).await,
        "invocation_mismatch"
    );
    // A mock is recorded as simulated and keeps its receipt.
    rows(
        &runner,
        &with_receipt()
            .text("p_evidence_type", "SIMULATED_DRY_RUN")
            .sql(),
    )
    .await;
}

#[apply(on_each_version)]
async fn a_receipt_of_this_very_transaction_is_refused(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, mut superuser) = (stage.client("operator").await, stage.superuser().await);
    set_posture(&operator, "REAL_RUN").await;
    forged_run::begin(&superuser).await;
    let transaction = superuser.transaction().await.unwrap();
    execute(
        &transaction,
        &ExecutedRun::truthful().producer_receipt.sql(),
    )
    .await;
    assert_eq!(
        code(&transaction, &with_receipt().sql()).await,
        "invocation_mismatch"
    );
}

#[apply(on_each_version)]
async fn receipt_committed_after_a_gate_closes_is_void(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (runner, operator) = (stage.client("runner").await, stage.client("operator").await);
    let mut superuser = stage.superuser().await;
    set_posture(&operator, "REAL_RUN").await;
    forged_run::begin(&superuser).await;
    // The receipt reads the posture, and commits after a gate closed without waiting for it.
    let slow = superuser.transaction().await.unwrap();
    execute(&slow, "LOCK TABLE dot.dot_gate_state IN ROW SHARE MODE").await;
    execute(&slow, &ExecutedRun::truthful().producer_receipt.sql()).await;
    rows(
        &operator,
        &Call::gate("process_dot_runtime.real_run_enabled", "false").sql(),
    )
    .await;
    slow.commit().await.unwrap();
    assert_eq!(
        code(&runner, &with_receipt().sql()).await,
        "invocation_mismatch"
    );
}

#[apply(on_each_version)]
async fn receipt_committed_before_a_gate_closes_stays_valid(backend: Backend) {
    let (_stage, runner, operator, superuser) = real_run_stage(backend).await;
    receipt(&superuser, |_| ()).await;
    rows(
        &operator,
        &Call::gate("process_dot_runtime.real_run_enabled", "false").sql(),
    )
    .await;
    // The call was begun before the gate closed: it is recorded.
    rows(&runner, &with_receipt().sql()).await;
}

#[apply(on_each_version)]
async fn a_receipt_is_used_once_even_when_two_try_at_the_same_time(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    set_posture(&operator, "REAL_RUN").await;
    receipt(&superuser, |_| ()).await;
    let runners = stage.clients("runner", 8).await;
    let call = with_receipt().sql();
    let outcomes =
        futures_util::future::join_all(runners.iter().map(|runner| ask(runner, &call))).await;
    assert_eq!(
        outcomes.iter().filter(|outcome| outcome.is_ok()).count(),
        1,
        "{outcomes:?}"
    );
    for refused in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        let code = crate::common::Refusal::of(refused).code;
        assert!(
            ["invocation_mismatch", "id_in_use"].contains(&code.as_str()),
            "{code}"
        );
    }
}
