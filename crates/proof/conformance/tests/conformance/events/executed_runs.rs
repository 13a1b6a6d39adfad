//! The evidence type in the events and the view of an executed run.

use rstest_reuse::apply;
use serde_json::Value;
use tokio_postgres::GenericClient;

use super::calls::switch;
use crate::common::backend::on_each_backend;
use crate::common::run_calls::{self, DIGEST};
use crate::common::{Backend, Call, rows, text};

/// The evidence types in the payloads of an event type.
async fn evidence_types(client: &impl GenericClient, event_type: &str) -> Vec<Value> {
    let claims = format!(
        "SELECT payload ->> 'evidence_type' AS claim FROM dot.v_event_outbox WHERE event_type = '{event_type}' ORDER BY event_seq"
    );
    let rows = rows(client, &claims).await;
    rows.into_iter().map(|row| row["claim"].clone()).collect()
}

#[apply(on_each_backend)]
async fn event_of_a_header_without_components_is_simulated(backend: Backend) {
    let (_stage, runner, operator, _superuser) = run_calls::ready(backend).await;
    rows(&operator, &switch("process.run.completed", true)).await;
    let header = Call::run()
        .text("p_evidence_type", "REAL_RUN")
        .text("p_status", "completed");
    rows(&runner, &header.sql()).await;
    assert_eq!(
        evidence_types(&runner, "process.run.completed").await,
        ["SIMULATED_DRY_RUN"]
    );
}

#[apply(on_each_backend)]
async fn events_of_an_executed_run_match_its_components(backend: Backend) {
    let (_stage, runner, operator, _superuser) = run_calls::ready(backend).await;
    for event_type in ["process.run.started", "process.run.completed"] {
        rows(&operator, &switch(event_type, true)).await;
    }
    for (component, shown) in [
        ("REAL_RUN", "REAL_RUN"),
        ("SIMULATED_DRY_RUN", "SIMULATED_DRY_RUN"),
    ] {
        let run = run_calls::begun(&runner, "REAL_RUN").await;
        rows(
            &runner,
            &run.producer(component)
                .text("p_output_digest", DIGEST)
                .sql(),
        )
        .await;
        let receipt = text(&runner, &run.invocation().sql()).await;
        rows(&runner, &run.verifier(component, &receipt, "pass").sql()).await;
        rows(
            &runner,
            &run.conclusion("completed").text("p_verdict", "pass").sql(),
        )
        .await;
        assert_eq!(
            evidence_types(&runner, "process.run.started")
                .await
                .last()
                .unwrap(),
            "REAL_RUN"
        );
        assert_eq!(
            evidence_types(&runner, "process.run.completed")
                .await
                .last()
                .unwrap(),
            shown
        );
    }
}
