//! A server without a free connection slot, and the reserved connection.

use std::time::{Duration, Instant};

use dotwrap_testkit::TestDatabase;
use dotwrap_wrapper::{Error, ErrorClass, GateSetting, Posture, gate};

use crate::support::{builder, call, count, installed, target};

/// How many sessions the database takes from others than superusers.
async fn allow(database: &TestDatabase, sessions: i32) {
    let superuser = database.superuser().await;
    let name = target(database, database.owner());
    let name = name.config().get_dbname().unwrap().to_owned();
    superuser
        .batch_execute(&format!(
            "ALTER DATABASE \"{name}\" CONNECTION LIMIT {sessions}"
        ))
        .await
        .unwrap();
}

/// The sessions of the wrapper's login.
async fn sessions(database: &TestDatabase) -> i64 {
    let superuser = database.superuser().await;
    let owner = database.owner();
    let sessions = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = '{owner}'"
    );
    count(&superuser, &sessions).await
}

#[tokio::test]
async fn a_server_without_a_slot_is_busy_and_not_unreachable() {
    let (database, wrapper) = installed().await;
    drop(wrapper);
    allow(&database, 0).await;
    let begun = Instant::now();
    let waiting = builder(&database).slot_wait(Duration::from_millis(300));
    let error = waiting.build().await.unwrap_err();
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert!(matches!(error, Error::NoSlot { .. }), "{error:?}");
    assert_eq!(error.class(), ErrorClass::Lease);
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_slot_is_waited_for() {
    let (database, wrapper) = installed().await;
    drop(wrapper);
    allow(&database, 0).await;
    let waiting = builder(&database).slot_wait(Duration::from_secs(60));
    let freeing = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        allow(&database, -1).await;
    };
    let (built, ()) = tokio::join!(waiting.build(), freeing);
    built.unwrap().posture().await.unwrap();
}

#[tokio::test]
async fn calls_use_the_watch_connection_without_a_free_slot() {
    let (database, wrapper) = installed().await;
    let mut watch = wrapper.watch_runs(Duration::from_millis(50));
    watch.answered().await;
    // Those that were needed before are closed when they are idle.
    while sessions(&database).await != 1 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    allow(&database, 0).await;
    wrapper.observe_pair(&call()).await.unwrap();
    let lease = wrapper
        .acquire_lease("slots", "a test", Duration::from_secs(60))
        .await
        .unwrap();
    let renewed = wrapper.renew_lease(&lease, Duration::from_secs(60)).await;
    assert!(renewed.unwrap());
    let operating = GateSetting::new(gate::OPERATOR_RUNTIME_ENABLED, true, "a test");
    wrapper.set_gate(&operating).await.unwrap();
    let executing = GateSetting::new(gate::EXECUTE_ENABLED, true, "a test");
    let posture = wrapper.set_gate(&executing).await.unwrap();
    assert_eq!(posture, Posture::DryRunOnly);
    watch.answered().await;
    assert_eq!(sessions(&database).await, 1);
}

#[tokio::test]
async fn a_lost_watch_connection_is_made_again() {
    let (database, wrapper) = installed().await;
    let mut watch = wrapper.watch_runs(Duration::from_millis(50));
    watch.answered().await;
    while sessions(&database).await != 1 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let superuser = database.superuser().await;
    let owner = database.owner();
    let end = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE datname = current_database() AND usename = '{owner}'"
    );
    assert_eq!(count(&superuser, &end).await, 1);
    watch.answered().await;
    while sessions(&database).await != 1 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
