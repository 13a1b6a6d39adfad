//! The order of gate changes, receipts and components. A closing takes effect at its commit. A receipt that a committed
//! closing did not see is void. A run that was concluded before the closing committed is unaffected.

use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::common::backend::on_each_version;
use crate::common::fixtures::set_posture;
use crate::common::run_calls::{Begun, begin, begun, ready};
use crate::common::{Backend, Call, ask, code, execute, number, row, rows, text, until, value};

const CLOSE: &str = "process_dot_runtime.real_run_enabled";

async fn whole_run(runner: &Client) -> Begun {
    let run = begun(runner, "REAL_RUN").await;
    rows(runner, &run.producer("REAL_RUN").sql()).await;
    let receipt = text(
        runner,
        &format!("SELECT ({})::text", run.invocation().sql()),
    )
    .await;
    rows(runner, &run.verifier("REAL_RUN", &receipt, "pass").sql()).await;
    rows(runner, &run.conclusion("completed").sql()).await;
    run
}

async fn rung(client: &Client) -> Value {
    let query = "SELECT candidate_status_v3 FROM dot.v_process_discovery_candidate_status_v3
        WHERE process_candidate_code = 'PROC-CAND:dot:backup'";
    value(client, query).await
}

async fn void_receipts(superuser: &Client) -> i64 {
    // A helper runs under the path of the function that calls it.
    execute(superuser, "SET search_path = dot, pg_temp").await;
    let void = "SELECT count(*) FROM dot.dot_invocation i WHERE dot.fn_dot_receipt_is_void(i.invocation_id)";
    number(superuser, void).await
}

/// An operator's transaction stays open behind the call. What is begun and concluded meanwhile came before the closing.
#[apply(on_each_version)]
async fn late_commit_of_a_closing_voids_no_run_concluded_before(backend: Backend) {
    let (stage, runner, _operator, superuser) = ready(backend).await;
    let mut closer = stage.client("operator").await;
    let mut idler = stage.client("runner").await;
    let idle = idler.transaction().await.unwrap();
    execute(&idle, "SAVEPOINT s").await;
    rows(&idle, &begin("REAL_RUN").sql()).await;
    execute(&idle, "ROLLBACK TO s").await;
    let closing = closer.transaction().await.unwrap();
    assert_eq!(
        text(&closing, &Call::gate(CLOSE, "false").sql()).await,
        "DRY_RUN_ONLY"
    );
    idle.rollback().await.unwrap();
    whole_run(&runner).await;
    closing.commit().await.unwrap();
    assert_eq!(rung(&runner).await, "verified_candidate");
    assert_eq!(void_receipts(&superuser).await, 0);
    assert_eq!(
        code(&runner, &begin("REAL_RUN").sql()).await,
        "real_run_disabled"
    );
    let change = row(
        &superuser,
        "SELECT saw_every_receipt, effective_at > changed_at AS later FROM dot.dot_config_history ORDER BY change_number DESC LIMIT 1",
    )
    .await;
    assert_eq!(change, json!({"saw_every_receipt": true, "later": true}));
}

/// The closing gives up waiting for an idle receipt and is not committed yet. Until it is, nothing is begun or bound
/// behind it.
#[apply(on_each_version)]
async fn closing_that_missed_a_receipt_blocks_begin_and_component_until_commit(backend: Backend) {
    let (stage, runner, operator, superuser) = ready(backend).await;
    let mut idler = stage.client("runner").await;
    let mut closer = stage.client("operator").await;
    let idle = idler.transaction().await.unwrap();
    let missed = begun(&idle, "REAL_RUN").await;
    let closing = closer.transaction().await.unwrap();
    rows(&closing, &Call::gate(CLOSE, "false").sql()).await;
    // As the commit does: the trigger waits a second for the idle receipt, and goes on without it.
    execute(&closing, "SET CONSTRAINTS ALL IMMEDIATE").await;
    idle.commit().await.unwrap();
    assert_eq!(
        code(&runner, &missed.producer("REAL_RUN").sql()).await,
        "busy"
    );
    let other = begin("REAL_RUN").text("p_dot_code", "DOT_COPY");
    let begun_meanwhile = ask(&runner, &other.sql()).await;
    assert!(begun_meanwhile.is_err(), "{begun_meanwhile:?}");
    closing.commit().await.unwrap();
    assert_eq!(
        code(&runner, &missed.producer("REAL_RUN").sql()).await,
        "invocation_mismatch",
        "the receipt is void"
    );
    assert_eq!(void_receipts(&superuser).await, 1);
    let shown = "SELECT s.state, r.evidence_type FROM dot.v_dot_invocation s JOIN dot.v_process_run r \
        ON r.process_run_id = s.process_run_id WHERE s.component_run_id IS NULL";
    for conclusion in [None, Some("cancelled")] {
        if let Some(status) = conclusion {
            rows(&runner, &missed.conclusion(status).sql()).await;
        }
        let row = runner.query_one(shown, &[]).await.unwrap();
        let (state, evidence): (String, String) = (row.get(0), row.get(1));
        assert_eq!((&*state, &*evidence), ("void", "SIMULATED_DRY_RUN"));
    }
    assert_eq!(rung(&runner).await, "structural_candidate");
    // What is begun after the gate was opened again counts.
    set_posture(&operator, "REAL_RUN").await;
    whole_run(&runner).await;
    assert_eq!(rung(&runner).await, "verified_candidate");
    assert_eq!(void_receipts(&superuser).await, 1);
}

#[apply(on_each_version)]
async fn closing_in_an_old_snapshot_voids_no_receipt(backend: Backend) {
    let (stage, runner, _operator, superuser) = ready(backend).await;
    let mut closer = stage.client("operator").await;
    for isolation in ["REPEATABLE READ", "SERIALIZABLE"] {
        let closing = closer.transaction().await.unwrap();
        execute(
            &closing,
            &format!("SET TRANSACTION ISOLATION LEVEL {isolation}"),
        )
        .await;
        rows(&closing, "SELECT count(*) FROM dot.v_dot_gate").await;
        whole_run(&runner).await;
        // Either is right: refused, or in effect without voiding what was done.
        let closed = ask(&closing, &Call::gate(CLOSE, "true").sql()).await;
        if closed.is_ok() {
            closing.commit().await.unwrap();
        } else {
            closing.rollback().await.unwrap();
        }
        assert_eq!(void_receipts(&superuser).await, 0);
        assert_eq!(rung(&runner).await, "verified_candidate");
    }
}

#[apply(on_each_version)]
async fn gate_change_in_an_old_snapshot_of_the_gates_is_refused(backend: Backend) {
    let (stage, _runner, operator, _superuser) = ready(backend).await;
    let mut closer = stage.client("operator").await;
    let closing = closer.transaction().await.unwrap();
    execute(&closing, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").await;
    rows(&closing, "SELECT count(*) FROM dot.v_dot_gate").await;
    rows(
        &operator,
        &Call::gate("process_dot_runtime.dry_run_only", "true").sql(),
    )
    .await;
    let error = ask(&closing, &Call::gate(CLOSE, "false").sql())
        .await
        .unwrap_err();
    assert_eq!(crate::common::Refusal::of(&error).code, "snapshot_too_old");
}

/// Every change has a number, without a gap, in the order of commits; and the time that the gate bears.
#[apply(on_each_version)]
async fn gate_changes_are_numbered_without_a_gap(backend: Backend) {
    let (stage, _runner, operator, superuser) = ready(backend).await;
    let operators = stage.clients("operator", 4).await;
    let first = number(
        &superuser,
        "SELECT max(change_number) FROM dot.dot_config_history",
    )
    .await;
    let change = |number: usize| {
        Call::gate(
            CLOSE,
            if number.is_multiple_of(2) {
                "true"
            } else {
                "false"
            },
        )
        .sql()
    };
    for round in 0..5 {
        let calls = operators.iter().enumerate().map(|(n, client)| {
            let call = change(n + round);
            async move { ask(client, &call).await }
        });
        futures_util::future::join_all(calls).await;
    }
    rows(&operator, &change(0)).await;
    let counted = row(
        &superuser,
        &format!(
            "SELECT count(*) = max(change_number) - {first} AS gapless,
               max(change_number) = (SELECT change_number FROM dot.dot_gate_state) AS newest
             FROM dot.dot_config_history WHERE change_number > {first}"
        ),
    )
    .await;
    assert_eq!(counted, json!({"gapless": true, "newest": true}));
    let agree = "SELECT count(*) FROM dot.dot_config c WHERE (c.value, c.updated_at) IS DISTINCT FROM
        (SELECT (h.value, h.changed_at) FROM dot.dot_config_history h WHERE h.key = c.key ORDER BY h.change_number DESC LIMIT 1)
        AND EXISTS (SELECT FROM dot.dot_config_history h WHERE h.key = c.key)";
    assert_eq!(
        number(&superuser, agree).await,
        0,
        "gate and history disagree"
    );
}

/// A gate expires while the beginning waits for a transaction that has just used its id: no receipt is written by the
/// old look.
#[apply(on_each_version)]
async fn begin_reads_the_gates_after_its_last_wait(backend: Backend) {
    let (stage, runner, operator, superuser) = ready(backend).await;
    let mut twin = stage.client("runner").await;
    let id = "'00000000-0000-7000-8000-0000000000f1'";
    let other = begin("REAL_RUN").with("p_process_run_id", id);
    let header = Call::run().with("p_process_run_id", id).sql();
    let in_flight = twin.transaction().await.unwrap();
    rows(&in_flight, &header).await;
    let expiring =
        Call::gate(CLOSE, "true").with("p_expires_at", "clock_timestamp() + interval '1 second'");
    rows(&operator, &expiring.sql()).await;
    let expired = format!("SELECT count(*) FROM dot.v_dot_gate WHERE key = '{CLOSE}' AND NOT live");
    let other = other.sql();
    let (refused, ()) = tokio::join!(ask(&runner, &other), async {
        crate::common::lock_waiters(&superuser, 1).await;
        until(&superuser, &expired, 1).await;
        in_flight.rollback().await.unwrap();
    });
    let refused = crate::common::Refusal::of(&refused.unwrap_err()).code;
    assert_eq!(refused, "real_run_disabled");
    assert_eq!(
        number(&superuser, "SELECT count(*) FROM dot.dot_invocation").await,
        0
    );
}

#[apply(on_each_version)]
async fn begin_waiting_for_the_same_key_times_out_as_busy(backend: Backend) {
    let (stage, runner, _operator, superuser) = ready(backend).await;
    let mut twin = stage.client("runner").await;
    let id = "'00000000-0000-7000-8000-0000000000f2'";
    let in_flight = twin.transaction().await.unwrap();
    rows(&in_flight, &Call::run().with("p_process_run_id", id).sql()).await;
    for call in [begin("REAL_RUN"), Call::pair(), Call::run()] {
        let call = call.with("p_process_run_id", id).sql();
        assert_eq!(code(&runner, &call).await, "busy", "{call}");
    }
    in_flight.rollback().await.unwrap();
    assert_eq!(
        number(
            &superuser,
            "SELECT count(*) FROM dot.process_run_observation"
        )
        .await,
        0
    );
}

/// REPEATABLE READ with an old snapshot: what decides was changed since.
#[apply(on_each_version)]
async fn snapshot_older_than_a_registry_change_begins_no_run(backend: Backend) {
    let (stage, runner, operator, superuser) = ready(backend).await;
    // Answers stay remembered, so that only the registry is between the snapshot and now.
    execute(
        &superuser,
        "UPDATE dot.dot_preflight_check SET max_age = '1 hour'",
    )
    .await;
    rows(&runner, &Call::pair().sql()).await;
    let mut old = stage.client("runner").await;
    let contract = |status: &str| {
        format!(
            "SELECT dot.fn_dot_contract_set('{{\"dot_code\":\"DOT_BACKUP\",\"mode\":\"REAL_RUN\",\"endpoint_ref\":\"command:x\",
               \"contract_status\":\"{status}\"}}', 'operator')"
        )
    };
    let changes = [
        contract("retired"),
        "SELECT dot.fn_event_type_set_active('process.run.started', false, 'operator', 'off')::text".to_owned(),
    ];
    rows(
        &operator,
        "SELECT dot.fn_event_type_set_active('process.run.started', true, 'operator', 'on')::text",
    )
    .await;
    for change in &changes {
        let transaction = old.transaction().await.unwrap();
        execute(
            &transaction,
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        )
        .await;
        rows(&transaction, "SELECT count(*) FROM dot.v_dot_gate").await;
        rows(&operator, change).await;
        for call in [
            begin("REAL_RUN").sql(),
            Call::pair().sql(),
            Call::run().sql(),
        ] {
            execute(&transaction, "SAVEPOINT s").await;
            let error = ask(&transaction, &call).await.unwrap_err();
            assert_eq!(error.code().unwrap().code(), "40001", "{call}: {error:?}");
            execute(&transaction, "ROLLBACK TO s").await;
        }
        transaction.rollback().await.unwrap();
        rows(&operator, &contract("active")).await;
    }
    assert_eq!(
        number(&superuser, "SELECT count(*) FROM dot.dot_invocation").await,
        0
    );
}

/// A gate change takes effect at commit, also for its own transaction. Otherwise a run could begin under gates that
/// were never visible as open.
#[apply(on_each_version)]
async fn gates_opened_in_the_same_transaction_allow_no_begin(backend: Backend) {
    let (_stage, runner, operator, mut superuser) = ready(backend).await;
    whole_run(&runner).await;
    set_posture(&operator, "NO_EXECUTE").await;
    for at_once in ["SELECT 1", "SET CONSTRAINTS ALL IMMEDIATE"] {
        let transaction = superuser.transaction().await.unwrap();
        for (key, value) in [
            ("iu_core.operator_runtime_enabled", "true"),
            ("process_dot_runtime.execute_enabled", "true"),
            ("process_dot_runtime.dry_run_only", "false"),
            (CLOSE, "true"),
        ] {
            rows(&transaction, &Call::gate(key, value).sql()).await;
        }
        execute(&transaction, at_once).await;
        assert_eq!(
            code(&transaction, &begin("REAL_RUN").sql()).await,
            "busy",
            "{at_once}"
        );
        transaction.rollback().await.unwrap();
    }
    // Committed, they do; also in a later transaction that began before the change did.
    set_posture(&operator, "REAL_RUN").await;
    assert_eq!(rows(&runner, &begin("REAL_RUN").sql()).await.len(), 1);
}

/// A closing that shares its transaction with a receipt did not see that receipt committed.
#[apply(on_each_version)]
async fn receipt_of_the_transaction_that_closes_the_gate_is_void(backend: Backend) {
    let (_stage, runner, operator, mut superuser) = ready(backend).await;
    whole_run(&runner).await;
    assert_eq!(void_receipts(&superuser).await, 0);
    let transaction = superuser.transaction().await.unwrap();
    rows(&transaction, &begin("REAL_RUN").sql()).await;
    // A later transaction commits meanwhile: the snapshot of the closing then lies behind its own transaction.
    execute(&operator, "SELECT pg_current_xact_id()").await;
    rows(&transaction, &Call::gate(CLOSE, "false").sql()).await;
    transaction.commit().await.unwrap();
    assert_eq!(void_receipts(&superuser).await, 1);
}

/// A change that was rolled back leaves a mark on the row of the gates' state, and nothing else.
#[apply(on_each_version)]
async fn gate_change_that_was_rolled_back_keeps_no_run_from_beginning(backend: Backend) {
    let (stage, runner, _operator, superuser) = ready(backend).await;
    whole_run(&runner).await;
    let mut operator = stage.client("operator").await;
    let transaction = operator.transaction().await.unwrap();
    execute(&transaction, "SAVEPOINT before").await;
    rows(&transaction, &Call::gate(CLOSE, "false").sql()).await;
    execute(
        &transaction,
        "SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK TO before",
    )
    .await;
    transaction.commit().await.unwrap();
    assert_eq!(
        number(
            &superuser,
            "SELECT count(*) FROM dot.dot_gate_state WHERE xmax <> '0'"
        )
        .await,
        1
    );
    assert_eq!(rows(&runner, &begin("REAL_RUN").sql()).await.len(), 1);
}
