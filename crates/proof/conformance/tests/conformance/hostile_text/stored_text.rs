//! Texts are stored unchanged: quotes, escapes, line breaks and every script; NUL is refused.

use rstest_reuse::apply;
use serde_json::json;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::import;
use crate::common::{Backend, Call, TestContext, ask, code, contents, literal, row, rows, text};

#[apply(on_each_backend)]
async fn texts_are_stored_unchanged(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator) = (
        stage.client("observer").await,
        stage.client("operator").await,
    );
    for hostile in [
        "it's; DROP TABLE dot.process_run_observation; --",
        "back\\slash \\' \\\\ \\u0041 \\x41 E'\\n'",
        "\"quoted\" $$dollar$$ $1 %s %I %L {} ${x} :name ::text",
        "two  blanks",
        "Ünïcödé Ελληνικά Кириллица עברית العربية हिन्दी ไทย 漢字 かな 한글",
        "👩👧 é \u{fffd}",
        "null",
        "NULL",
        "'{}'",
        "<script>alert(1)</script>",
    ] {
        let pair = Call::pair()
            .text("p_process_candidate_code", hostile)
            .text("p_correlation_id", hostile)
            .text("p_actor", hostile)
            .text("p_idempotency_key", hostile)
            .text("p_input_ref", hostile)
            .text("p_output_ref", hostile)
            .text("p_error_ref", hostile)
            .text("p_evidence_ref", &json!({hostile: hostile}).to_string());
        let returned = row(&observer, &pair.sql()).await;
        assert_eq!(
            (&returned["output_ref"], &returned["error_ref"]),
            (&json!(hostile), &json!(hostile))
        );
        let run = returned["process_run_id"].as_str().unwrap();
        let kept = row(&observer, &format!("SELECT process_candidate_code, correlation_id, actor, idempotency_key, input_ref, evidence_ref - '{{wrapper,actor,posture,no_execute}}'::text[] AS evidence FROM dot.v_process_run WHERE process_run_id = '{run}'")).await;
        assert_eq!(
            kept,
            json!({"process_candidate_code": hostile, "correlation_id": hostile, "actor": hostile, "idempotency_key": hostile, "input_ref": hostile, "evidence": {hostile: hostile}})
        );
        rows(
            &operator,
            &Call::gate("process_dot_runtime.execute_enabled", "false")
                .text("p_reason", hostile)
                .text("p_actor", hostile)
                .sql(),
        )
        .await;
        let history = row(
            &operator,
            "SELECT actor, reason FROM dot.v_dot_gate_history ORDER BY changed_at DESC LIMIT 1",
        )
        .await;
        assert_eq!(history, json!({"actor": hostile, "reason": hostile}));
    }
}

#[apply(on_each_version)]
async fn a_reason_keeps_its_lines_and_has_no_control_characters(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    let gate = || Call::gate("process_dot_runtime.execute_enabled", "false");
    for fine in [
        "line\none\r\ntwo\tthree ",
        "👩\u{200d}👩 e\u{301}",
        " \u{a0}x",
    ] {
        rows(&operator, &gate().text("p_reason", fine).sql()).await;
        let last = "SELECT reason FROM dot.v_dot_gate_history ORDER BY changed_at DESC LIMIT 1";
        assert_eq!(text(&operator, last).await, fine);
    }
    for steering in [
        "a\u{202e}b",
        "a\u{2067}b",
        "a\u{1b}[2J",
        "a\u{9b}2J",
        "a\u{7f}",
    ] {
        let found = code(&operator, &gate().text("p_reason", steering).sql()).await;
        assert_eq!(found, "text_invalid", "{steering:?}");
    }
}

#[apply(on_each_backend)]
async fn hostile_dot_codes_work_like_any_other(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator) = (
        stage.client("observer").await,
        stage.client("operator").await,
    );
    for (number, hostile) in ["DOT '; DROP", "DOT \"quoted\" %s \\", "ПРОГОН 漢字 🧭"]
        .into_iter()
        .enumerate()
    {
        let verifier = format!("{hostile} verify {number}");
        let tool = |code: &str, pair: &str, role: &str| json!({"dot_code": code, "name": code, "tier": "A", "paired_dot": pair, "pair_role": role});
        rows(
            &operator,
            &import(&json!([
                tool(hostile, &verifier, "producer"),
                tool(&verifier, hostile, "verifier")
            ]))
            .sql(),
        )
        .await;
        let pair = Call::pair()
            .text("p_dot_code", hostile)
            .text("p_idempotency_key", hostile);
        assert_eq!(row(&observer, &pair.sql()).await["created"], true);
        assert_eq!(row(&observer, &pair.sql()).await["created"], false);
        let sides = row(&observer, &format!("SELECT producer_dot_code, verifier_dot_code FROM dot.v_process_run WHERE dot_code = {}", literal(hostile))).await;
        assert_eq!(
            sides,
            json!({"producer_dot_code": hostile, "verifier_dot_code": verifier})
        );
        assert_eq!(
            code(&observer, &Call::pair().text("p_dot_code", &verifier).sql()).await,
            "not_a_producer"
        );
    }
    for unknown in [
        "dot_backup",
        "DOT_BACKUP ",
        " DOT_BACKUP",
        "DOT_BACKUP\u{200b}",
        "%",
        "DOT%",
        "' OR true --",
    ] {
        assert_eq!(
            code(&observer, &Call::pair().text("p_dot_code", unknown).sql()).await,
            "unknown_dot",
            "{unknown:?}"
        );
    }
}

#[apply(on_each_version)]
async fn nul_character_is_refused_everywhere(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let before = contents(&superuser).await;
    let as_parameter = observer
        .query_typed(
            "SELECT dot.fn_process_run_observe('c', 'c', $1)",
            &[(&"a\0b", tokio_postgres::types::Type::TEXT)],
        )
        .await;
    assert_eq!(as_parameter.unwrap_err().code().unwrap().code(), "22021");
    let as_json = ask(
        &observer,
        &Call::run()
            .with("p_evidence_ref", r#"'{"a": "\u0000"}'::jsonb"#)
            .sql(),
    )
    .await;
    assert_eq!(as_json.unwrap_err().code().unwrap().code(), "22P05");
    contents(&superuser).await.assert_same(&before, "a NUL");
}
