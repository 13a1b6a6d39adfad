//! Check results: which ones pass, warn or block, and how a refusal names them.

use rstest_reuse::apply;
use serde_json::json;

use super::calls::{ASSERT, check_result};
use crate::common::backend::on_each_backend;
use crate::common::fixtures::{VERIFIER, import, register_check};
use crate::common::{Backend, Call, TestContext, contents, execute, refused, rows, text};

/// Body of the check, what to do on a finding, then the expected count and status.
const ANSWERS: [(&str, &str, &str, Option<i64>, &str); 10] = [
    (
        "nothing_found",
        "BEGIN RETURN 0; END",
        "BLOCK",
        Some(0),
        "PASS",
    ),
    (
        "found_blocks",
        "BEGIN RETURN 2; END",
        "BLOCK",
        Some(2),
        "BLOCK",
    ),
    (
        "found_warns",
        "BEGIN RETURN 2; END",
        "WARN",
        Some(2),
        "WARN",
    ),
    (
        "found_very_many",
        "BEGIN RETURN 9223372036854775807; END",
        "WARN",
        Some(i64::MAX),
        "WARN",
    ),
    (
        "raises",
        "BEGIN RAISE EXCEPTION 'broken'; END",
        "WARN",
        None,
        "BLOCK",
    ),
    (
        "raises_while_writing_its_answer",
        "BEGIN RETURN 1/0; END",
        "WARN",
        None,
        "BLOCK",
    ),
    (
        "fails_an_assertion",
        "BEGIN ASSERT false; RETURN 0; END",
        "WARN",
        None,
        "BLOCK",
    ),
    (
        "returns_null",
        "BEGIN RETURN NULL; END",
        "WARN",
        None,
        "BLOCK",
    ),
    (
        "returns_a_negative_number",
        "BEGIN RETURN -1; END",
        "WARN",
        Some(-1),
        "BLOCK",
    ),
    ("returns_nothing_at_all", "BEGIN END", "WARN", None, "BLOCK"),
];

#[apply(on_each_backend)]
async fn non_integer_check_result_blocks(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    for (name, body, on_finding, expected_count, expected_status) in ANSWERS {
        for max_age in ["0", "1 hour"] {
            register_check(&superuser, name, body, on_finding, max_age).await;
            let answer = check_result(&observer, name).await;
            assert_eq!(
                (&answer["cnt"], &answer["status"]),
                (&json!(expected_count), &json!(expected_status)),
                "{name}, {max_age}"
            );
            let before = contents(&superuser).await;
            let pair = Call::pair().text("p_correlation_id", name).sql();
            if expected_status == "BLOCK" {
                let refusal = refused(&observer, &pair).await;
                assert_eq!(refusal.code, "preflight_blocked", "{name}");
                assert!(refusal.message.contains(name), "{}", refusal.message);
                assert_eq!(
                    refusal.detail["checks"],
                    json!([{"check_name": name, "cnt": expected_count}])
                );
                contents(&superuser).await.assert_same(&before, name);
            } else {
                rows(&observer, &pair).await;
            }
        }
        execute(
            &superuser,
            &format!("DELETE FROM dot.dot_preflight_check WHERE check_name = '{name}'"),
        )
        .await;
    }
}

#[apply(on_each_backend)]
async fn a_check_whose_function_is_gone_blocks(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    register_check(&superuser, "goes_away", "BEGIN RETURN 0; END", "WARN", "0").await;
    assert_eq!(check_result(&observer, "goes_away").await["status"], "PASS");
    execute(&superuser, "DROP FUNCTION checks.goes_away()").await;
    assert_eq!(
        check_result(&observer, "goes_away").await,
        json!({"cnt": null, "severity": "high", "status": "BLOCK"})
    );
    let refusal = refused(&observer, ASSERT).await;
    assert_eq!(
        refusal.detail["checks"],
        json!([{"check_name": "goes_away", "cnt": null}])
    );
    execute(&superuser, "DROP SCHEMA checks").await;
    assert_eq!(refused(&observer, ASSERT).await.code, "preflight_blocked");
}

#[apply(on_each_backend)]
async fn every_blocking_check_is_named_with_its_count(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, reader) = (stage.superuser().await, stage.client("reader").await);
    for (name, body) in [
        ("two_orphans", "BEGIN RETURN 2; END"),
        ("broken_check", "BEGIN RETURN NULL; END"),
        ("clean_check", "BEGIN RETURN 0; END"),
    ] {
        register_check(&superuser, name, body, "BLOCK", "0").await;
    }
    let refusal = refused(&reader, ASSERT).await;
    assert_eq!(
        refusal.detail["checks"],
        json!([{"check_name": "broken_check", "cnt": null}, {"check_name": "two_orphans", "cnt": 2}])
    );
    assert!(
        refusal.message.contains("two_orphans")
            && refusal.message.contains('2')
            && refusal.message.contains("broken_check"),
        "{}",
        refusal.message
    );
    assert!(
        !refusal.message.contains("clean_check"),
        "{}",
        refusal.message
    );
}

#[apply(on_each_backend)]
async fn no_enabled_check_at_all_blocks(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    // Neither cached results of disabled checks nor an existing header let a call pass.
    rows(&observer, &Call::pair().sql()).await;
    let run = text(&observer, &Call::run().sql()).await;
    for state in [
        "UPDATE dot.dot_preflight_check SET enabled = false",
        "DELETE FROM dot.dot_preflight_check",
    ] {
        execute(&superuser, state).await;
        let answers = rows(&observer, "SELECT status FROM dot.fn_dot_preflight()").await;
        assert_eq!(answers, [json!({"status": "BLOCK"})]);
        for call in [
            ASSERT,
            &Call::pair().sql(),
            &Call::run().sql(),
            &Call::component(&run).sql(),
            &Call::backfill(&json!([{"dot_code": VERIFIER, "process_candidate_code": "c", "correlation_id": "c"}])).sql(),
        ] {
            assert_eq!(
                refused(&observer, call).await.code,
                "preflight_blocked",
                "{call}"
            );
        }
    }
}

#[apply(on_each_backend)]
async fn a_warning_is_shown_and_does_not_block(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, operator, observer) = (
        stage.superuser().await,
        stage.client("operator").await,
        stage.client("observer").await,
    );
    rows(
        &operator,
        &import(&json!([{"dot_code": "DOT_WRITES_ALONE", "name": "n", "tier": "B"}])).sql(),
    )
    .await;
    execute(&superuser, "UPDATE dot.dot_config SET value = 'maybe' WHERE key = 'process_dot_runtime.real_run_enabled'").await;
    assert_eq!(
        check_result(&observer, "tier_b_without_verifier").await,
        json!({"cnt": 1, "severity": "high", "status": "WARN"})
    );
    assert_eq!(
        check_result(&observer, "gates_malformed").await,
        json!({"cnt": 1, "severity": "medium", "status": "WARN"})
    );
    rows(&observer, &Call::pair().sql()).await;
}

#[apply(on_each_backend)]
async fn statement_timeout_cancels_a_hanging_check(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let mut observer = stage.client("observer").await;
    register_check(
        &superuser,
        "hangs",
        "BEGIN PERFORM pg_sleep(600); RETURN 0; END",
        "WARN",
        "0",
    )
    .await;
    let before = contents(&superuser).await;
    for call in [
        Call::pair().sql(),
        Call::run().sql(),
        "SELECT * FROM dot.fn_dot_preflight()".to_owned(),
    ] {
        let transaction = observer.transaction().await.unwrap();
        execute(&transaction, "SET LOCAL statement_timeout = '200ms'").await;
        let error = crate::common::ask(&transaction, &call).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "57014", "{error:?}");
        transaction.rollback().await.unwrap();
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a call that was cut off");
    assert_eq!(crate::common::number(&superuser, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())").await, 0);
}
