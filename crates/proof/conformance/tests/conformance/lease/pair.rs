//! The lease that recording a pair acquires and releases.

use rstest_reuse::apply;
use serde_json::json;

use super::calls::{LEASE, acquire, release, state};
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{OTHER_PRODUCER, PRODUCER};
use crate::common::{Backend, Call, TestContext, code, contents, lock_waiters, refused, row, rows};

#[apply(on_each_backend)]
async fn pair_is_refused_while_its_lease_is_held_and_writes_no_row(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    let token = acquire(&observer, 60).await;
    let before = contents(&superuser).await;
    let refusal = refused(&observer, &Call::pair().text("p_actor", "holder").sql()).await;
    assert_eq!(
        (refusal.code.as_str(), refusal.sqlstate.as_str()),
        ("lease_held", "55P03")
    );
    assert_eq!(
        (
            &refusal.detail["lease_name"],
            &refusal.detail["lease_holder"]
        ),
        (&json!(LEASE), &json!("holder"))
    );
    contents(&superuser)
        .await
        .assert_same(&before, "the refused pair");
    rows(
        &observer,
        &Call::pair().text("p_dot_code", OTHER_PRODUCER).sql(),
    )
    .await;
    release(&observer, &token).await;
    rows(&observer, &Call::pair().sql()).await;
}

#[apply(on_each_backend)]
async fn the_pair_takes_an_expired_lease_over(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    acquire(&observer, 1).await;
    assert_eq!(code(&observer, &Call::pair().sql()).await, "lease_held");
    rows(&observer, "SELECT pg_sleep(1.05)").await;
    rows(&observer, &Call::pair().sql()).await;
    assert_eq!(state(&observer).await, "free");
}

#[apply(on_each_backend)]
async fn the_pair_leaves_its_lease_free_and_counted(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    for correlation in ["a", "b", "c"] {
        rows(
            &observer,
            &Call::pair()
                .text("p_correlation_id", correlation)
                .text("p_actor", correlation)
                .sql(),
        )
        .await;
    }
    let lease = row(
        &observer,
        "SELECT lease_name, lease_holder, acquisitions, state FROM dot.v_dot_lease",
    )
    .await;
    assert_eq!(
        lease,
        json!({"lease_name": format!("dot_exec:{PRODUCER}"), "lease_holder": "c", "acquisitions": 3, "state": "free"})
    );
    assert!(!acquire(&observer, 60).await.is_empty());
}

#[apply(on_each_backend)]
async fn pair_waits_for_an_uncommitted_lease_until_its_release(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    let mut holder = stage.client("observer").await;
    let taking = holder.transaction().await.unwrap();
    let token = acquire(&taking, 60).await;
    let pair = Call::pair().sql();
    let (recorded, ()) = tokio::join!(rows(&observer, &pair), async {
        lock_waiters(&superuser, 1).await;
        release(&taking, &token).await;
        taking.commit().await.unwrap();
    });
    assert_eq!(recorded[0]["created"], true);
}

#[apply(on_each_version)]
async fn the_pair_gives_up_after_five_seconds_of_an_uncommitted_lease(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    let mut holder = stage.client("observer").await;
    let taking = holder.transaction().await.unwrap();
    acquire(&taking, 60).await;
    let before = contents(&superuser).await;
    // Returns while the other transaction stays open; without the limit this would hang.
    assert_eq!(code(&observer, &Call::pair().sql()).await, "lease_held");
    contents(&superuser)
        .await
        .assert_same(&before, "the refused pair");
    taking.rollback().await.unwrap();
    rows(&observer, &Call::pair().sql()).await;
}

#[apply(on_each_version)]
async fn pair_in_flight_blocks_only_pairs_of_the_same_producer(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let (mut one, other) = (
        stage.client("observer").await,
        stage.client("observer").await,
    );
    let in_flight = one.transaction().await.unwrap();
    rows(&in_flight, &Call::pair().sql()).await;
    rows(
        &other,
        &Call::pair().text("p_dot_code", OTHER_PRODUCER).sql(),
    )
    .await;
    let second = Call::pair().text("p_correlation_id", "second").sql();
    let (recorded, ()) = tokio::join!(rows(&other, &second), async {
        lock_waiters(&superuser, 1).await;
        in_flight.commit().await.unwrap();
    });
    assert_eq!(recorded[0]["created"], true);
}
