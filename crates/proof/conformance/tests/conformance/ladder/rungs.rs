//! The rung of a candidate by its best evidence.

use rstest_reuse::apply;
use serde_json::{Value, json};

use super::queries::{candidate, set_candidate};
use crate::common::backend::on_each_backend;
use crate::common::fixtures::{CANDIDATE, PRODUCER, set_posture};
use crate::common::forged_run::{ExecutedRun, RUN};
use crate::common::{Backend, Call, TestContext, execute, number, row, rows};

#[apply(on_each_backend)]
async fn each_kind_of_evidence_has_its_rung(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, operator, observer) = (
        stage.superuser().await,
        stage.client("operator").await,
        stage.client("observer").await,
    );
    let rung = async |status: &str, gate: &str, best: Value| {
        let shown = candidate(&operator).await;
        assert_eq!(
            (
                &shown["candidate_status_v3"],
                &shown["birth_gate_status_v3"],
                &shown["best_evidence_type"]
            ),
            (&json!(status), &json!(gate), &best)
        );
        let verified = number(
            &operator,
            "SELECT count(*) FROM dot.v_process_discovery_verified_candidates_v3",
        )
        .await;
        assert_eq!(verified, i64::from(best == "REAL_RUN"), "{status}");
        let readiness = row(&operator, "SELECT candidate_status_v3, missing IS NULL AS complete, next_rung IS NULL AS top FROM dot.v_process_discovery_birth_readiness_v3").await;
        assert_eq!(
            readiness,
            json!({"candidate_status_v3": status, "complete": status == "birth_ready", "top": status == "birth_ready"})
        );
    };
    rows(&operator, &set_candidate("'ann'")).await;
    rung("structural_candidate", "NO_EVIDENCE", Value::Null).await;
    rows(&observer, &Call::backfill(&json!([{"dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "correlation_id": "old", "verdict": "pass"}])).sql()).await;
    rung(
        "backfilled_observed",
        "BACKFILL_ONLY_NOT_VERIFIED",
        json!("BACKFILLED_EVIDENCE"),
    )
    .await;
    rows(&observer, &Call::pair().sql()).await;
    rung(
        "simulated_observed",
        "SIMULATED_PROOF_ONLY_NOT_VERIFIED",
        json!("SIMULATED_DRY_RUN"),
    )
    .await;
    let mut dry = ExecutedRun::truthful();
    dry.producer_receipt.set("mode", "'DRY_RUN'");
    dry.producer.set("evidence_type", "'DRY_RUN'");
    let dry_id = |sql: String| {
        sql.replace(RUN, "00000000-0000-7000-8000-0000000000aa")
            .replace(
                "00000000-0000-7000-8000-00000000000b",
                "00000000-0000-7000-8000-0000000000bb",
            )
    };
    for insert in [&dry.header, &dry.producer_receipt, &dry.producer] {
        execute(&superuser, &dry_id(insert.sql())).await;
    }
    rung(
        "dry_run_observed",
        "DRY_RUN_PROOF_ONLY_NOT_VERIFIED",
        json!("DRY_RUN"),
    )
    .await;
    let run = ExecutedRun::truthful();
    for insert in [
        &run.header,
        &run.producer_receipt,
        &run.producer,
        &run.verifier_receipt,
        &run.verifier,
    ] {
        execute(&superuser, &insert.sql()).await;
    }
    rung(
        "real_run_observed",
        "REAL_RUN_NEEDS_FULL_BAR",
        json!("REAL_RUN"),
    )
    .await;
    execute(&superuser, &run.conclusion.sql()).await;
    rung("birth_ready", "BIRTH_READY", json!("REAL_RUN")).await;
    rows(&operator, &set_candidate("''")).await;
    rung(
        "verified_candidate",
        "VERIFIED_PENDING_OWNER",
        json!("REAL_RUN"),
    )
    .await;
}

#[apply(on_each_backend)]
async fn simulated_and_backfilled_evidence_never_appears_as_verified_however_much_there_is(
    backend: Backend,
) {
    let stage = TestContext::new(backend).await;
    let (operator, observer) = (
        stage.client("operator").await,
        stage.client("observer").await,
    );
    set_posture(&operator, "REAL_RUN").await;
    rows(&operator, &set_candidate("'ann'")).await;
    for number in 0..5 {
        rows(
            &observer,
            &Call::pair()
                .text(
                    "p_evidence_ref",
                    r#"{"verdict": "pass", "evidence_type": "REAL_RUN"}"#,
                )
                .text("p_output_ref", "sha256:x")
                .text("p_correlation_id", &format!("{number}"))
                .sql(),
        )
        .await;
        let asserted = json!([{"dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "correlation_id": format!("b{number}"), "verdict": "pass", "invocation_id": RUN, "output_digest": "x"}]);
        rows(&observer, &Call::backfill(&asserted).sql()).await;
        rows(
            &observer,
            &Call::run()
                .text("p_evidence_type", "REAL_RUN")
                .text("p_status", "completed")
                .sql(),
        )
        .await;
    }
    assert_eq!(
        candidate(&operator).await["candidate_status_v3"],
        "simulated_observed"
    );
    assert!(
        rows(
            &operator,
            "SELECT * FROM dot.v_process_discovery_verified_candidates_v3"
        )
        .await
        .is_empty()
    );
}

#[apply(on_each_backend)]
async fn a_candidate_that_is_known_only_from_runs_has_no_owner(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    rows(&observer, &Call::pair().sql()).await;
    assert_eq!(
        candidate(&observer).await,
        json!({"has_real_runtime": false, "has_cross_component_correlation": false, "owner_missing": true, "best_evidence_type": "SIMULATED_DRY_RUN",
               "candidate_status_v3": "simulated_observed", "birth_gate_status_v3": "SIMULATED_PROOF_ONLY_NOT_VERIFIED"})
    );
}
