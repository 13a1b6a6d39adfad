//! GATE 2: the checks. Any BLOCK refuses the call before a row is written.

use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{VERIFIER, import, register_check};
use crate::common::{
    Backend, Call, TestContext, contents, execute, refused, row, rows, text, value,
};

const ASSERT: &str = "SELECT dot.fn_assert_safe_for_dot_action()::text";

/// What the preflight says of one check.
async fn answer(client: &Client, check: &str) -> Value {
    row(
        client,
        &format!(
            "SELECT cnt, severity, status FROM dot.fn_dot_preflight() WHERE check_name = '{check}'"
        ),
    )
    .await
}

/// Whether the preflight lets a call pass now.
async fn passes(client: &Client) -> bool {
    crate::common::ask(client, ASSERT).await.is_ok()
}

/// A number that a check reports and a test sets.
async fn findings(superuser: &Client, number: i64) {
    execute(
        superuser,
        &format!(
            "CREATE SCHEMA IF NOT EXISTS checks; CREATE TABLE IF NOT EXISTS checks.finding (number bigint);
             GRANT SELECT ON checks.finding TO PUBLIC; DELETE FROM checks.finding; INSERT INTO checks.finding VALUES ({number})"
        ),
    )
    .await;
}

const REPORT_FINDINGS: &str = "BEGIN RETURN (SELECT number FROM checks.finding); END";

#[apply(on_each_backend)]
async fn the_builtin_checks_pass_and_say_so(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let reader = stage.client("reader").await;
    let answers = rows(&reader, "SELECT * FROM dot.fn_dot_preflight()").await;
    assert!(answers.len() >= 3, "{answers:?}");
    for answer in &answers {
        assert_eq!(
            (&answer["status"], &answer["cnt"]),
            (&json!("PASS"), &json!(0)),
            "{answer}"
        );
        let columns: Vec<_> = answer.as_object().unwrap().keys().cloned().collect();
        assert_eq!(columns, ["check_name", "cnt", "severity", "status"]);
    }
    rows(&reader, ASSERT).await;
}

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
            let answer = answer(&observer, name).await;
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
    assert_eq!(answer(&observer, "goes_away").await["status"], "PASS");
    execute(&superuser, "DROP FUNCTION checks.goes_away()").await;
    assert_eq!(
        answer(&observer, "goes_away").await,
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
    // Remembered answers of checks that were enabled must not help, nor a header from before.
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
        answer(&observer, "tier_b_without_verifier").await,
        json!({"cnt": 1, "severity": "high", "status": "WARN"})
    );
    assert_eq!(
        answer(&observer, "gates_malformed").await,
        json!({"cnt": 1, "severity": "medium", "status": "WARN"})
    );
    rows(&observer, &Call::pair().sql()).await;
}

#[apply(on_each_backend)]
async fn a_tier_b_dot_without_a_tier_a_verifier_is_a_finding(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    let pair = |code: &str, tier: &str, pair: &str, role: &str| json!({"dot_code": code, "name": code, "tier": tier, "paired_dot": pair, "pair_role": role});
    let is_found = [("A", "A", 0), ("B", "A", 0), ("A", "B", 1), ("B", "B", 2)];
    for (producer, verifier, findings) in is_found {
        rows(
            &operator,
            &import(&json!([
                pair("P", producer, "V", "producer"),
                pair("V", verifier, "P", "verifier")
            ]))
            .sql(),
        )
        .await;
        let found = answer(&operator, "tier_b_without_verifier").await["cnt"]
            .as_i64()
            .unwrap();
        assert_eq!(
            found > 0,
            findings > 0,
            "producer tier {producer}, verifier tier {verifier}: {found}"
        );
    }
}

#[apply(on_each_version)]
async fn a_missing_or_switched_off_append_only_guard_blocks(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    for (harm, mend) in [
        (
            "DISABLE TRIGGER ledger_append_only",
            "ENABLE ALWAYS TRIGGER ledger_append_only",
        ),
        (
            "ENABLE TRIGGER ledger_append_only",
            "ENABLE ALWAYS TRIGGER ledger_append_only",
        ),
        (
            "ENABLE REPLICA TRIGGER ledger_append_only",
            "ENABLE ALWAYS TRIGGER ledger_append_only",
        ),
    ] {
        execute(
            &superuser,
            &format!("ALTER TABLE dot.process_run_observation {harm}"),
        )
        .await;
        // The shipped check may remember its answer for a few seconds; ask as if those were over.
        execute(
            &superuser,
            "UPDATE dot.dot_preflight_answer SET answered_at = '-infinity'",
        )
        .await;
        assert_eq!(
            answer(&observer, "ledger_guards_missing").await,
            json!({"cnt": 1, "severity": "critical", "status": "BLOCK"}),
            "{harm}"
        );
        assert_eq!(
            refused(&observer, &Call::pair().sql()).await.code,
            "preflight_blocked",
            "{harm}"
        );
        execute(
            &superuser,
            &format!("ALTER TABLE dot.process_run_observation {mend}"),
        )
        .await;
        rows(&observer, ASSERT).await;
    }
    execute(&superuser, "DROP TRIGGER ledger_append_only ON dot.event_outbox; UPDATE dot.dot_preflight_answer SET answered_at = '-infinity'").await;
    assert_eq!(refused(&observer, ASSERT).await.code, "preflight_blocked");
}

/// Actions of a registered check with the privileges of the preflight's caller or of the contract's owner.
const ATTEMPTS: [&str; 9] = [
    "INSERT INTO dot.dot_refusal (refusal_id, refusal_code, message, posture) VALUES (gen_random_uuid(), 'x', 'x', 'x')",
    "UPDATE dot.dot_config SET value = 'true'",
    "DELETE FROM dot.dot_preflight_check",
    "PERFORM dot.fn_process_run_observe('c', 'c', 'checker')",
    "PERFORM * FROM dot.fn_process_pair_observe('DOT_BACKUP', 'c', 'c', 'checker')",
    "PERFORM dot.fn_dot_refusal_record('{}')",
    "PERFORM dot.fn_dot_gate_set('process_dot_runtime.execute_enabled', 'true', 'checker', 'why not')",
    "PERFORM dot.fn_dot_iu_runtime_lease_acquire('dot_exec:DOT_BACKUP', 'checker', 60)",
    "RESET ROLE; INSERT INTO dot.dot_refusal (refusal_id, refusal_code, message, posture) VALUES (gen_random_uuid(), 'x', 'x', 'x')",
];

#[apply(on_each_version)]
async fn a_check_has_the_rights_of_the_checker_and_not_of_its_caller(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, runner, operator) = (
        stage.superuser().await,
        stage.client("runner").await,
        stage.client("operator").await,
    );
    // So that the shipped checks' clean answers are not remembered, and nothing at all may change.
    execute(
        &superuser,
        "UPDATE dot.dot_preflight_check SET max_age = '0'",
    )
    .await;
    for attempt in ATTEMPTS {
        register_check(
            &superuser,
            "reaches_out",
            &format!("BEGIN {attempt}; RETURN 0; END"),
            "WARN",
            "0",
        )
        .await;
        let before = contents(&superuser).await;
        for caller in [&runner, &operator, &superuser] {
            let answer = answer(caller, "reaches_out").await;
            assert_eq!(
                answer,
                json!({"cnt": null, "severity": "high", "status": "BLOCK"}),
                "{attempt}"
            );
            contents(&superuser).await.assert_same(&before, attempt);
        }
    }
    let identity = "BEGIN IF current_user <> 'dot_checker' THEN RETURN 1; END IF; RETURN (SELECT count(*) FROM dot.process_run_observation); END";
    register_check(&superuser, "reaches_out", identity, "BLOCK", "0").await;
    assert_eq!(
        answer(&runner, "reaches_out").await["status"],
        "PASS",
        "the checker reads the ledger"
    );
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

#[apply(on_each_backend)]
async fn clean_check_result_is_cached_up_to_its_maximum_age(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    findings(&superuser, 0).await;
    register_check(&superuser, "ages", REPORT_FINDINGS, "BLOCK", "2 seconds").await;
    assert!(passes(&observer).await);
    findings(&superuser, 3).await;
    assert!(
        passes(&observer).await,
        "asked again although its answer was young"
    );
    assert_eq!(
        answer(&observer, "ages").await["status"],
        "BLOCK",
        "an operator who looks is told what is so now"
    );
    rows(&observer, "SELECT pg_sleep(2.05)").await;
    assert!(!passes(&observer).await, "an old answer was taken");
}

#[apply(on_each_version)]
async fn expired_check_result_is_refreshed_by_one_caller(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    let other = stage.superuser().await;
    findings(&superuser, 0).await;
    register_check(&superuser, "due", REPORT_FINDINGS, "BLOCK", "1 hour").await;
    // The shipped ones are not to grow old meanwhile.
    execute(
        &superuser,
        "UPDATE dot.dot_preflight_check SET max_age = '1 hour'",
    )
    .await;
    assert!(passes(&observer).await);
    let aged = |minutes: i32| {
        format!(
            "UPDATE dot.dot_preflight_answer SET answered_at = clock_timestamp() - interval '{minutes} minutes' WHERE check_name = 'due'"
        )
    };
    let is_new = "SELECT answered_at > clock_timestamp() - interval '1 minute' FROM dot.dot_preflight_answer WHERE check_name = 'due'";

    execute(&superuser, &aged(30)).await;
    rows(&observer, &Call::pair().sql()).await;
    assert_eq!(value(&superuser, is_new).await, false, "it was not due yet");
    execute(&superuser, &aged(50)).await;
    execute(
        &other,
        "BEGIN; SELECT FROM dot.dot_preflight_answer WHERE check_name = 'due' FOR UPDATE",
    )
    .await;
    rows(&observer, &Call::pair().sql()).await;
    execute(&other, "ROLLBACK").await;
    assert_eq!(
        value(&superuser, is_new).await,
        false,
        "another caller was at it"
    );
    rows(&observer, &Call::pair().sql()).await;
    assert_eq!(value(&superuser, is_new).await, true);

    // What it finds then blocks at once.
    execute(&superuser, &aged(50)).await;
    findings(&superuser, 4).await;
    let refusal = refused(&observer, &Call::pair().sql()).await;
    assert_eq!(refusal.code, "preflight_blocked");
}

#[apply(on_each_backend)]
async fn maximum_age_zero_disables_the_cache(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    findings(&superuser, 0).await;
    register_check(&superuser, "never_ages", REPORT_FINDINGS, "BLOCK", "0").await;
    for number in [0, 1, 0, 2] {
        findings(&superuser, number).await;
        assert_eq!(passes(&observer).await, number == 0, "{number} findings");
    }
}

#[apply(on_each_backend)]
async fn fixing_a_finding_unblocks_immediately(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    findings(&superuser, 1).await;
    register_check(&superuser, "is_mended", REPORT_FINDINGS, "BLOCK", "1 hour").await;
    assert!(!passes(&observer).await);
    findings(&superuser, 0).await;
    assert!(passes(&observer).await, "a blocking answer was remembered");
}

#[apply(on_each_backend)]
async fn changing_a_check_invalidates_its_cached_result(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    findings(&superuser, 0).await;
    register_check(&superuser, "changes", REPORT_FINDINGS, "WARN", "1 hour").await;
    findings(&superuser, 1).await;
    assert!(passes(&observer).await);
    register_check(&superuser, "changes", REPORT_FINDINGS, "BLOCK", "1 hour").await;
    assert!(
        !passes(&observer).await,
        "the answer of the warning check let it pass"
    );
}

#[apply(on_each_version)]
async fn cached_result_counts_only_for_the_check_that_returned_it(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    findings(&superuser, 1).await;
    register_check(&superuser, "strict", REPORT_FINDINGS, "WARN", "1 hour").await;
    assert!(passes(&observer).await);
    // Behind the functions' back: a warning's answer is no clean one, and another function's answer is none.
    execute(
        &superuser,
        "UPDATE dot.dot_preflight_check SET on_finding = 'BLOCK' WHERE check_name = 'strict'",
    )
    .await;
    assert!(!passes(&observer).await);
    findings(&superuser, 0).await;
    assert!(passes(&observer).await);
    execute(&superuser, "CREATE FUNCTION checks.another() RETURNS bigint LANGUAGE sql AS 'SELECT 7::bigint'; UPDATE dot.dot_preflight_check SET count_query = 'checks.another' WHERE check_name = 'strict'").await;
    assert!(!passes(&observer).await);
}

#[apply(on_each_backend)]
async fn the_preflight_works_in_a_read_only_transaction(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let mut reader = stage.client("reader").await;
    execute(
        &superuser,
        "UPDATE dot.dot_preflight_answer SET answered_at = '-infinity'",
    )
    .await;
    let transaction = reader
        .build_transaction()
        .read_only(true)
        .start()
        .await
        .unwrap();
    assert!(
        rows(
            &transaction,
            "SELECT * FROM dot.fn_dot_preflight() WHERE status = 'PASS'"
        )
        .await
        .len()
            >= 3
    );
    rows(&transaction, ASSERT).await;
    assert_eq!(
        value(&transaction, "SELECT dot.fn_process_dot_posture()").await,
        "NO_EXECUTE"
    );
    transaction.commit().await.unwrap();
}

#[apply(on_each_backend)]
async fn recording_is_not_blocked_by_a_cache_write(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    execute(
        &superuser,
        "UPDATE dot.dot_preflight_answer SET answered_at = '-infinity'",
    )
    .await;
    let mut slow = stage.client("observer").await;
    let transaction = slow.transaction().await.unwrap();
    rows(&transaction, ASSERT).await;
    // The results are written and not committed; no session waits for a cache write.
    rows(&observer, &Call::pair().sql()).await;
    transaction.commit().await.unwrap();
}

#[apply(on_each_backend)]
async fn import_that_removes_a_verifier_is_found_by_the_next_preflight(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    assert_eq!(
        answer(&operator, "tier_b_without_verifier").await["status"],
        "PASS"
    );
    let unpaired = json!([{"dot_code": "DOT_BACKUP", "name": "n", "tier": "B"}, {"dot_code": VERIFIER, "name": "n", "tier": "A"}]);
    rows(&operator, &import(&unpaired).sql()).await;
    assert_eq!(
        answer(&operator, "tier_b_without_verifier").await["status"],
        "WARN"
    );
}
