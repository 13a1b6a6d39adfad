//! Size limits of evidence, and the truncation of recorded refusals.

use rstest_reuse::apply;
use serde_json::{Value, json};

use crate::common::backend::on_each_backend;
use crate::common::fixtures::{CANDIDATE, LONE};
use crate::common::{
    Backend, Call, TestContext, code, contents, literal, refused, row, rows, text,
};

#[apply(on_each_backend)]
async fn evidence_is_an_object_of_at_most_64_kibibytes(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let run = text(&observer, &Call::run().sql()).await;
    let of_bytes = |bytes: usize| {
        format!(
            "jsonb_build_object('x', repeat('y', {}))",
            bytes - r#"{"x": ""}"#.len()
        )
    };
    let before = contents(&superuser).await;
    for call in [Call::pair(), Call::run(), Call::component(&run)] {
        for wrong in [
            "'[]'::jsonb".to_owned(),
            "'1'::jsonb".into(),
            "'\"text\"'::jsonb".into(),
            "'true'::jsonb".into(),
            "'null'::jsonb".into(),
            of_bytes(65_537),
            of_bytes(1_048_576),
        ] {
            let refusal = refused(
                &observer,
                &call.clone().with("p_evidence_ref", wrong.clone()).sql(),
            )
            .await;
            assert_eq!(refusal.code, "evidence_ref_invalid", "{wrong}");
        }
    }
    contents(&superuser)
        .await
        .assert_same(&before, "wrong evidence");
    for call in [Call::pair(), Call::run(), Call::component(&run)] {
        rows(
            &observer,
            &call.with("p_evidence_ref", of_bytes(65_536)).sql(),
        )
        .await;
    }
    rows(
        &observer,
        &Call::pair().with("p_evidence_ref", "NULL").sql(),
    )
    .await;
    let tags = row(&observer, "SELECT evidence_ref FROM dot.v_process_run WHERE producer_component_run_id IS NOT NULL ORDER BY created_at DESC LIMIT 1").await;
    assert_eq!(
        tags["evidence_ref"],
        json!({"wrapper": "dot_exec_wrapper", "actor": "tester", "posture": "NO_EXECUTE", "no_execute": true})
    );
}

#[apply(on_each_backend)]
async fn refusal_record_is_truncated_not_refused(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let long = "ß".repeat(300_000);
    let refusal = json!({"refusal_code": long, "message": long, "actor": long, "dot_code": long, "process_candidate_code": long, "correlation_id": long, "posture": long, "detail": {"x": long}, "other": long});
    let record = |refusal: &str| {
        format!(
            "SELECT dot.fn_dot_refusal_record({}::jsonb)",
            literal(refusal)
        )
    };
    rows(&observer, &record(&refusal.to_string())).await;
    let lengths = row(&observer, "SELECT length(refusal_code) AS code, length(message) AS message, length(actor) AS actor, length(dot_code) AS dot, length(process_candidate_code) AS candidate, length(correlation_id) AS correlation, length(posture) AS posture, octet_length(detail::text) <= 4096 AS detail FROM dot.v_dot_refusal").await;
    assert_eq!(
        lengths,
        json!({"code": "unknown".len(), "message": 2000, "actor": 200, "dot": 200, "candidate": 200, "correlation": 500,
               "posture": "NO_EXECUTE".len(), "detail": true})
    );
    for odd in [
        json!({}),
        json!({"refusal_code": 1, "message": [1], "detail": "text"}),
        json!({"refusal_code": null, "detail": null}),
        json!({"refusal_code": LONE, "correlation_id": "\u{a0}", "process_candidate_code": CANDIDATE}),
    ] {
        rows(&observer, &record(&odd.to_string())).await;
    }
    let defaults = rows(
        &observer,
        "SELECT recorded_by, posture FROM dot.v_dot_refusal ORDER BY refused_at OFFSET 1",
    )
    .await;
    assert_eq!(
        defaults,
        vec![json!({"recorded_by": "dot_observer", "posture": "NO_EXECUTE"}); 4]
    );
    for wrong in ["NULL", "'[]'", "'1'", "'null'"] {
        assert_eq!(
            code(
                &observer,
                &format!("SELECT dot.fn_dot_refusal_record({wrong}::jsonb)")
            )
            .await,
            "evidence_ref_invalid",
            "{wrong}"
        );
    }
    assert_eq!(
        row(&observer, "SELECT count(*) AS n FROM dot.v_dot_refusal").await["n"],
        Value::from(5)
    );
}
