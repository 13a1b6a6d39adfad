//! HEADER: one row per run, which alone is no evidence.

use rstest_reuse::apply;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{CANDIDATE, CORRELATION, PRODUCER, set_posture};
use crate::common::run_calls::DIGEST;
use crate::common::{Backend, Call, TestContext, code, row, rows, text};

/// The stored row, without what is minted by each call.
async fn stored(client: &tokio_postgres::Client, process_run_id: &str) -> Value {
    let mut stored = row(
        client,
        &format!(
            "SELECT * FROM dot.process_run_observation WHERE process_run_id = '{process_run_id}'"
        ),
    )
    .await;
    let columns = stored.as_object_mut().unwrap();
    columns.remove("created_at");
    columns.remove("process_run_id");
    stored
}

#[apply(on_each_backend)]
async fn defaults_claim_least_evidence(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let id = text(&observer, &Call::run().sql()).await;
    assert_eq!(
        Uuid::parse_str(&id).unwrap().get_version_num(),
        7,
        "a minted id is a UUIDv7"
    );
    let expected = json!({
        "dot_code": null, "process_candidate_code": CANDIDATE, "process_definition_code": null, "correlation_id": CORRELATION,
        "parent_run_id": null, "attempt": 1, "attempt_of": null, "reverifies": null, "event_code": null, "status": "observed", "evidence_type": "SIMULATED_DRY_RUN",
        "source_system": "dot_exec_wrapper", "idempotency_key": null, "lease_name": null, "lease_token": null,
        "input_ref": null, "output_ref": null, "error_ref": null,
        "evidence_ref": {"wrapper": "dot_exec_wrapper", "actor": "tester", "posture": "NO_EXECUTE", "no_execute": true},
        "actor": "tester", "recorded_by": "dot_observer", "started_at": null, "ended_at": null,
    });
    assert_eq!(stored(&superuser, &id).await, expected);
}

#[apply(on_each_backend)]
async fn everything_that_is_passed_is_kept(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let (id, parent) = (
        "11111111-1111-4111-8111-111111111111",
        "22222222-2222-1222-8222-222222222222",
    );
    let call = Call::run()
        .text("p_status", "failed")
        .text("p_idempotency_key", "key")
        .text("p_process_run_id", id)
        .text("p_parent_run_id", parent)
        .text("p_input_ref", "in")
        .text("p_output_ref", "out")
        .text("p_error_ref", "err")
        .text("p_evidence_ref", r#"{"mine": [1, null]}"#)
        .text("p_source_system", "cron")
        .text("p_event_code", "event")
        .text("p_process_definition_code", "definition")
        .text("p_dot_code", PRODUCER)
        .text("p_started_at", "2026-01-02T03:04:05Z")
        .text("p_ended_at", "2026-01-02T03:04:06Z");
    assert_eq!(text(&observer, &call.sql()).await, id);
    let expected = json!({
        "dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "process_definition_code": "definition", "correlation_id": CORRELATION,
        "parent_run_id": parent, "attempt": 1, "attempt_of": null, "reverifies": null, "event_code": "event", "status": "failed", "evidence_type": "SIMULATED_DRY_RUN",
        "source_system": "cron", "idempotency_key": "key", "lease_name": null, "lease_token": null,
        "input_ref": "in", "output_ref": "out", "error_ref": "err",
        "evidence_ref": {"mine": [1, null], "wrapper": "dot_exec_wrapper", "actor": "tester", "posture": "NO_EXECUTE", "no_execute": true},
        "actor": "tester", "recorded_by": "dot_observer", "started_at": "2026-01-02T03:04:05+00:00", "ended_at": "2026-01-02T03:04:06+00:00",
    });
    let actual = stored(&superuser, id).await;
    assert_eq!(actual, expected);
}

#[apply(on_each_version)]
async fn positional_arguments_keep_their_order(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let run = text(&observer, "SELECT dot.fn_process_run_observe('candidate', 'correlation', 'actor', 'SIMULATED_DRY_RUN', 'started', 'key', NULL, NULL, 'in', 'out', 'err', '{}', 'source', 'event', NULL, NULL, 'definition', 'DOT_BACKUP')").await;
    text(&observer, &format!("SELECT dot.fn_process_component_observe('{run}', 'DOT_BACKUP', 'producer', 'correlation', 'actor', 'SIMULATED_DRY_RUN', 'step_started', 'component key', NULL, NULL, 'event', NULL, 'in', 'out', 'err', '{{}}', 'source', NULL, NULL, NULL, NULL, NULL, '{DIGEST}')")).await;
    let recorded = row(&observer, &format!("SELECT r.status, r.idempotency_key, r.process_definition_code, c.status AS component_status, c.event_code, c.output_digest FROM dot.v_process_run r JOIN dot.v_process_component c USING (process_run_id) WHERE process_run_id = '{run}'")).await;
    assert_eq!(
        recorded,
        json!({"status": "started", "idempotency_key": "key", "process_definition_code": "definition", "component_status": "step_started", "event_code": "event", "output_digest": DIGEST})
    );
    let pair = row(&observer, "SELECT status, created FROM dot.fn_process_pair_observe('DOT_BACKUP', 'candidate', 'correlation', 'actor', 'failed', 'SIMULATED_DRY_RUN', true, NULL, NULL, NULL, 'in', 'out', 'err', '{}', 30)").await;
    assert_eq!(pair, json!({"status": "failed", "created": true}));
}

#[apply(on_each_version)]
async fn each_stored_status_is_taken(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    for status in [
        "observed",
        "started",
        "step_started",
        "step_completed",
        "completed",
        "failed",
        "stuck",
        "cancelled",
        "orphan",
    ] {
        let id = text(&observer, &Call::run().text("p_status", status).sql()).await;
        let kept = row(
            &observer,
            &format!(
                "SELECT status, header_status FROM dot.v_process_run WHERE process_run_id = '{id}'"
            ),
        )
        .await;
        assert_eq!(kept, json!({"status": status, "header_status": status}));
    }
}

#[apply(on_each_backend)]
async fn the_wrappers_tags_overwrite_a_callers(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let claims = r#"{"wrapper": "mine", "actor": "root", "posture": "REAL_RUN", "no_execute": false, "verdict": "pass"}"#;
    let tags = json!({"wrapper": "dot_exec_wrapper", "actor": "tester", "posture": "NO_EXECUTE", "no_execute": true, "verdict": "pass"});
    let run = text(&observer, &Call::run().text("p_evidence_ref", claims).sql()).await;
    rows(
        &observer,
        &Call::component(&run).text("p_evidence_ref", claims).sql(),
    )
    .await;
    rows(
        &observer,
        &Call::pair().text("p_evidence_ref", claims).sql(),
    )
    .await;
    let written = rows(&observer, "SELECT evidence_ref FROM dot.v_process_run UNION ALL SELECT evidence_ref FROM dot.v_process_component").await;
    assert_eq!(written, vec![json!({"evidence_ref": tags}); 5]);
}

#[apply(on_each_backend)]
async fn a_header_is_gated_by_the_posture(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator) = (
        stage.client("observer").await,
        stage.client("operator").await,
    );
    for (posture, dry_run, real_run) in [
        ("NO_EXECUTE", Some("no_execute"), Some("real_run_disabled")),
        ("DRY_RUN_ONLY", None, Some("real_run_disabled")),
        ("REAL_RUN", None, None),
    ] {
        set_posture(&operator, posture).await;
        for (evidence_type, refusal) in [("DRY_RUN", dry_run), ("REAL_RUN", real_run)] {
            let call = Call::run().text("p_evidence_type", evidence_type).sql();
            match refusal {
                Some(refusal) => assert_eq!(
                    code(&observer, &call).await,
                    refusal,
                    "{evidence_type} in {posture}"
                ),
                None => drop(rows(&observer, &call).await),
            }
        }
    }
}

#[apply(on_each_backend)]
async fn real_run_header_needs_an_open_gate(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator) = (
        stage.client("observer").await,
        stage.client("operator").await,
    );
    let call = Call::run().text("p_evidence_type", "REAL_RUN").sql();
    set_posture(&operator, "REAL_RUN").await;
    rows(
        &operator,
        &Call::gate("process_dot_runtime.real_run_enabled", "false").sql(),
    )
    .await;
    assert_eq!(code(&observer, &call).await, "real_run_disabled");
    // Open again, but behind a closed outer gate.
    rows(
        &operator,
        &Call::gate("process_dot_runtime.real_run_enabled", "true").sql(),
    )
    .await;
    rows(&observer, &call).await;
    rows(
        &operator,
        &Call::gate("process_dot_runtime.execute_enabled", "false").sql(),
    )
    .await;
    assert_eq!(code(&observer, &call).await, "no_execute");
}

#[apply(on_each_backend)]
async fn header_alone_raises_no_rung(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator) = (
        stage.client("observer").await,
        stage.client("operator").await,
    );
    set_posture(&operator, "REAL_RUN").await;
    for evidence_type in ["REAL_RUN", "DRY_RUN", "SIMULATED_DRY_RUN"] {
        rows(
            &observer,
            &Call::run()
                .text("p_evidence_type", evidence_type)
                .text("p_status", "completed")
                .text("p_dot_code", PRODUCER)
                .sql(),
        )
        .await;
    }
    let counts = row(&observer, "SELECT run_count, real_run_count, dry_run_count, simulated_count, backfilled_count, component_count FROM dot.v_process_discovery_runtime_observed").await;
    assert_eq!(
        counts,
        json!({"run_count": 3, "real_run_count": 0, "dry_run_count": 0, "simulated_count": 0, "backfilled_count": 0, "component_count": 0})
    );
    let rung = row(&observer, "SELECT candidate_status_v3, birth_gate_status_v3, best_evidence_type FROM dot.v_process_discovery_candidate_status_v3").await;
    assert_eq!(
        rung,
        json!({"candidate_status_v3": "structural_candidate", "birth_gate_status_v3": "NO_EVIDENCE", "best_evidence_type": null})
    );
    assert!(
        rows(
            &observer,
            "SELECT * FROM dot.v_process_discovery_verified_candidates_v3"
        )
        .await
        .is_empty()
    );
    let status = row(&observer, "SELECT wrapper_status, has_observation FROM dot.v_process_dot_wrapper_status WHERE dot_code = 'DOT_BACKUP'").await;
    assert_eq!(
        status,
        json!({"wrapper_status": "WRAPPER_NEEDED", "has_observation": false})
    );
}
