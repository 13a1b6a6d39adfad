//! A runner's open transaction prevents no gate from closing, whatever the login's default isolation level.

use rstest_reuse::apply;

use crate::common::backend::on_each_version;
use crate::common::run_calls::{begin, ready};
use crate::common::{Backend, Call, execute, refused, rows, text};

const REAL_RUN: &str = "process_dot_runtime.real_run_enabled";

#[apply(on_each_version)]
async fn closing_in_read_uncommitted_goes_on_past_an_idle_receipt(backend: Backend) {
    let (stage, mut runner, operator, superuser) = ready(backend).await;
    let open = runner.transaction().await.unwrap();
    rows(&open, &begin("REAL_RUN").sql()).await;
    execute(
        &operator,
        "SET default_transaction_isolation = 'read uncommitted'",
    )
    .await;
    let close = Call::gate(REAL_RUN, "false").sql();
    assert_eq!(text(&operator, &close).await, "DRY_RUN_ONLY");
    open.commit().await.unwrap();
    let seen = "SELECT saw_every_receipt::text FROM dot.dot_config_history ORDER BY change_number DESC LIMIT 1";
    assert_eq!(text(&superuser, seen).await, "false");
    // Receipts and batches work there as in READ COMMITTED.
    let other = stage.client("runner").await;
    execute(
        &other,
        "SET default_transaction_isolation = 'read uncommitted'",
    )
    .await;
    rows(&operator, &Call::gate(REAL_RUN, "true").sql()).await;
    let next = begin("REAL_RUN").text("p_dot_code", "DOT_COPY");
    assert_eq!(refused(&other, &next.sql()).await.code, "contract_missing");
}

/// At the commit it would be too late to say how to go on.
#[apply(on_each_version)]
async fn closing_in_an_older_snapshot_is_refused_at_once_while_a_receipt_is_written(
    backend: Backend,
) {
    let (_stage, mut runner, mut operator, _superuser) = ready(backend).await;
    let open = runner.transaction().await.unwrap();
    rows(&open, &begin("REAL_RUN").sql()).await;
    let close = Call::gate(REAL_RUN, "false").sql();
    for isolation in ["REPEATABLE READ", "SERIALIZABLE"] {
        let changing = operator.transaction().await.unwrap();
        execute(
            &changing,
            &format!("SET TRANSACTION ISOLATION LEVEL {isolation}"),
        )
        .await;
        let refusal = refused(&changing, &close).await;
        assert_eq!(refusal.code, "snapshot_too_old");
        assert!(
            refusal.message.contains("READ COMMITTED"),
            "{}",
            refusal.message
        );
        changing.rollback().await.unwrap();
    }
    open.rollback().await.unwrap();
    let changing = operator.transaction().await.unwrap();
    execute(&changing, "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE").await;
    rows(&changing, &close).await;
    changing.commit().await.unwrap();
}
