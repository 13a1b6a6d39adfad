//! Long and waiting transactions: an acquisition reads the clock after its wait, not at the transaction's start.

use rstest_reuse::apply;
use serde_json::Value;

use super::calls::{acquire, release, renew};
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::{Backend, Call, TestContext, execute, lock_waiters, rows, value};

#[apply(on_each_backend)]
async fn a_transaction_that_began_before_the_release_gets_the_lease(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let holder = stage.client("observer").await;
    let mut waiter = stage.client("observer").await;
    let token = acquire(&holder, 60).await;
    let transaction = waiter.transaction().await.unwrap();
    assert_eq!(acquire(&transaction, 60).await, "");
    release(&holder, &token).await;
    assert!(
        !acquire(&transaction, 60).await.is_empty(),
        "expiry was compared with the transaction's start"
    );
    transaction.commit().await.unwrap();
}

#[apply(on_each_backend)]
async fn a_transaction_that_began_before_the_expiry_takes_the_lease_over(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let holder = stage.client("observer").await;
    let mut waiter = stage.client("observer").await;
    acquire(&holder, 1).await;
    let transaction = waiter.transaction().await.unwrap();
    assert_eq!(acquire(&transaction, 60).await, "");
    rows(&holder, "SELECT pg_sleep(1.05)").await;
    assert_eq!(
        value(
            &transaction,
            "SELECT bool_and(expires_at > now()) FROM dot.v_dot_lease"
        )
        .await,
        true,
        "not expired by now()"
    );
    assert!(!acquire(&transaction, 60).await.is_empty());
    transaction.commit().await.unwrap();
}

#[apply(on_each_backend)]
async fn a_waiter_does_not_get_a_lease_that_was_taken_while_it_waited(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let (mut holder, mut waiter) = (
        stage.client("observer").await,
        stage.client("observer").await,
    );
    // Its transaction, and so its now(), is older than the lease.
    let waiting = waiter.transaction().await.unwrap();
    rows(&waiting, "SELECT now()").await;
    let taking = holder.transaction().await.unwrap();
    acquire(&taking, 60).await;
    let (got, ()) = tokio::join!(acquire(&waiting, 60), async {
        lock_waiters(&superuser, 1).await;
        taking.commit().await.unwrap();
    });
    assert_eq!(got, "", "two hold the lease");
}

#[apply(on_each_backend)]
async fn a_waiter_gets_the_lease_that_was_given_back_while_it_waited(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let (mut holder, mut waiter) = (
        stage.client("observer").await,
        stage.client("observer").await,
    );
    let waiting = waiter.transaction().await.unwrap();
    rows(&waiting, "SELECT now()").await;
    let taking = holder.transaction().await.unwrap();
    let token = acquire(&taking, 60).await;
    assert_eq!(release(&taking, &token).await, true);
    let (got, ()) = tokio::join!(acquire(&waiting, 60), async {
        lock_waiters(&superuser, 1).await;
        taking.commit().await.unwrap();
    });
    assert!(
        !got.is_empty(),
        "expiry was compared with a time before the wait"
    );
}

#[apply(on_each_version)]
async fn repeatable_read_transaction_gets_no_second_token(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (mut old, holder) = (
        stage.client("observer").await,
        stage.client("observer").await,
    );
    let transaction = old
        .build_transaction()
        .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
        .start()
        .await
        .unwrap();
    rows(&transaction, "SELECT 1 AS snapshot").await;
    let token = acquire(&holder, 60).await;
    // The snapshot does not show the lease. The call may fail, but must not return a second token.
    if let Ok(rows) = crate::common::ask(&transaction, &Call::acquire(60).sql()).await {
        assert_eq!(rows[0]["fn_dot_iu_runtime_lease_acquire"], Value::Null);
    }
    transaction.rollback().await.unwrap();
    assert_eq!(renew(&holder, &token).await, true);
    execute(&holder, "SELECT 1").await;
}
