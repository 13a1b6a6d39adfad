//! The wrapper status of a DOT by its best evidence.

use rstest_reuse::apply;
use tokio_postgres::Client;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{PRODUCER, VERIFIER};
use crate::common::run_calls::{self, Begun};
use crate::common::{Backend, Call, row, rows, text};

/// Records a run whose producer has this status. The verifier follows a completed producer; every other run is
/// concluded as failed.
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

/// Registers a candidate and declares it for the producer.
async fn declare(operator: &Client, candidate: &str) {
    crate::common::fixtures::register_candidate(operator, candidate).await;
    let pair = Call::new("fn_process_candidate_pair_set")
        .text("p_process_candidate_code", candidate)
        .text("p_dot_code", PRODUCER)
        .text("p_actor", "operator");
    rows(operator, &pair.sql()).await;
}

#[apply(on_each_version)]
async fn open_or_failed_components_do_not_raise_the_wrapper_status(backend: Backend) {
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
