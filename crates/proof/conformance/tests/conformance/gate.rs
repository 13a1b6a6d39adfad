//! GATE 1: the gates and the resulting posture.

use std::time::Duration;

use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{GATES, set_posture};
use crate::common::{Backend, Call, TestContext, execute, lock_waiters, row, rows, text, value};

const POSTURE: &str = "SELECT dot.fn_process_dot_posture()";
const ENABLED: &str = "SELECT dot.fn_dot_iu_operator_runtime_enabled()";

#[apply(on_each_backend)]
async fn all_gates_are_closed_by_default(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let reader = stage.client("reader").await;
    assert_eq!(value(&reader, POSTURE).await, "NO_EXECUTE");
    assert_eq!(value(&reader, ENABLED).await, false);
    let gates = rows(
        &reader,
        "SELECT key, value, expires_at, live, open FROM dot.v_dot_gate ORDER BY key",
    )
    .await;
    let says = |key: &str, value: &str| json!({"key": key, "value": value, "expires_at": null, "live": true, "open": false});
    assert_eq!(
        gates,
        [
            says(GATES[0], "false"),
            says(GATES[2], "true"),
            says(GATES[1], "false"),
            says(GATES[3], "false")
        ]
    );
}

/// What a gate can be in: each of these for each of the four.
const STATES: [&str; 5] = ["true", "false", "missing", "malformed", "expired"];

/// The posture by the contract's own words, of the four gates' states.
fn expected_posture(operator: &str, execute: &str, brake: &str, real: &str) -> &'static str {
    // 'expired' is a gate that said what would open it.
    let runs = operator == "true" && execute == "true";
    if runs && real == "true" && brake == "false" {
        "REAL_RUN"
    } else if runs {
        "DRY_RUN_ONLY"
    } else {
        "NO_EXECUTE"
    }
}

#[apply(on_each_version)]
async fn the_posture_follows_from_every_combination_of_gates(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    execute(
        &superuser,
        "CREATE FUNCTION pg_temp.put(p_key text, p_state text) RETURNS void LANGUAGE sql AS $$
           DELETE FROM dot.dot_config WHERE key = p_key;
           INSERT INTO dot.dot_config (key, value, expires_at, updated_by, reason)
           SELECT p_key,
             CASE p_state WHEN 'malformed' THEN CASE WHEN p_key LIKE '%dry_run_only' THEN 'FALSE' ELSE 'TRUE' END
                          WHEN 'expired' THEN CASE WHEN p_key LIKE '%dry_run_only' THEN 'false' ELSE 'true' END
                          ELSE p_state END,
             CASE p_state WHEN 'expired' THEN clock_timestamp() - interval '1 millisecond' END, 'test', 'test'
           WHERE p_state <> 'missing';
         $$;
         CREATE FUNCTION pg_temp.every_combination(p_states text[])
         RETURNS TABLE (operator text, executes text, brake text, actual_run text, posture text, enabled boolean) LANGUAGE plpgsql AS $$
         BEGIN
           FOREACH operator IN ARRAY p_states LOOP PERFORM pg_temp.put('iu_core.operator_runtime_enabled', operator);
           FOREACH executes IN ARRAY p_states LOOP PERFORM pg_temp.put('process_dot_runtime.execute_enabled', executes);
           FOREACH brake IN ARRAY p_states LOOP PERFORM pg_temp.put('process_dot_runtime.dry_run_only', brake);
           FOREACH actual_run IN ARRAY p_states LOOP PERFORM pg_temp.put('process_dot_runtime.real_run_enabled', actual_run);
             posture := dot.fn_process_dot_posture();
             enabled := dot.fn_dot_iu_operator_runtime_enabled();
             RETURN NEXT;
           END LOOP; END LOOP; END LOOP; END LOOP;
         END;
         $$;",
    )
    .await;
    let combinations = rows(
        &superuser,
        &format!(
            "SELECT * FROM pg_temp.every_combination('{{{}}}')",
            STATES.join(",")
        ),
    )
    .await;
    assert_eq!(combinations.len(), 625);
    let said = |row: &Value, gate: &str| row[gate].as_str().unwrap().to_owned();
    for row in &combinations {
        let (operator, execute) = (said(row, "operator"), said(row, "executes"));
        let posture = expected_posture(
            &operator,
            &execute,
            &said(row, "brake"),
            &said(row, "actual_run"),
        );
        assert_eq!(row["posture"], posture, "{row}");
        assert_eq!(row["enabled"], operator == "true", "{row}");
    }
    assert_eq!(
        combinations
            .iter()
            .filter(|row| row["posture"] == "REAL_RUN")
            .count(),
        1,
        "one combination alone is real"
    );
}

#[apply(on_each_version)]
async fn only_the_exact_words_open_a_gate(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, operator) = (stage.superuser().await, stage.client("operator").await);
    for gate in GATES {
        let opens = if gate.ends_with("dry_run_only") {
            "false"
        } else {
            "true"
        };
        for wrong in [
            opens.to_uppercase(),
            format!(" {opens}"),
            format!("{opens} "),
            format!("{opens}\n"),
            "1".into(),
            "0".into(),
            "t".into(),
            "f".into(),
            "on".into(),
            "off".into(),
            "yes".into(),
            "no".into(),
            String::new(),
            "\u{feff}true".into(),
            "ｔｒｕｅ".into(),
        ] {
            set_posture(&operator, "REAL_RUN").await;
            superuser
                .execute(
                    "UPDATE dot.dot_config SET value = $1 WHERE key = $2",
                    &[&wrong, &gate],
                )
                .await
                .unwrap();
            assert_ne!(
                value(&operator, POSTURE).await,
                "REAL_RUN",
                "{gate} says {wrong:?}"
            );
            let shown = row(
                &operator,
                &format!("SELECT value, open FROM dot.v_dot_gate WHERE key = '{gate}'"),
            )
            .await;
            assert_eq!(shown, json!({"value": wrong, "open": false}));
        }
    }
}

#[apply(on_each_version)]
async fn a_missing_gate_is_shown_as_closed(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    execute(&superuser, "DELETE FROM dot.dot_config").await;
    assert_eq!(value(&superuser, POSTURE).await, "NO_EXECUTE");
    let gates = rows(&superuser, "SELECT value, live, open FROM dot.v_dot_gate").await;
    assert_eq!(
        gates,
        vec![json!({"value": null, "live": false, "open": false}); 4]
    );
}

/// Opens all gates, this one for a second only, and returns the posture before and after that second.
async fn around_expiry(operator: &Client, gate: &str) -> (Value, Value) {
    set_posture(operator, "REAL_RUN").await;
    let opens = if gate.ends_with("dry_run_only") {
        "false"
    } else {
        "true"
    };
    let before = value(
        operator,
        &Call::gate(gate, opens)
            .with("p_expires_at", "clock_timestamp() + interval '1 second'")
            .sql(),
    )
    .await;
    rows(operator, "SELECT pg_sleep(1.05)").await;
    (before, value(operator, POSTURE).await)
}

#[apply(on_each_backend)]
async fn an_opened_gate_closes_by_itself_when_it_expires(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    for (gate, after) in
        GATES
            .iter()
            .zip(["NO_EXECUTE", "NO_EXECUTE", "DRY_RUN_ONLY", "DRY_RUN_ONLY"])
    {
        assert_eq!(
            around_expiry(&operator, gate).await,
            (json!("REAL_RUN"), json!(after)),
            "{gate}"
        );
        let shown = row(
            &operator,
            &format!("SELECT live, open FROM dot.v_dot_gate WHERE key = '{gate}'"),
        )
        .await;
        assert_eq!(shown, json!({"live": false, "open": false}));
    }
}

#[apply(on_each_backend)]
async fn a_gate_with_an_expiry_ahead_is_open_until_then(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    for (gate, opens) in GATES.iter().zip(["true", "true", "false", "true"]) {
        let open =
            Call::gate(gate, opens).with("p_expires_at", "clock_timestamp() + interval '1 hour'");
        rows(&operator, &open.sql()).await;
    }
    assert_eq!(value(&operator, POSTURE).await, "REAL_RUN");
    assert_eq!(
        value(
            &operator,
            "SELECT bool_and(open AND live AND expires_at > clock_timestamp()) FROM dot.v_dot_gate"
        )
        .await,
        true
    );
}

#[apply(on_each_backend)]
async fn a_transaction_that_began_before_the_expiry_sees_the_gate_closed(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    let mut reader = stage.client("reader").await;
    set_posture(&operator, "DRY_RUN_ONLY").await;
    rows(
        &operator,
        &Call::gate(GATES[0], "true")
            .with("p_expires_at", "clock_timestamp() + interval '1 second'")
            .sql(),
    )
    .await;
    let transaction = reader.transaction().await.unwrap();
    assert_eq!(value(&transaction, POSTURE).await, "DRY_RUN_ONLY");
    rows(&transaction, "SELECT pg_sleep(1.05)").await;
    assert_eq!(value(&transaction, "SELECT expires_at > now() FROM dot.v_dot_gate WHERE key = 'iu_core.operator_runtime_enabled'").await, true, "by now() it is open still");
    assert_eq!(value(&transaction, POSTURE).await, "NO_EXECUTE");
    assert_eq!(value(&transaction, ENABLED).await, false);
}

#[apply(on_each_backend)]
async fn every_gate_change_is_recorded_with_actor_reason_and_session_user(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    let opened = Call::gate(GATES[1], "true")
        .text("p_actor", "ann")
        .text("p_reason", "rehearsal")
        .with("p_expires_at", "'2100-01-01T00:00:00Z'");
    rows(&operator, &opened.sql()).await;
    rows(
        &operator,
        &Call::gate(GATES[1], "false")
            .text("p_actor", "bob")
            .text("p_reason", "done")
            .sql(),
    )
    .await;
    let history = rows(&operator, "SELECT key, value, expires_at, actor, reason, recorded_by FROM dot.v_dot_gate_history ORDER BY changed_at").await;
    let change = |value: &str, expires_at: Value, actor: &str, reason: &str| json!({"key": GATES[1], "value": value, "expires_at": expires_at, "actor": actor, "reason": reason, "recorded_by": "dot_operator"});
    assert_eq!(
        history,
        [
            change(
                "true",
                json!("2100-01-01T00:00:00+00:00"),
                "ann",
                "rehearsal"
            ),
            change("false", Value::Null, "bob", "done")
        ]
    );
    let config = row(&operator, "SELECT value, expires_at, updated_by, reason FROM dot.v_dot_gate WHERE key = 'process_dot_runtime.execute_enabled'").await;
    assert_eq!(
        config,
        json!({"value": "false", "expires_at": null, "updated_by": "bob", "reason": "done"})
    );
    let first_is_seen_by_second = "SELECT pg_visible_in_snapshot(a.change_xid, b.snapshot) FROM dot.dot_config_history a, dot.dot_config_history b WHERE a.actor = 'ann' AND b.actor = 'bob'";
    assert_eq!(value(&superuser, first_is_seen_by_second).await, true);
}

/// As the functions that open a receipt do it. Returns the transaction's id.
async fn hold_as_a_receipt(receipt: &tokio_postgres::Transaction<'_>) -> String {
    execute(receipt, "LOCK TABLE dot.dot_gate_state IN ROW SHARE MODE").await;
    text(receipt, "SELECT pg_current_xact_id()::text").await
}

/// Whether the last change of a gate saw this transaction as committed: because it waited for every receipt, or by its
/// snapshot.
async fn last_change_saw(superuser: &Client, xid: &str) -> Value {
    value(
        superuser,
        &format!(
            "SELECT h.saw_every_receipt OR pg_visible_in_snapshot('{xid}', h.snapshot)
             FROM dot.dot_config_history h ORDER BY h.change_number DESC LIMIT 1"
        ),
    )
    .await
}

#[apply(on_each_backend)]
async fn closing_a_gate_commits_although_a_receipt_is_still_being_written(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    set_posture(&operator, "DRY_RUN_ONLY").await;
    let mut runner = stage.superuser().await;
    let receipt = runner.transaction().await.unwrap();
    let xid = hold_as_a_receipt(&receipt).await;
    // Returns, while the receipt's transaction stays open: after the second that the contract gives it.
    assert_eq!(
        text(&operator, &Call::gate(GATES[0], "false").sql()).await,
        "NO_EXECUTE"
    );
    receipt.commit().await.unwrap();
    assert_eq!(last_change_saw(&superuser, &xid).await, false);
    assert_eq!(value(&operator, POSTURE).await, "NO_EXECUTE");
}

#[apply(on_each_backend)]
async fn closing_a_gate_sees_the_receipt_that_it_waited_for(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    set_posture(&operator, "DRY_RUN_ONLY").await;
    // Under a loaded machine the second may pass before the receipt commits; then this was not the case under test.
    for _ in 0..5 {
        let mut runner = stage.superuser().await;
        let receipt = runner.transaction().await.unwrap();
        let xid = hold_as_a_receipt(&receipt).await;
        let close = Call::gate(GATES[0], "false").sql();
        let closing = text(&operator, &close);
        let committing = async {
            lock_waiters(&superuser, 1).await;
            receipt.commit().await.unwrap();
        };
        tokio::join!(closing, committing);
        if last_change_saw(&superuser, &xid).await == true {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the change never saw the receipt that it waited for");
}

#[apply(on_each_version)]
async fn rolled_back_gate_change_has_no_effect(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let mut operator = stage.client("operator").await;
    let transaction = operator.transaction().await.unwrap();
    for gate in &GATES[..2] {
        rows(&transaction, &Call::gate(gate, "true").sql()).await;
    }
    assert_eq!(value(&transaction, POSTURE).await, "DRY_RUN_ONLY");
    transaction.rollback().await.unwrap();
    assert_eq!(value(&operator, POSTURE).await, "NO_EXECUTE");
    assert!(
        rows(&operator, "SELECT * FROM dot.v_dot_gate_history")
            .await
            .is_empty()
    );
}
