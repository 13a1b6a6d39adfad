//! The arguments of a component: stored values, blank texts, digests and times.

use rstest_reuse::apply;
use serde_json::json;

use super::header::a_run;
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{CANDIDATE, CORRELATION, PRODUCER};
use crate::common::run_calls::DIGEST;
use crate::common::{Backend, Call, TestContext, code, refused, row, rows, text};

#[apply(on_each_version)]
async fn blank_texts_are_missing_texts(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let run = text(
        &observer,
        &Call::run()
            .text("p_dot_code", PRODUCER)
            .text("p_event_code", "\u{a0}")
            .text("p_process_definition_code", " ")
            .sql(),
    )
    .await;
    let call = Call::component(&run)
        .text("p_event_code", " ")
        .text("p_output_digest", "\t")
        .text("p_verdict", " ");
    rows(&observer, &call.sql()).await;
    let kept = row(
        &observer,
        "SELECT r.event_code AS of_run, r.process_definition_code, c.event_code, c.output_digest, c.verdict
         FROM dot.v_process_run r JOIN dot.v_process_component c USING (process_run_id)",
    )
    .await;
    assert_eq!(
        kept,
        json!({"of_run": null, "process_definition_code": null, "event_code": null, "output_digest": null, "verdict": null})
    );
}

#[apply(on_each_backend)]
async fn everything_that_is_passed_is_kept(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let run = a_run(&observer).await;
    let (id, parent, job) = (
        "11111111-1111-4111-8111-111111111111",
        "22222222-2222-1222-8222-222222222222",
        "33333333-3333-4333-8333-333333333333",
    );
    let call = Call::component(&run)
        .text("p_status", "step_completed")
        .text("p_idempotency_key", "key")
        .text("p_component_run_id", id)
        .text("p_parent_run_id", parent)
        .text("p_event_code", "event")
        .text("p_queue_job_id", job)
        .text("p_input_ref", "in")
        .text("p_output_ref", "out")
        .text("p_error_ref", "err")
        .text("p_evidence_ref", r#"{"mine": 1}"#)
        .text("p_source_system", "cron")
        .text("p_started_at", "2026-01-02T03:04:05Z")
        .text("p_ended_at", "2026-01-02T03:04:06Z")
        .text("p_output_digest", DIGEST);
    assert_eq!(text(&observer, &call.sql()).await, id);
    let mut stored = row(
        &superuser,
        "SELECT * FROM dot.process_component_observation",
    )
    .await;
    stored.as_object_mut().unwrap().remove("created_at");
    let expected = json!({
        "component_run_id": id, "process_run_id": run, "component_role": "producer", "parent_run_id": parent,
        "process_candidate_code": CANDIDATE, "correlation_id": CORRELATION, "dot_code": PRODUCER, "event_code": "event",
        "queue_job_id": job, "invocation_id": null, "status": "step_completed", "evidence_type": "SIMULATED_DRY_RUN", "verdict": null,
        "output_digest": DIGEST, "source_system": "cron", "idempotency_key": "key", "input_ref": "in", "output_ref": "out", "error_ref": "err",
        "evidence_ref": {"mine": 1, "wrapper": "dot_exec_wrapper", "actor": "tester", "posture": "NO_EXECUTE", "no_execute": true},
        "actor": "tester", "recorded_by": "dot_observer", "started_at": "2026-01-02T03:04:05+00:00", "ended_at": "2026-01-02T03:04:06+00:00",
    });
    assert_eq!(stored, expected);
}

#[apply(on_each_backend)]
async fn an_output_digest_of_another_form_is_refused(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let run = a_run(&observer).await;
    let hex = "0a".repeat(32);
    for wrong in [
        hex.clone(),
        format!("sha256:{}", hex.to_uppercase()),
        format!("SHA256:{hex}"),
        format!("sha256:{hex}0"),
        format!("sha256:{}", &hex[1..]),
        format!("sha256:{hex}\n"),
        format!(" sha256:{hex}"),
        format!("sha512:{hex}{hex}"),
        "x".repeat(1_000_000),
    ] {
        let call = Call::component(&run).text("p_output_digest", &wrong);
        let refusal = refused(&observer, &call.sql()).await;
        assert_eq!(refusal.code, "digest_invalid");
        assert!(refusal.detail.to_string().len() < 500);
    }
}

#[apply(on_each_backend)]
async fn times_in_the_wrong_order_or_in_the_future_are_refused(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let run = a_run(&observer).await;
    let (now, tomorrow) = (
        "clock_timestamp()",
        "clock_timestamp() + interval '24 hours 1 minute'",
    );
    for (started, ended) in [
        (now, "clock_timestamp() - interval '1 second'"),
        (now, "'-infinity'"),
        (tomorrow, "NULL"),
        ("NULL", tomorrow),
        (now, tomorrow),
        ("'9000-01-01'", "'9000-01-02'"),
    ] {
        for call in [Call::run(), Call::component(&run)] {
            let call = call
                .with("p_started_at", started)
                .with("p_ended_at", ended)
                .sql();
            assert_eq!(code(&observer, &call).await, "time_invalid", "{call}");
        }
    }
    for (started, ended) in [
        ("'2026-01-01'", "'2026-01-01'"),
        (
            "clock_timestamp()",
            "clock_timestamp() + interval '23 hours'",
        ),
    ] {
        let call = Call::run()
            .with("p_started_at", started)
            .with("p_ended_at", ended);
        rows(&observer, &call.sql()).await;
    }
}
