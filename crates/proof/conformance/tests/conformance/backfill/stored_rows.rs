//! The header and the component that a backfilled row is stored as.

use rstest_reuse::apply;
use serde_json::json;

use super::rows::{asserted, row_with};
use crate::common::backend::on_each_backend;
use crate::common::fixtures::{CANDIDATE, LONE, PRODUCER, VERIFIER};
use crate::common::{Backend, Call, TestContext, number, row, rows};

#[apply(on_each_backend)]
async fn a_row_becomes_a_header_and_a_component_that_name_their_source(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let run = "11111111-1111-4111-8111-111111111111";
    let full = json!({"dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "correlation_id": "old", "status": "failed", "idempotency_key": "key",
        "process_run_id": run, "input_ref": "in", "output_ref": "out", "error_ref": "err", "evidence_ref": {"mine": 1},
        "started_at": "2020-01-02T03:04:05Z", "ended_at": "2020-01-02T03:04:06Z", "verdict": "pass", "host": "db1"});
    assert_eq!(
        number(&observer, &Call::backfill(&json!([full])).sql()).await,
        1
    );
    let evidence = json!({"mine": 1, "source_ref": "file:old.jsonl", "source_sha256": "a".repeat(64), "asserted_by": "tester", "asserted": {"verdict": "pass", "host": "db1"},
        "wrapper": "dot_exec_wrapper", "actor": "tester", "posture": "NO_EXECUTE", "no_execute": true});
    let header = row(
        &superuser,
        "SELECT to_jsonb(r) - 'created_at' AS row FROM dot.process_run_observation r",
    )
    .await;
    assert_eq!(
        header["row"],
        json!({"process_run_id": run, "dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "process_definition_code": null, "correlation_id": "old",
               "parent_run_id": null, "attempt": 1, "attempt_of": null, "reverifies": null, "event_code": null, "status": "failed", "evidence_type": "BACKFILLED_EVIDENCE", "source_system": "dot_backfill",
               "idempotency_key": "key", "lease_name": null, "lease_token": null, "input_ref": "in", "output_ref": "out", "error_ref": "err",
               "evidence_ref": evidence, "actor": "tester", "recorded_by": "dot_observer",
               "started_at": "2020-01-02T03:04:05+00:00", "ended_at": "2020-01-02T03:04:06+00:00"})
    );
    let component = row(&superuser, "SELECT process_run_id, component_role, dot_code, status, evidence_type, verdict, invocation_id, idempotency_key, evidence_ref FROM dot.process_component_observation").await;
    assert_eq!(
        component,
        json!({"process_run_id": run, "component_role": "producer", "dot_code": PRODUCER, "status": "failed", "evidence_type": "BACKFILLED_EVIDENCE",
               "verdict": null, "invocation_id": null, "idempotency_key": format!("key:{PRODUCER}"), "evidence_ref": evidence})
    );
}

#[apply(on_each_backend)]
async fn statuses_are_mapped_as_for_every_other_run(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    for (status, component) in [
        ("observed", "observed"),
        ("started", "step_started"),
        ("completed", "step_completed"),
        ("failed", "failed"),
        ("stuck", "stuck"),
        ("cancelled", "cancelled"),
        ("orphan", "orphan"),
    ] {
        let mut entry = asserted(status);
        entry["status"] = json!(status);
        rows(&observer, &Call::backfill(&json!([entry])).sql()).await;
        let stored = row(&observer, &format!("SELECT status, producer_status FROM dot.v_process_run WHERE correlation_id = '{status}'")).await;
        assert_eq!(
            stored,
            json!({"status": status, "producer_status": component})
        );
    }
    rows(
        &observer,
        &Call::backfill(&json!([asserted("silent")])).sql(),
    )
    .await;
    assert_eq!(
        row(
            &observer,
            "SELECT status FROM dot.v_process_run WHERE correlation_id = 'silent'"
        )
        .await["status"],
        "completed"
    );
}

#[apply(on_each_backend)]
async fn verifier_and_dot_without_a_pair_are_recorded_in_their_roles(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    rows(
        &observer,
        &Call::backfill(&json!([
            row_with("dot_code", json!(VERIFIER)),
            row_with("dot_code", json!(LONE))
        ]))
        .sql(),
    )
    .await;
    let runs = rows(&observer, "SELECT dot_code, producer_dot_code, verifier_dot_code FROM dot.v_process_run ORDER BY dot_code").await;
    assert_eq!(
        runs,
        [
            json!({"dot_code": PRODUCER, "producer_dot_code": null, "verifier_dot_code": VERIFIER}),
            json!({"dot_code": LONE, "producer_dot_code": LONE, "verifier_dot_code": null}),
        ]
    );
}

#[apply(on_each_backend)]
async fn a_caller_can_not_name_another_source_or_asserter(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let lying = row_with(
        "evidence_ref",
        json!({"asserted_by": "the auditor", "source_ref": "s3:real", "source_sha256": "f".repeat(64), "no_execute": false, "posture": "REAL_RUN"}),
    );
    rows(&observer, &Call::backfill(&json!([lying])).sql()).await;
    let stored = rows(&observer, "SELECT evidence_ref FROM dot.v_process_run UNION ALL SELECT evidence_ref FROM dot.v_process_component").await;
    let honest = json!({"evidence_ref": {"asserted_by": "tester", "source_ref": "file:old.jsonl", "source_sha256": "a".repeat(64), "no_execute": true, "posture": "NO_EXECUTE",
        "wrapper": "dot_exec_wrapper", "actor": "tester"}});
    assert_eq!(stored, vec![honest; 2]);
}
