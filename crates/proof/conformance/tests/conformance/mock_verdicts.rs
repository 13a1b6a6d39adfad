//! The verdict of a run with a mock in it.

use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::GenericClient;

use crate::common::backend::on_each_backend;
use crate::common::{Backend, row, rows, run_calls, text};

#[apply(on_each_backend)]
async fn pass_of_a_real_run_with_a_mock_is_not_shown(backend: Backend) {
    let (_stage, runner, _operator, _superuser) = run_calls::ready(backend).await;
    for (producer, verifier) in [
        ("REAL_RUN", "SIMULATED_DRY_RUN"),
        ("SIMULATED_DRY_RUN", "SIMULATED_DRY_RUN"),
    ] {
        let shown = concluded_with(&runner, "REAL_RUN", producer, verifier).await;
        assert_eq!(
            shown,
            json!({"status": "completed", "verdict": null, "evidence_type": producer, "verifier_evidence_type": verifier})
        );
    }
    let mode = "DRY_RUN";
    let shown = concluded_with(&runner, mode, "SIMULATED_DRY_RUN", "SIMULATED_DRY_RUN").await;
    assert_eq!(shown["verdict"], json!("pass"));
}

/// What the view shows of a run that concluded with `pass` and these components.
async fn concluded_with(
    runner: &impl GenericClient,
    mode: &str,
    producer: &str,
    verifier: &str,
) -> Value {
    let run = run_calls::begun(runner, mode).await;
    rows(runner, &run.producer(producer).sql()).await;
    let receipt = text(runner, &run.invocation().sql()).await;
    rows(runner, &run.verifier(verifier, &receipt, "pass").sql()).await;
    let conclusion = run.conclusion("completed").text("p_verdict", "pass");
    rows(runner, &conclusion.sql()).await;
    row(
        runner,
        "SELECT status, verdict, evidence_type, verifier_evidence_type FROM dot.v_process_run \
         ORDER BY created_at DESC LIMIT 1",
    )
    .await
}
