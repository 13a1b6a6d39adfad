//! The effects of a login's default isolation level.

use std::time::Duration;

use dotwrap_testkit::TestDatabase;
use dotwrap_wrapper::{GateSetting, RefusalCode, gate};
use tokio_postgres::Client;

use crate::support::{CANDIDATE, code, count, installed, wrapper_as};

/// A superuser's session of a database whose sessions are in REPEATABLE READ from here on.
async fn repeatable_read(database: &TestDatabase) -> Client {
    let superuser = database.superuser().await;
    let set = format!(
        "ALTER DATABASE \"{}\" SET default_transaction_isolation = 'repeatable read'",
        database.name()
    );
    superuser.batch_execute(&set).await.unwrap();
    superuser
}

#[tokio::test]
async fn gate_is_changed_past_an_open_receipt_whatever_the_logins_isolation() {
    let (database, _wrapper) = installed().await;
    let superuser = repeatable_read(&database).await;
    let operator = wrapper_as(&database, "dot_operator").await;
    // The lock of a receipt whose transaction idles.
    let receipt = "BEGIN; LOCK TABLE dot.dot_gate_state IN ROW SHARE MODE";
    superuser.batch_execute(receipt).await.unwrap();
    let closing = GateSetting::new(gate::REAL_RUN_ENABLED, false, "a test");
    operator.set_gate(&closing).await.unwrap();
    superuser.batch_execute("ROLLBACK").await.unwrap();
    // What is refused in between leaves the connection usable.
    let unknown = GateSetting::new("no gate", false, "a test");
    assert_eq!(
        code(operator.set_gate(&unknown).await),
        RefusalCode::GateUnknown
    );
    operator.set_gate(&closing).await.unwrap();
    let changes = "SELECT count(*) FROM dot.dot_config_history WHERE NOT saw_every_receipt";
    assert_eq!(count(&superuser, changes).await, 1);
}

#[tokio::test]
async fn snapshot_that_is_too_old_is_a_refusal() {
    let (database, _wrapper) = installed().await;
    let superuser = repeatable_read(&database).await;
    let operator = wrapper_as(&database, "dot_operator").await;
    let change = "BEGIN; UPDATE dot.dot_registry_state SET change_number = change_number + 1";
    superuser.batch_execute(change).await.unwrap();
    let candidate = CANDIDATE.into();
    let (outcome, ()) = tokio::join!(
        operator.set_candidate(&candidate, None, None, None),
        async {
            let waiting = "SELECT count(*) FROM pg_stat_activity a
                WHERE a.datname = current_database() AND a.wait_event_type = 'Lock'";
            let observer = database.superuser().await;
            while count(&observer, waiting).await == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            superuser.batch_execute("COMMIT").await.unwrap();
        }
    );
    assert_eq!(code(outcome), RefusalCode::SnapshotTooOld);
}
