//! Which events a recording emits, and their content.

use std::collections::BTreeMap;

use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::GenericClient;

use super::calls::switch;
use crate::common::backend::on_each_backend;
use crate::common::fixtures::{CORRELATION, PRODUCER, VERIFIER};
use crate::common::{Backend, Call, TestContext, number, row, rows, text, value};

const TYPES: [&str; 7] = [
    "process.run.started",
    "process.run.completed",
    "process.step.started",
    "process.step.completed",
    "process.run.failed",
    "process.correlation.missing",
    "process.evidence.missing",
];

/// The number of events of each type.
async fn emitted(client: &impl GenericClient) -> BTreeMap<String, i64> {
    let counts = rows(
        client,
        "SELECT event_type, count(*) AS number FROM dot.v_event_outbox GROUP BY event_type",
    )
    .await;
    counts
        .iter()
        .map(|row| {
            (
                row["event_type"].as_str().unwrap().to_owned(),
                row["number"].as_i64().unwrap(),
            )
        })
        .collect()
}

/// The events of a pair with this status when every type is active.
fn expected_events(wrapper_status: &str) -> BTreeMap<String, i64> {
    let told: &[(&str, i64)] = match wrapper_status {
        "started" => &[("process.run.started", 1), ("process.step.started", 2)],
        "completed" => &[("process.run.completed", 1), ("process.step.completed", 2)],
        "failed" => &[("process.run.failed", 1)],
        _ => &[],
    };
    told.iter()
        .map(|(event_type, number)| ((*event_type).to_owned(), *number))
        .collect()
}

const STATUSES: [&str; 5] = ["prepared", "started", "completed", "failed", "skipped"];

#[apply(on_each_backend)]
async fn event_types_are_inactive_by_default_and_emit_no_event(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let registry = rows(&observer, "SELECT event_type, stream, lane, severity, active FROM dot.v_event_type ORDER BY event_type").await;
    let mut shipped: Vec<Value> = TYPES
        .iter()
        .map(|event_type| {
            let (stream, lane, severity) = if event_type.ends_with("failed") || event_type.ends_with("missing") { ("alert", "immediate", "warning") } else { ("update", "delayed", "info") };
            json!({"event_type": event_type, "stream": stream, "lane": lane, "severity": severity, "active": false})
        })
        .collect();
    shipped.sort_by_key(|row| row["event_type"].as_str().unwrap().to_owned());
    assert_eq!(registry, shipped);
    for status in STATUSES {
        let returned = row(
            &observer,
            &Call::pair().text("p_wrapper_status", status).sql(),
        )
        .await;
        assert_eq!(returned["events_emitted"], 0);
    }
    assert!(emitted(&observer).await.is_empty());
}

#[apply(on_each_backend)]
async fn active_type_emits_matching_events_only(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    let mut observer = stage.client("observer").await;
    for active in TYPES {
        assert_eq!(value(&operator, &switch(active, true)).await, true);
        for status in STATUSES {
            let mut expected = expected_events(status);
            expected.retain(|event_type, _| event_type == active);
            let transaction = observer.transaction().await.unwrap();
            let returned = row(
                &transaction,
                &Call::pair().text("p_wrapper_status", status).sql(),
            )
            .await;
            assert_eq!(
                emitted(&transaction).await,
                expected,
                "{status} with {active}"
            );
            assert_eq!(returned["events_emitted"], expected.values().sum::<i64>());
            transaction.rollback().await.unwrap();
        }
        assert_eq!(value(&operator, &switch(active, false)).await, true);
    }
}

#[apply(on_each_backend)]
async fn single_functions_emit_the_same_events_as_the_pair(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, mut observer) = (
        stage.client("operator").await,
        stage.client("observer").await,
    );
    for event_type in TYPES {
        rows(&operator, &switch(event_type, true)).await;
    }
    for (status, header, component) in [
        ("started", "started", "step_started"),
        ("completed", "completed", "step_completed"),
        ("failed", "failed", "failed"),
        ("skipped", "cancelled", "cancelled"),
        ("prepared", "observed", "observed"),
    ] {
        let transaction = observer.transaction().await.unwrap();
        let run = text(
            &transaction,
            &Call::run()
                .text("p_dot_code", PRODUCER)
                .text("p_status", header)
                .sql(),
        )
        .await;
        for (dot_code, role) in [(PRODUCER, "producer"), (VERIFIER, "verifier")] {
            rows(
                &transaction,
                &Call::component(&run)
                    .text("p_dot_code", dot_code)
                    .text("p_component_role", role)
                    .text("p_status", component)
                    .sql(),
            )
            .await;
        }
        assert_eq!(
            emitted(&transaction).await,
            expected_events(status),
            "{status}"
        );
        transaction.rollback().await.unwrap();
    }
}

#[apply(on_each_backend)]
async fn failed_component_emits_no_event_of_a_failed_run(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, observer) = (
        stage.client("operator").await,
        stage.client("observer").await,
    );
    for event_type in TYPES {
        rows(&operator, &switch(event_type, true)).await;
    }
    let run = text(&observer, &Call::run().text("p_dot_code", PRODUCER).sql()).await;
    rows(
        &observer,
        &Call::component(&run).text("p_status", "failed").sql(),
    )
    .await;
    assert!(emitted(&observer).await.is_empty());
}

#[apply(on_each_backend)]
async fn an_event_carries_the_contracts_payload_and_its_types_lane(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, observer) = (
        stage.client("operator").await,
        stage.client("observer").await,
    );
    for event_type in ["process.run.completed", "process.step.completed"] {
        rows(&operator, &switch(event_type, true)).await;
    }
    let pair = row(
        &observer,
        &Call::pair()
            .text("p_input_ref", "in")
            .text("p_output_ref", "out")
            .sql(),
    )
    .await;
    assert_eq!(pair["events_emitted"], 3);
    let events = rows(&observer, "SELECT event_type, stream, lane, severity, correlation_id, process_run_id, component_run_id, payload FROM dot.v_event_outbox ORDER BY event_type, payload ->> 'dot_code'").await;
    let event = |event_type: &str, component: &Value, dot_code: &str, status: &str| {
        json!({"event_type": event_type, "stream": "update", "lane": "delayed", "severity": "info", "correlation_id": CORRELATION,
            "process_run_id": pair["process_run_id"], "component_run_id": component,
            "payload": {"process_run_id": pair["process_run_id"], "correlation_id": CORRELATION, "component_run_id": component, "dot_code": dot_code,
                "status": status, "evidence_type": "SIMULATED_DRY_RUN", "source_system": "dot_exec_wrapper", "input_ref": "in", "output_ref": "out"}})
    };
    assert_eq!(
        events,
        [
            event("process.run.completed", &Value::Null, PRODUCER, "completed"),
            event(
                "process.step.completed",
                &pair["producer_component_run_id"],
                PRODUCER,
                "step_completed"
            ),
            event(
                "process.step.completed",
                &pair["verifier_component_run_id"],
                VERIFIER,
                "step_completed"
            ),
        ]
    );
    let alone = row(&observer, "SELECT count(DISTINCT event_id) AS ids, count(DISTINCT event_seq) AS numbers FROM dot.v_event_outbox").await;
    assert_eq!(alone, json!({"ids": 3, "numbers": 3}));
}

#[apply(on_each_backend)]
async fn rerun_emits_no_second_event(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, observer) = (
        stage.client("operator").await,
        stage.client("observer").await,
    );
    rows(&operator, &switch("process.run.completed", true)).await;
    let pair = Call::pair().text("p_idempotency_key", "key").sql();
    assert_eq!(row(&observer, &pair).await["events_emitted"], 1);
    assert_eq!(row(&observer, &pair).await["events_emitted"], 0);
    assert_eq!(
        number(&observer, "SELECT count(*) FROM dot.v_event_outbox").await,
        1
    );
}
