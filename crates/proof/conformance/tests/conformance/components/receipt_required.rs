//! An execution and a verdict need a receipt.

use rstest_reuse::apply;

use super::header::a_run;
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{VERIFIER, set_posture};
use crate::common::forged_run::ExecutedRun;
use crate::common::{Backend, Call, TestContext, code, contents, execute};

#[apply(on_each_backend)]
async fn execution_is_refused_without_a_receipt_in_every_posture(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator, superuser) = (
        stage.client("observer").await,
        stage.client("operator").await,
        stage.superuser().await,
    );
    let runner = stage.client("runner").await;
    // Only the login that recorded the run may add components.
    let runs = [
        (&observer, a_run(&observer).await),
        (&runner, a_run(&runner).await),
    ];
    for (posture, dry_run, real_run) in [
        ("NO_EXECUTE", "no_execute", "real_run_disabled"),
        ("DRY_RUN_ONLY", "invocation_required", "real_run_disabled"),
        ("REAL_RUN", "invocation_required", "invocation_required"),
    ] {
        set_posture(&operator, posture).await;
        let before = contents(&superuser).await;
        for (client, run) in &runs {
            for (evidence_type, expected) in [("DRY_RUN", dry_run), ("REAL_RUN", real_run)] {
                for status in ["step_completed", "failed", "observed"] {
                    let component = Call::component(run)
                        .text("p_evidence_type", evidence_type)
                        .text("p_status", status)
                        .sql();
                    assert_eq!(
                        code(*client, &component).await,
                        expected,
                        "a {evidence_type} component in {posture}"
                    );
                }
                for status in ["started", "completed", "failed", "skipped"] {
                    let pair = Call::pair()
                        .text("p_evidence_type", evidence_type)
                        .text("p_wrapper_status", status)
                        .with("p_dry_run", "false")
                        .sql();
                    assert_eq!(
                        code(*client, &pair).await,
                        expected,
                        "a {evidence_type} pair in {posture}"
                    );
                }
            }
        }
        contents(&superuser).await.assert_same(&before, posture);
    }
}

#[apply(on_each_backend)]
async fn a_verdict_needs_the_receipt_of_a_call(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator) = (
        stage.client("observer").await,
        stage.client("operator").await,
    );
    let run = a_run(&observer).await;
    for posture in ["NO_EXECUTE", "REAL_RUN"] {
        set_posture(&operator, posture).await;
        for verdict in ["pass", "fail", "error"] {
            let call = Call::component(&run)
                .text("p_dot_code", VERIFIER)
                .text("p_component_role", "verifier")
                .text("p_verdict", verdict)
                .sql();
            assert_eq!(
                code(&observer, &call).await,
                "invocation_required",
                "{verdict} in {posture}"
            );
        }
    }
}

#[apply(on_each_version)]
async fn not_even_a_superuser_can_insert_an_execution_without_a_receipt(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    execute(&superuser, &ExecutedRun::truthful().header.sql()).await;
    for (evidence_type, verdict) in [
        ("'DRY_RUN'", "NULL"),
        ("'REAL_RUN'", "NULL"),
        ("'SIMULATED_DRY_RUN'", "'pass'"),
        ("'BACKFILLED_EVIDENCE'", "'fail'"),
    ] {
        let mut component = ExecutedRun::truthful().producer;
        component.set("invocation_id", "NULL");
        component.set("evidence_type", evidence_type);
        component.set("verdict", verdict);
        let error = superuser.batch_execute(&component.sql()).await.unwrap_err();
        let error = error.as_db_error().unwrap();
        assert_eq!(
            (error.code().code(), error.constraint()),
            ("23514", Some("process_component_execution_needs_receipt")),
            "{evidence_type}, {verdict}"
        );
    }
    let mut forged = ExecutedRun::truthful().producer;
    forged.set("invocation_id", "gen_random_uuid()");
    let error = superuser.batch_execute(&forged.sql()).await.unwrap_err();
    assert_eq!(
        error.code().unwrap().code(),
        "23503",
        "a receipt that is not there"
    );
}
