//! Receipts, digests and verdicts: what a run needs before it counts as evidence.

use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::queries::outcome;
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::PRODUCER;
use crate::common::run_calls::{DIGEST, begun, ready};
use crate::common::{Backend, code, contents, number, row, rows, text};

async fn rung(client: &Client) -> Value {
    row(
        client,
        "SELECT candidate_status_v3 FROM dot.v_process_discovery_candidate_status_v3",
    )
    .await["candidate_status_v3"]
        .clone()
}

#[apply(on_each_backend)]
async fn verified_needs_three_separate_transactions(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    for (mode, expected) in [
        ("DRY_RUN", "dry_run_observed"),
        ("REAL_RUN", "verified_candidate"),
    ] {
        let run = begun(&runner, mode).await;
        // The producer's row and the verifier's receipt: one round trip, one transaction.
        let second = format!(
            "WITH part AS MATERIALIZED ({}) SELECT ({})::text AS receipt FROM part",
            run.producer(mode).sql(),
            run.invocation().sql()
        );
        let receipt = row(&runner, &second).await["receipt"]
            .as_str()
            .unwrap()
            .to_owned();
        let third = format!(
            "WITH part AS MATERIALIZED ({}) SELECT ({})::text AS run FROM part",
            run.verifier(mode, &receipt, "pass").sql(),
            run.conclusion("completed").text("p_verdict", "pass").sql()
        );
        rows(&runner, &third).await;
        assert_eq!(
            outcome(&runner, &run.run).await,
            json!({"status": "completed", "verdict": "pass", "outcome": null, "ended": true})
        );
        assert_eq!(rung(&runner).await, expected);
        let free = "SELECT count(*) FROM dot.v_dot_lease WHERE state = 'free'";
        assert_eq!(number(&runner, free).await, 1, "the lease is given back");
    }
    let copied = "SELECT input_digest FROM dot.dot_invocation WHERE component_role = 'verifier' AND mode = 'REAL_RUN'";
    assert_eq!(
        row(&superuser, copied).await,
        json!({ "input_digest": DIGEST })
    );
}

#[apply(on_each_version)]
async fn verifier_input_is_committed_producer_digest(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let run = begun(&runner, "REAL_RUN").await;
    assert_eq!(
        code(&runner, &run.invocation().sql()).await,
        "invocation_mismatch",
        "nothing to verify yet"
    );
    let other_token = run.invocation().text("p_lease_token", &run.run);
    rows(&runner, &run.producer("REAL_RUN").sql()).await;
    assert_eq!(code(&runner, &other_token.sql()).await, "lease_lost");
    assert_eq!(
        code(
            &runner,
            &run.invocation().text("p_dot_code", PRODUCER).sql()
        )
        .await,
        "id_in_use",
        "a second try is another run"
    );
    let receipt = text(&runner, &run.invocation().sql()).await;
    assert_eq!(code(&runner, &run.invocation().sql()).await, "id_in_use");
    let before = contents(&superuser).await;
    // The conclusion takes only the verifier's verdict, and no run completes with an open receipt.
    for (call, expected) in [
        (run.conclusion("completed"), "status_invalid"),
        (
            run.conclusion("failed").text("p_verdict", "pass"),
            "verdict_invalid",
        ),
        (run.conclusion("orphan"), "status_invalid"),
        (run.conclusion("verified"), "status_invalid"),
        (
            run.conclusion("failed").text("p_verdict", "fine"),
            "verdict_invalid",
        ),
        (
            run.conclusion("failed").text("p_lease_token", &run.run),
            "lease_lost",
        ),
        (
            run.conclusion("failed").text("p_actor", ""),
            "actor_required",
        ),
        (
            run.conclusion("failed")
                .text("p_process_run_id", &run.token),
            "run_unknown",
        ),
    ] {
        assert_eq!(code(&runner, &call.sql()).await, expected, "{}", call.sql());
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a refused conclusion");
    rows(&runner, &run.verifier("REAL_RUN", &receipt, "fail").sql()).await;
    assert_eq!(
        code(
            &runner,
            &run.conclusion("completed").text("p_verdict", "pass").sql()
        )
        .await,
        "verdict_invalid",
        "the verifier said fail"
    );
    rows(&runner, &run.conclusion("completed").sql()).await;
    assert_eq!(
        outcome(&runner, &run.run).await,
        json!({"status": "completed", "verdict": "fail", "outcome": null, "ended": true})
    );
    assert_eq!(rung(&runner).await, "real_run_observed");
    assert_eq!(
        code(&runner, &run.conclusion("completed").sql()).await,
        "run_concluded"
    );
}

#[apply(on_each_version)]
async fn a_producer_that_failed_is_not_verified(backend: Backend) {
    let (_stage, runner, _operator, _superuser) = ready(backend).await;
    let run = begun(&runner, "REAL_RUN").await;
    let failed = run.producer("REAL_RUN").text("p_status", "failed");
    rows(&runner, &failed.sql()).await;
    assert_eq!(
        code(&runner, &run.invocation().sql()).await,
        "invocation_mismatch"
    );
}

#[apply(on_each_version)]
async fn mock_is_recorded_as_simulated_without_promotion(backend: Backend) {
    let (_stage, runner, _operator, _superuser) = ready(backend).await;
    let run = begun(&runner, "REAL_RUN").await;
    rows(&runner, &run.producer("SIMULATED_DRY_RUN").sql()).await;
    let receipt = text(&runner, &run.invocation().sql()).await;
    rows(
        &runner,
        &run.verifier("SIMULATED_DRY_RUN", &receipt, "pass").sql(),
    )
    .await;
    rows(&runner, &run.conclusion("completed").sql()).await;
    assert_eq!(rung(&runner).await, "simulated_observed");
}

#[apply(on_each_version)]
async fn pass_needs_the_digest_that_the_producer_committed(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    for nothing in ["NULL", "''", "' '"] {
        let run = begun(&runner, "REAL_RUN").await;
        let producer = run.producer("REAL_RUN").with("p_output_digest", nothing);
        rows(&runner, &producer.sql()).await;
        let receipt = text(&runner, &run.invocation().sql()).await;
        let before = contents(&superuser).await;
        let pass = run.verifier("REAL_RUN", &receipt, "pass").sql();
        assert_eq!(code(&runner, &pass).await, "verdict_invalid");
        contents(&superuser)
            .await
            .assert_same(&before, "a pass of nothing");
        let fail = run.verifier("REAL_RUN", &receipt, "fail").sql();
        rows(&runner, &fail).await;
        rows(&runner, &run.conclusion("failed").sql()).await;
    }
    // A verifier that did not complete records no pass.
    let run = begun(&runner, "REAL_RUN").await;
    rows(&runner, &run.producer("REAL_RUN").sql()).await;
    let receipt = text(&runner, &run.invocation().sql()).await;
    for status in [
        "failed",
        "cancelled",
        "stuck",
        "orphan",
        "observed",
        "started",
        "step_started",
        "completed",
    ] {
        let pass = run
            .verifier("REAL_RUN", &receipt, "pass")
            .text("p_status", status);
        assert_eq!(code(&runner, &pass.sql()).await, "verdict_invalid");
    }
    assert_eq!(rung(&runner).await, "real_run_observed");
}

#[apply(on_each_version)]
async fn a_run_whose_producer_failed_is_not_completed(backend: Backend) {
    let (_stage, runner, _operator, _superuser) = ready(backend).await;
    for status in ["failed", "cancelled"] {
        let run = begun(&runner, "REAL_RUN").await;
        let producer = run.producer("REAL_RUN").text("p_status", status);
        rows(&runner, &producer.sql()).await;
        let completed = run.conclusion("completed").sql();
        assert_eq!(code(&runner, &completed).await, "status_invalid");
        rows(&runner, &run.conclusion(status).sql()).await;
    }
}

#[apply(on_each_version)]
async fn only_receipt_opener_records_component(backend: Backend) {
    let (stage, runner, _operator, superuser) = ready(backend).await;
    // The observer has the lease token and the receipt id.
    let observer = stage.client("observer").await;
    let run = begun(&runner, "REAL_RUN").await;
    let before = contents(&superuser).await;
    for claim in ["REAL_RUN", "SIMULATED_DRY_RUN"] {
        let stolen = run.producer(claim).sql();
        assert_eq!(code(&observer, &stolen).await, "invocation_mismatch");
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a stolen receipt");
    rows(&runner, &run.producer("REAL_RUN").sql()).await;
}
