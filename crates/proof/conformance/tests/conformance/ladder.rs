//! The ladder: which records are proof, and which are not.

use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{CANDIDATE, PRODUCER, VERIFIER, set_posture};
use crate::common::forged_run::{ExecutedRun, RUN};
use crate::common::run_calls::{self, Begun, OTHER_DIGEST};
use crate::common::{Backend, Call, TestContext, execute, literal, number, row, rows, text};

async fn candidate(client: &Client) -> Value {
    row(client, &format!("SELECT has_real_runtime, has_cross_component_correlation, owner_missing, best_evidence_type, candidate_status_v3, birth_gate_status_v3 FROM dot.v_process_discovery_candidate_status_v3 WHERE process_candidate_code = {}", literal(CANDIDATE))).await
}

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

fn set_candidate(owner: &str) -> String {
    Call::new("fn_process_candidate_set")
        .text("p_process_candidate_code", CANDIDATE)
        .text("p_title", "Backups")
        .with("p_owner", owner)
        .text("p_actor", "operator")
        .sql()
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

/// What breaks a proof, and the rung that is left.
type Break = (&'static str, fn(&mut ExecutedRun), &'static str);

const BREAKS: [Break; 25] = [
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
    for (what, flaw, rung) in BREAKS {
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
    // The harness itself can succeed.
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

#[apply(on_each_backend)]
async fn the_ladder_is_climbed_rung_by_rung(backend: Backend) {
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

/// A run of this mode whose producer ends in this status, concluded as failed where it did not complete. A producer
/// that completed is followed by its verifier.
async fn run_ending(runner: &Client, mode: &str, candidate: &str, status: &str) {
    let call = run_calls::begin(mode).text("p_process_candidate_code", candidate);
    let run = Begun::of(&row(runner, &call.sql()).await);
    rows(runner, &run.producer(mode).text("p_status", status).sql()).await;
    let mut conclusion = run.conclusion("failed");
    if status == "step_completed" {
        let receipt = text(runner, &run.invocation().sql()).await;
        rows(runner, &run.verifier(mode, &receipt, "pass").sql()).await;
        conclusion = run.conclusion("completed");
    }
    rows(runner, &conclusion.sql()).await;
}

#[apply(on_each_backend)]
async fn a_dry_run_counts_only_by_a_completed_producer(backend: Backend) {
    let (_stage, runner, operator, _superuser) = run_calls::ready(backend).await;
    let best = async |dot_code: &str| {
        text(
            &operator,
            &format!("SELECT wrapper_status FROM dot.v_process_dot_wrapper_status WHERE dot_code = '{dot_code}'"),
        )
        .await
    };
    let rung = async |candidate: &str| {
        text(
            &operator,
            &format!(
                "SELECT candidate_status_v3 FROM dot.v_process_discovery_candidate_status_v3 WHERE
              process_candidate_code = '{candidate}'"
            ),
        )
        .await
    };
    for mode in ["DRY_RUN", "REAL_RUN"] {
        for status in ["failed", "cancelled", "stuck", "orphan", "observed"] {
            let candidate = format!("{mode} {status}");
            declare(&operator, &candidate).await;
            run_ending(&runner, mode, &candidate, status).await;
            assert_eq!(
                rung(&candidate).await,
                "structural_candidate",
                "{candidate}"
            );
            for dot_code in [PRODUCER, VERIFIER] {
                assert_eq!(best(dot_code).await, "WRAPPER_READY_NO_OBSERVATION");
            }
        }
    }
    declare(&operator, "completed").await;
    run_ending(&runner, "DRY_RUN", "completed", "step_completed").await;
    assert_eq!(rung("completed").await, "dry_run_observed");
    run_ending(&runner, "REAL_RUN", "completed", "failed").await;
    assert_eq!(rung("completed").await, "dry_run_observed");
    for dot_code in [PRODUCER, VERIFIER] {
        assert_eq!(best(dot_code).await, "DRY_RUN_OBSERVED");
    }
}

/// A candidate that the producer's real runs count for.
async fn declare(operator: &Client, candidate: &str) {
    crate::common::fixtures::register_candidate(operator, candidate).await;
    let pair = Call::new("fn_process_candidate_pair_set")
        .text("p_process_candidate_code", candidate)
        .text("p_dot_code", PRODUCER)
        .text("p_actor", "operator");
    rows(operator, &pair.sql()).await;
}

#[apply(on_each_version)]
async fn an_open_or_failed_pair_of_parts_does_not_raise_the_wrapper_status(backend: Backend) {
    let (_stage, runner, operator, _superuser) = run_calls::ready(backend).await;
    let status = async |dot_code: &str| {
        text(
            &operator,
            &format!("SELECT wrapper_status FROM dot.v_process_dot_wrapper_status WHERE dot_code = '{dot_code}'"),
        )
        .await
    };
    // The producer completed, and its verifier failed: in a run that is open, and once that is concluded.
    let run = run_calls::begun(&runner, "REAL_RUN").await;
    rows(&runner, &run.producer("REAL_RUN").sql()).await;
    let receipt = text(&runner, &run.invocation().sql()).await;
    let failed = run
        .verifier("REAL_RUN", &receipt, "error")
        .text("p_status", "failed");
    rows(&runner, &failed.sql()).await;
    for concluded in [false, true] {
        if concluded {
            rows(&runner, &run.conclusion("failed").sql()).await;
        }
        assert_eq!(status(PRODUCER).await, "REAL_RUN_OBSERVED");
        assert_eq!(status(VERIFIER).await, "WRAPPER_READY_NO_OBSERVATION");
    }
}
