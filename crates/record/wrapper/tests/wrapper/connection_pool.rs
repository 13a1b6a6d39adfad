//! Cancelled calls, lost connections and an exhausted pool.

use std::time::Duration;

use dotwrap_wrapper::{Error, RefusalCode, Retry};

use crate::support::{
    SLEEPING_SESSIONS, builder, call, count, installed, register_check, register_hanging_check,
    row_count, until,
};

#[tokio::test]
async fn a_check_that_hangs_is_cancelled_and_the_next_call_is_not_held_up() {
    let (database, wrapper) = installed().await;
    register_hanging_check(&database, &wrapper).await;
    let hurried = builder(&database)
        .call_timeout(Duration::from_millis(300))
        .connections(1)
        .build()
        .await
        .unwrap();
    // The cancellation ends the check without a result, and the refusal names the check.
    let error = hurried.observe_pair(&call()).await.unwrap_err();
    let refusal = error.refusal().unwrap_or_else(|| panic!("{error:?}"));
    assert_eq!(refusal.code, RefusalCode::PreflightBlocked, "{error:?}");
    assert!(refusal.message.contains("hangs (no answer)"), "{refusal:?}");
    hurried.posture().await.unwrap();
    let superuser = database.superuser().await;
    let hanging = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                   AND state = 'active' AND pid <> pg_backend_pid() AND query LIKE '%fn_process_pair_observe%'";
    assert_eq!(count(&superuser, hanging).await, 0);
    assert_eq!(row_count(&superuser, "process_run_observation").await, 0);
}

#[tokio::test]
async fn dropped_call_is_cancelled_and_frees_its_connection() {
    let (database, wrapper) = installed().await;
    register_hanging_check(&database, &wrapper).await;
    let narrow = builder(&database).connections(1).build().await.unwrap();
    let given_up = tokio::spawn({
        let narrow = narrow.clone();
        async move { narrow.observe_pair(&call()).await }
    });
    let superuser = database.superuser().await;
    until(&superuser, SLEEPING_SESSIONS, |sleeping| sleeping > 0).await;
    given_up.abort();
    narrow.posture().await.unwrap();
    // Without the cancellation it would sleep for ten minutes.
    until(&superuser, SLEEPING_SESSIONS, |sleeping| sleeping == 0).await;
}

#[tokio::test]
async fn lost_connection_is_retried_for_idempotent_calls() {
    let (database, _wrapper) = installed().await;
    let patient = builder(&database)
        .connections(1)
        .retry(Retry::idempotent_calls(3, Duration::from_millis(20)))
        .build()
        .await
        .unwrap();
    let superuser = database.superuser().await;
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'dotwrap'";
    for round in 0..5 {
        let keyed = call().idempotency_key(format!("key-{round}"));
        patient.observe_pair(&keyed).await.unwrap();
        count(&superuser, kill).await;
        assert!(!patient.observe_pair(&keyed).await.unwrap().created);
    }
}

#[tokio::test]
async fn exhausted_pool_is_reported() {
    let (database, wrapper) = installed().await;
    register_check(&database, &wrapper, "waits", "pg_advisory_xact_lock(4711)").await;
    let blocker = database.superuser().await;
    blocker
        .batch_execute("SELECT pg_advisory_lock(4711)")
        .await
        .unwrap();
    let narrow = builder(&database)
        .connections(1)
        .pool_wait(Duration::from_millis(100))
        .build()
        .await
        .unwrap();
    let busy = tokio::spawn({
        let narrow = narrow.clone();
        async move { narrow.observe_pair(&call()).await }
    });
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until(&blocker, waiting, |waiting| waiting > 0).await;
    let error = narrow.posture().await.unwrap_err();
    assert!(matches!(error, Error::PoolExhausted { .. }), "{error:?}");
    blocker
        .batch_execute("SELECT pg_advisory_unlock(4711)")
        .await
        .unwrap();
    assert!(busy.await.unwrap().unwrap().created);
}
