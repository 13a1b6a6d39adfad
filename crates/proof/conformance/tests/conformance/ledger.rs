//! The ledger is append-only and records the login of each row.

use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::common::backend::on_each_version;
use crate::common::forged_run::ExecutedRun;
use crate::common::{Backend, Call, Refusal, TestContext, contents, execute, rows};
use crate::events::switch;

/// What the contract calls the ledger, and the histories that say who allowed what.
const LEDGER: [&str; 11] = [
    "process_run_observation",
    "process_component_observation",
    "dot_invocation",
    "process_run_conclusion",
    "event_outbox",
    "dot_refusal",
    "dot_config_history",
    "dot_registry_history",
    "event_type_history",
    "process_output_event",
    "dot_lease_force_release",
];

/// A ledger with a row in every table, so that a change that is not refused would show.
async fn filled(stage: &TestContext) -> Client {
    let (superuser, operator, observer) = (
        stage.superuser().await,
        stage.client("operator").await,
        stage.client("observer").await,
    );
    rows(&operator, &switch("process.run.completed", true)).await;
    rows(
        &operator,
        &Call::gate("process_dot_runtime.execute_enabled", "false").sql(),
    )
    .await;
    rows(&observer, &Call::pair().sql()).await;
    rows(&observer, "SELECT dot.fn_dot_refusal_record('{\"refusal_code\": \"no_execute\", \"message\": \"m\"}')").await;
    rows(&observer, &Call::acquire(60).sql()).await;
    rows(
        &operator,
        &Call::new("fn_dot_lease_force_release")
            .text("p_lease_name", "dot_exec:DOT_BACKUP")
            .text("p_actor", "a")
            .text("p_reason", "r")
            .sql(),
    )
    .await;
    execute(&superuser, &ExecutedRun::truthful().sql()).await;
    execute(
        &superuser,
        "INSERT INTO dot.process_output_event (output_event_id, process_run_id, kind, output_ref, actor)
         SELECT gen_random_uuid(), r.process_run_id, 'pruned', 'x', 'a' FROM dot.process_run_observation r LIMIT 1",
    )
    .await;
    for table in LEDGER {
        let filled = rows(&superuser, &format!("SELECT 1 FROM dot.{table} LIMIT 1")).await;
        assert!(!filled.is_empty(), "{table} is empty");
    }
    superuser
}

/// Every way to change or remove rows that PostgreSQL has.
fn changes(table: &str) -> Vec<String> {
    let column = if table == "event_outbox" {
        "event_type"
    } else {
        "recorded_by"
    };
    vec![
        format!("UPDATE dot.{table} SET {column} = 'somebody'"),
        format!("UPDATE dot.{table} SET {column} = {column} WHERE false"),
        format!("DELETE FROM dot.{table}"),
        format!("DELETE FROM dot.{table} WHERE false"),
        format!("TRUNCATE dot.{table} CASCADE"),
        format!("MERGE INTO dot.{table} t USING (VALUES (1)) v ON true WHEN MATCHED THEN DELETE"),
        format!("WITH gone AS (DELETE FROM dot.{table} RETURNING 1) SELECT count(*) FROM gone"),
    ]
}

#[apply(on_each_version)]
async fn no_role_that_logs_in_changes_or_removes_a_row(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = filled(&stage).await;
    let before = contents(&superuser).await;
    let mut clients = vec![stage.installer().await];
    for role in [
        "reader", "observer", "runner", "operator", "relay", "archiver",
    ] {
        clients.push(stage.client(role).await);
    }
    for client in &clients {
        for table in LEDGER {
            for change in changes(table) {
                let error = client.batch_execute(&change).await.expect_err(&change);
                assert_eq!(error.code().unwrap().code(), "42501", "{change}: {error:?}");
            }
        }
    }
    contents(&superuser).await.assert_same(&before, "a role");
}

#[apply(on_each_version)]
async fn the_owner_is_refused_with_a_reason(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = filled(&stage).await;
    let before = contents(&superuser).await;
    // As far as a role can go: triggers that are not ENABLE ALWAYS would stay silent as on a replica.
    for replication_role in ["origin", "replica", "local"] {
        execute(&superuser, &format!("RESET ROLE; SET session_replication_role = '{replication_role}'; SET ROLE dot_owner")).await;
        for table in LEDGER {
            for change in changes(table) {
                let error = superuser.batch_execute(&change).await.expect_err(&change);
                let refusal = Refusal::of(&error);
                assert_eq!(
                    (refusal.code.as_str(), refusal.sqlstate.as_str()),
                    ("ledger_append_only", "23514"),
                    "{change} as {replication_role}"
                );
            }
        }
    }
    execute(&superuser, "RESET ROLE; RESET session_replication_role").await;
    contents(&superuser).await.assert_same(&before, "the owner");
}

#[apply(on_each_version)]
async fn the_owner_can_not_change_a_row_while_inserting_one(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = filled(&stage).await;
    execute(&superuser, "SET ROLE dot_owner").await;
    let upsert = "INSERT INTO dot.dot_refusal (refusal_id, refusal_code, message, posture) SELECT refusal_id, 'x', 'x', 'x' FROM dot.dot_refusal
                  ON CONFLICT (refusal_id) DO UPDATE SET message = 'rewritten'";
    assert_eq!(
        Refusal::of(&superuser.batch_execute(upsert).await.unwrap_err()).code,
        "ledger_append_only"
    );
}

#[apply(on_each_version)]
async fn checker_role_reads_the_ledger_but_cannot_write(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = filled(&stage).await;
    execute(&superuser, "SET ROLE dot_checker").await;
    for table in LEDGER {
        rows(&superuser, &format!("SELECT * FROM dot.{table}")).await;
        for change in changes(table) {
            let error = superuser.batch_execute(&change).await.expect_err(&change);
            assert_eq!(error.code().unwrap().code(), "42501", "{change}");
        }
    }
}

#[apply(on_each_version)]
async fn superuser_can_modify_ledger(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = filled(&stage).await;
    for table in LEDGER {
        execute(&superuser, &format!("DELETE FROM dot.{table} WHERE false")).await;
    }
}

#[apply(on_each_version)]
async fn only_the_owner_role_may_write_tables(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let tables = rows(
        &superuser,
        "SELECT relname FROM pg_class WHERE relnamespace = 'dot'::regnamespace AND relkind = 'r'",
    )
    .await;
    for role in [
        "reader", "observer", "runner", "operator", "relay", "archiver",
    ] {
        let client = stage.client(role).await;
        for table in &tables {
            let insert = format!(
                "INSERT INTO dot.{} DEFAULT VALUES",
                table["relname"].as_str().unwrap()
            );
            let error = client.batch_execute(&insert).await.expect_err(&insert);
            assert_eq!(error.code().unwrap().code(), "42501", "{role}: {insert}");
        }
    }
}

/// The session's login, not the actor that it names or the role that it set.
#[apply(on_each_version)]
async fn recorded_by_is_the_login_whatever_role_is_set(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let installer = stage.installer().await;
    execute(&installer, "SET ROLE dot_operator").await;
    rows(&installer, &switch("process.run.completed", true)).await;
    rows(
        &installer,
        &Call::gate("process_dot_runtime.execute_enabled", "false")
            .text("p_actor", "dot_owner")
            .sql(),
    )
    .await;
    execute(&installer, "SET ROLE dot_observer").await;
    rows(&installer, &Call::pair().text("p_actor", "postgres").sql()).await;
    rows(&installer, &Call::backfill(&json!([{"dot_code": "DOT_BACKUP", "process_candidate_code": "c", "correlation_id": "c", "recorded_by": "postgres"}])).sql()).await;
    rows(&installer, "SELECT dot.fn_dot_refusal_record('{\"refusal_code\": \"x\", \"message\": \"m\", \"recorded_by\": \"postgres\"}')").await;
    rows(&installer, &Call::acquire(60).sql()).await;
    execute(&installer, "SET ROLE dot_operator").await;
    rows(
        &installer,
        &Call::new("fn_dot_lease_force_release")
            .text("p_lease_name", "dot_exec:DOT_BACKUP")
            .text("p_actor", "a")
            .text("p_reason", "r")
            .sql(),
    )
    .await;
    for table in LEDGER.iter().filter(|table| {
        // The registry was set up by another login; that its history keeps the login is tested with the registry. Events of
        // outputs are tested with reverifications.
        ![
            "process_output_event",
            "dot_invocation",
            "process_run_conclusion",
            "event_outbox",
            "dot_registry_history",
        ]
        .contains(table)
    }) {
        let recorded = rows(
            &superuser,
            &format!("SELECT DISTINCT recorded_by FROM dot.{table}"),
        )
        .await;
        assert_eq!(
            recorded,
            [json!({"recorded_by": stage.database().owner()})] as [Value; 1],
            "{table}"
        );
    }
}
