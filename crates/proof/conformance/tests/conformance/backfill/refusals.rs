//! Rows and sources that are refused, and the only function that records backfilled evidence.

use rstest_reuse::apply;
use serde_json::{Value, json};

use super::rows::{asserted, row_with};
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{CANDIDATE, PRODUCER};
use crate::common::{Backend, Call, TestContext, code, contents, refused};

/// Wrong rows and their refusal codes.
fn wrong_rows() -> Vec<(Value, &'static str)> {
    vec![
        (json!(1), "backfill_row_invalid"),
        (json!(null), "backfill_row_invalid"),
        (json!([]), "backfill_row_invalid"),
        (
            row_with("process_run_id", json!("no uuid")),
            "backfill_row_invalid",
        ),
        (
            row_with("started_at", json!("yesterday-ish")),
            "backfill_row_invalid",
        ),
        (
            row_with("ended_at", json!("2026-13-01")),
            "backfill_row_invalid",
        ),
        (
            row_with("status", json!("step_completed")),
            "backfill_row_invalid",
        ),
        (
            row_with("status", json!("verified")),
            "backfill_row_invalid",
        ),
        (row_with("status", json!("")), "backfill_row_invalid"),
        (
            row_with("process_candidate_code", json!({})),
            "backfill_row_invalid",
        ),
        (row_with("correlation_id", json!(7)), "backfill_row_invalid"),
        (
            row_with("started_at", json!("-infinity")),
            "backfill_row_invalid",
        ),
        (
            row_with("ended_at", json!("10000-01-01")),
            "backfill_row_invalid",
        ),
        (
            json!({"dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "correlation_id": "c",
                "started_at": "2026-01-02T00:00:00Z", "ended_at": "2026-01-01T00:00:00Z"}),
            "time_invalid",
        ),
        (
            row_with("started_at", json!("9000-01-01T00:00:00Z")),
            "time_invalid",
        ),
        (
            row_with("ended_at", json!("9000-01-01T00:00:00Z")),
            "time_invalid",
        ),
        (
            row_with("idempotency_key", json!("request:1")),
            "key_reserved",
        ),
        (row_with("evidence_ref", json!([1])), "backfill_row_invalid"),
        (
            row_with("evidence_ref", json!("text")),
            "backfill_row_invalid",
        ),
        (
            row_with("evidence_type", json!("REAL_RUN")),
            "backfill_row_invalid",
        ),
        (
            row_with("evidence_type", json!("SIMULATED_DRY_RUN")),
            "backfill_row_invalid",
        ),
        (row_with("dot_code", json!("DOT_NOWHERE")), "unknown_dot"),
        (row_with("dot_code", Value::Null), "unknown_dot"),
        (row_with("dot_code", json!("")), "unknown_dot"),
        (
            row_with("correlation_id", Value::Null),
            "correlation_required",
        ),
        (
            row_with("correlation_id", json!("\u{3000}")),
            "correlation_required",
        ),
        (
            row_with("process_candidate_code", Value::Null),
            "candidate_required",
        ),
        (
            row_with("process_candidate_code", json!("c".repeat(201))),
            "text_too_long",
        ),
        (
            row_with("idempotency_key", json!("k".repeat(501))),
            "text_too_long",
        ),
        (
            row_with("output_ref", json!("o".repeat(2001))),
            "text_too_long",
        ),
        (
            row_with("evidence_ref", json!({"x": "y".repeat(66_000)})),
            "evidence_ref_invalid",
        ),
        (
            row_with("host", json!("h".repeat(66_000))),
            "evidence_ref_invalid",
        ),
    ]
}

#[apply(on_each_version)]
async fn one_wrong_row_refuses_the_whole_import(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let before = contents(&superuser).await;
    for (wrong, expected) in wrong_rows() {
        let refusal = refused(
            &observer,
            &Call::backfill(&json!([asserted("good"), wrong])).sql(),
        )
        .await;
        let said: String = wrong.to_string().chars().take(200).collect();
        assert_eq!(refusal.code, expected, "{said}");
        if expected == "backfill_row_invalid" {
            assert_eq!(refusal.detail["row"], 2, "{said}");
        }
    }
    for wrong in ["NULL", "'{}'::jsonb", "'null'::jsonb", "'1'::jsonb"] {
        assert_eq!(
            code(
                &observer,
                &Call::backfill(&json!([])).with("p_rows", wrong).sql()
            )
            .await,
            "backfill_row_invalid",
            "{wrong}"
        );
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a refused backfill");
}

#[apply(on_each_version)]
async fn the_source_has_a_name_and_a_digest(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let good = Call::backfill(&json!([asserted("a")]));
    for wrong in [
        good.clone().with("p_source_ref", "NULL"),
        good.clone().text("p_source_ref", "\u{2003}"),
        good.clone().with("p_source_sha256", "NULL"),
        good.clone().text("p_source_sha256", ""),
        good.clone().text("p_source_sha256", &"A".repeat(64)),
        good.clone().text("p_source_sha256", &"a".repeat(63)),
        good.clone()
            .text("p_source_sha256", &format!("{}\n", "a".repeat(64))),
        good.clone().text("p_source_sha256", &"g".repeat(64)),
    ] {
        assert_eq!(
            code(&observer, &wrong.sql()).await,
            "source_required",
            "{}",
            wrong.sql()
        );
    }
}

#[apply(on_each_backend)]
async fn only_backfill_records_backfilled_evidence(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let run = crate::common::text(&observer, &Call::run().sql()).await;
    let before = contents(&superuser).await;
    for call in [Call::pair(), Call::run(), Call::component(&run)] {
        assert_eq!(
            code(
                &observer,
                &call.text("p_evidence_type", "BACKFILLED_EVIDENCE").sql()
            )
            .await,
            "backfill_only"
        );
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a claim of backfilled evidence");
}

#[apply(on_each_version)]
async fn id_of_another_run_is_refused(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let run = crate::common::text(&observer, &Call::run().sql()).await;
    assert_eq!(
        code(
            &observer,
            &Call::backfill(&json!([row_with("process_run_id", json!(run))])).sql()
        )
        .await,
        "id_in_use"
    );
}
