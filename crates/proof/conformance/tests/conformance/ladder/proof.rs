//! The elements of a verified run: with each of them missing or changed, it is no proof.

use rstest_reuse::apply;
use serde_json::json;
use tokio_postgres::Client;

use super::queries::{candidate, set_candidate};
use crate::common::backend::on_each_version;
use crate::common::fixtures::CANDIDATE;
use crate::common::forged_run::{ExecutedRun, RUN};
use crate::common::run_calls::OTHER_DIGEST;
use crate::common::{Backend, TestContext, execute, literal, number, row, rows};

async fn is_verified(client: &Client) -> bool {
    let views = [
        "candidate_status_v3",
        "verified_candidates_v3",
        "birth_readiness_v3",
    ];
    let mut shown = Vec::new();
    for view in views {
        let rung = rows(client, &format!("SELECT candidate_status_v3 FROM dot.v_process_discovery_{view} WHERE process_candidate_code = {} AND candidate_status_v3 IN ('verified_candidate', 'birth_ready')", literal(CANDIDATE))).await;
        shown.push(!rung.is_empty());
    }
    assert!(
        shown.iter().all(|one| *one == shown[0]),
        "the views disagree: {shown:?}"
    );
    shown[0]
}

#[apply(on_each_version)]
async fn a_truthful_executed_run_is_verified_and_with_an_owner_ready(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, operator) = (stage.superuser().await, stage.client("operator").await);
    rows(&operator, &set_candidate("NULL")).await;
    execute(&superuser, &ExecutedRun::truthful().sql()).await;
    assert_eq!(
        candidate(&operator).await,
        json!({"has_real_runtime": true, "has_cross_component_correlation": true, "owner_missing": true, "best_evidence_type": "REAL_RUN",
               "candidate_status_v3": "verified_candidate", "birth_gate_status_v3": "VERIFIED_PENDING_OWNER"})
    );
    assert!(is_verified(&operator).await);
    rows(&operator, &set_candidate("U&'\\00a0'")).await;
    assert_eq!(
        candidate(&operator).await["candidate_status_v3"],
        "verified_candidate",
        "a blank owner is none"
    );
    rows(&operator, &set_candidate("'ann'")).await;
    let ready = candidate(&operator).await;
    assert_eq!(
        (
            &ready["candidate_status_v3"],
            &ready["birth_gate_status_v3"]
        ),
        (&json!("birth_ready"), &json!("BIRTH_READY"))
    );
    assert!(is_verified(&operator).await);
    let run = row(&operator, "SELECT status, header_status, verdict, concluded_at IS NOT NULL AS concluded FROM dot.v_process_run").await;
    assert_eq!(
        run,
        json!({"status": "completed", "header_status": "started", "verdict": "pass", "concluded": true})
    );
}

/// Changes that break a proof, and the rung of the candidate then.
type Flaw = (&'static str, fn(&mut ExecutedRun), &'static str);

const FLAWS: [Flaw; 25] = [
    (
        "the verifier was given another output",
        |run| {
            run.verifier_receipt
                .set("input_digest", &literal(OTHER_DIGEST))
        },
        "real_run_observed",
    ),
    (
        "the verifier was given no output",
        |run| run.verifier_receipt.set("input_digest", "NULL"),
        "real_run_observed",
    ),
    (
        "the producer committed no digest",
        |run| run.producer.set("output_digest", "NULL"),
        "real_run_observed",
    ),
    (
        "neither has a digest",
        |run| {
            run.producer.set("output_digest", "NULL");
            run.verifier_receipt.set("input_digest", "NULL");
        },
        "real_run_observed",
    ),
    (
        "the verifier says fail",
        |run| run.verifier.set("verdict", "'fail'"),
        "real_run_observed",
    ),
    (
        "the verifier says error",
        |run| run.verifier.set("verdict", "'error'"),
        "real_run_observed",
    ),
    (
        "the verifier says nothing",
        |run| run.verifier.set("verdict", "NULL"),
        "real_run_observed",
    ),
    (
        "only the producer says pass",
        |run| {
            run.verifier.set("verdict", "NULL");
            run.producer.set("verdict", "'pass'");
        },
        "real_run_observed",
    ),
    (
        "the conclusion says fail",
        |run| run.conclusion.set("verdict", "'fail'"),
        "real_run_observed",
    ),
    (
        "the conclusion has no verdict",
        |run| run.conclusion.set("verdict", "NULL"),
        "real_run_observed",
    ),
    (
        "the conclusion says failed",
        |run| run.conclusion.set("status", "'failed'"),
        "real_run_observed",
    ),
    (
        "the conclusion says stuck",
        |run| run.conclusion.set("status", "'stuck'"),
        "real_run_observed",
    ),
    (
        "the verifier has another correlation",
        |run| run.verifier.set("correlation_id", "'another'"),
        "real_run_observed",
    ),
    (
        "both have another correlation than the header",
        |run| {
            run.verifier.set("correlation_id", "'another'");
            run.producer.set("correlation_id", "'another'");
        },
        "real_run_observed",
    ),
    (
        "the verifier ran dry",
        |run| {
            run.verifier.set("evidence_type", "'DRY_RUN'");
            run.verifier_receipt.set("mode", "'DRY_RUN'");
        },
        "real_run_observed",
    ),
    (
        "the verifier's receipt is of a dry run",
        |run| run.verifier_receipt.set("mode", "'DRY_RUN'"),
        "real_run_observed",
    ),
    (
        "the verifier says pass and failed",
        |run| run.verifier.set("status", "'failed'"),
        "real_run_observed",
    ),
    (
        "the verifier says pass and never completed",
        |run| run.verifier.set("status", "'observed'"),
        "real_run_observed",
    ),
    (
        "the verifier was simulated",
        |run| run.verifier.set("evidence_type", "'SIMULATED_DRY_RUN'"),
        "real_run_observed",
    ),
    (
        "the producer did not complete",
        |run| run.producer.set("status", "'failed'"),
        "structural_candidate",
    ),
    (
        "the producer was simulated",
        |run| run.producer.set("evidence_type", "'SIMULATED_DRY_RUN'"),
        "structural_candidate",
    ),
    (
        "the producer ran dry",
        |run| {
            run.producer.set("evidence_type", "'DRY_RUN'");
            run.producer_receipt.set("mode", "'DRY_RUN'");
        },
        "dry_run_observed",
    ),
    (
        "the producer ran dry and failed",
        |run| {
            run.producer.set("evidence_type", "'DRY_RUN'");
            run.producer_receipt.set("mode", "'DRY_RUN'");
            run.producer.set("status", "'failed'");
        },
        "structural_candidate",
    ),
    (
        "only the verifier ran dry",
        |run| {
            run.producer.set("evidence_type", "'SIMULATED_DRY_RUN'");
            run.verifier.set("evidence_type", "'DRY_RUN'");
            run.verifier_receipt.set("mode", "'DRY_RUN'");
        },
        "structural_candidate",
    ),
    (
        "both were backfilled",
        |run| {
            run.producer.set("evidence_type", "'BACKFILLED_EVIDENCE'");
            run.verifier.set("evidence_type", "'BACKFILLED_EVIDENCE'");
        },
        "structural_candidate",
    ),
];

#[apply(on_each_version)]
async fn each_missing_proof_element_prevents_verified(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (mut superuser, operator) = (stage.superuser().await, stage.client("operator").await);
    rows(&operator, &set_candidate("'ann'")).await;
    for (what, flaw, rung) in FLAWS {
        let mut run = ExecutedRun::truthful();
        flaw(&mut run);
        let transaction = superuser.transaction().await.unwrap();
        execute(&transaction, &run.sql()).await;
        let shown = row(&transaction, &format!("SELECT candidate_status_v3 FROM dot.v_process_discovery_candidate_status_v3 WHERE process_candidate_code = {}", literal(CANDIDATE))).await;
        // The rollup, which counts simulated and backfilled runs, is not written by the superuser's rows.
        assert_eq!(shown["candidate_status_v3"], rung, "{what}");
        let ready = number(&transaction, "SELECT count(*) FROM dot.v_process_discovery_birth_readiness_v3 WHERE candidate_status_v3 IN ('verified_candidate', 'birth_ready')").await;
        assert_eq!(ready, 0, "{what}");
        transaction.rollback().await.unwrap();
    }
    // The unchanged run is verified.
    execute(&superuser, &ExecutedRun::truthful().sql()).await;
    assert!(is_verified(&operator).await);
}

#[apply(on_each_version)]
async fn parts_of_the_proof_in_two_runs_are_no_proof(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, operator) = (stage.superuser().await, stage.client("operator").await);
    rows(&operator, &set_candidate("'ann'")).await;
    let good = ExecutedRun::truthful();
    let without_verdict = [&good.header, &good.producer_receipt, &good.producer]
        .map(|insert| insert.sql() + ";")
        .concat();
    execute(&superuser, &without_verdict).await;
    let second = |sql: String| sql.replace(RUN, "00000000-0000-7000-8000-0000000000aa");
    let mut header = good.header.clone();
    header.set("lease_token", "gen_random_uuid()");
    for insert in [
        header,
        good.verifier_receipt.clone(),
        good.verifier.clone(),
        good.conclusion.clone(),
    ] {
        execute(&superuser, &second(insert.sql())).await;
    }
    assert!(!is_verified(&operator).await);
    assert_eq!(
        candidate(&operator).await["candidate_status_v3"],
        "real_run_observed"
    );
}

#[apply(on_each_version)]
async fn a_run_without_a_conclusion_is_no_proof(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, operator) = (stage.superuser().await, stage.client("operator").await);
    rows(&operator, &set_candidate("'ann'")).await;
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
    assert_eq!(
        candidate(&operator).await,
        json!({"has_real_runtime": true, "has_cross_component_correlation": false, "owner_missing": false, "best_evidence_type": "REAL_RUN",
               "candidate_status_v3": "real_run_observed", "birth_gate_status_v3": "REAL_RUN_NEEDS_FULL_BAR"})
    );
    let shown = rows(
        &operator,
        "SELECT candidate_status_v3 FROM dot.v_process_discovery_verified_candidates_v3",
    )
    .await;
    assert_eq!(
        shown,
        [json!({"candidate_status_v3": "real_run_observed"})],
        "shown with that status"
    );
}
