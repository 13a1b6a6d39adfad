//! The built-in checks.

use rstest_reuse::apply;
use serde_json::json;

use super::calls::{ASSERT, check_result};
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{VERIFIER, import};
use crate::common::{Backend, Call, TestContext, execute, refused, rows};

#[apply(on_each_backend)]
async fn builtin_checks_pass(backend: Backend) {
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
        let found = check_result(&operator, "tier_b_without_verifier").await["cnt"]
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
        // The result of the built-in check is cached for a few seconds: expire it.
        execute(
            &superuser,
            "UPDATE dot.dot_preflight_answer SET answered_at = '-infinity'",
        )
        .await;
        assert_eq!(
            check_result(&observer, "ledger_guards_missing").await,
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

#[apply(on_each_backend)]
async fn import_that_removes_a_verifier_is_found_by_the_next_preflight(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    assert_eq!(
        check_result(&operator, "tier_b_without_verifier").await["status"],
        "PASS"
    );
    let unpaired = json!([{"dot_code": "DOT_BACKUP", "name": "n", "tier": "B"}, {"dot_code": VERIFIER, "name": "n", "tier": "A"}]);
    rows(&operator, &import(&unpaired).sql()).await;
    assert_eq!(
        check_result(&operator, "tier_b_without_verifier").await["status"],
        "WARN"
    );
}
