//! Fixtures and their digests.

use rstest_reuse::apply;
use serde_json::json;

use super::entries::contract;
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::PRODUCER;
use crate::common::{Backend, Call, TestContext, code, contents, literal, row, rows, text};

fn fixture(reference: &str, body: &str) -> Call {
    Call::new("fn_dot_fixture_put")
        .text("p_fixture_ref", reference)
        .text("p_body", body)
        .with(
            "p_sha256",
            format!(
                "encode(sha256(convert_to({}, 'UTF8')), 'hex')",
                literal(body)
            ),
        )
        .text("p_actor", "operator")
}

#[apply(on_each_backend)]
async fn a_fixture_is_kept_with_the_digest_of_its_text(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    let body = "{\"b\": 1,   \"a\": \"ß\\u00e9\"}\n";
    assert_eq!(text(&operator, &fixture("f", body).sql()).await, "f");
    let stored = row(&operator, &format!("SELECT body, sha256 = encode(sha256(convert_to({}, 'UTF8')), 'hex') AS same FROM dot.v_dot_fixture", literal(body))).await;
    assert_eq!(stored, json!({"body": {"a": "ßé", "b": 1}, "same": true}));
    rows(
        &operator,
        &contract(|contract| contract["fixture_ref"] = json!("f")).sql(),
    )
    .await;
    let status = text(&operator, &format!("SELECT fixture_status FROM dot.v_process_dot_wrapper_status WHERE dot_code = '{PRODUCER}'")).await;
    assert_eq!(status, "present");
}

#[apply(on_each_version)]
async fn fixture_with_a_wrong_digest_is_refused(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    let before = contents(&superuser).await;
    for wrong in [
        "NULL".to_owned(),
        "''".into(),
        literal(&"0".repeat(64)),
        "upper(encode(sha256(convert_to('{}', 'UTF8')), 'hex'))".into(),
    ] {
        assert_eq!(
            code(
                &operator,
                &fixture("f", "{}").with("p_sha256", wrong.clone()).sql()
            )
            .await,
            "fixture_digest_mismatch",
            "{wrong}"
        );
    }
    for (reference, body) in [("", "{}"), ("f", ""), ("f", " ")] {
        assert_eq!(
            code(&operator, &fixture(reference, body).sql()).await,
            "fixture_missing"
        );
    }
    for no_json in ["{", "{'a': 1}", "\"\\u0000\"", "nonsense"] {
        assert_eq!(
            code(&operator, &fixture("f", no_json).sql()).await,
            "contract_invalid",
            "{no_json}"
        );
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a refused fixture");
}
