//! Acquisition: one holder at a time, takeover after expiry, and times to live.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use rstest_reuse::apply;
use serde_json::json;

use super::calls::{LEASE, acquire, release, renew, state};
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::{Backend, Call, TestContext, number, rows, text, value};

#[apply(on_each_backend)]
async fn exactly_one_of_sixteen_contenders_gets_a_free_lease(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let contenders = stage.clients("observer", 16).await;
    // Three code paths: a new lease, a released one and an expired one.
    for round in ["new", "released", "expired"] {
        let tokens = join_all(
            contenders
                .iter()
                .map(|contender| acquire(contender, if round == "released" { 1 } else { 60 })),
        )
        .await;
        let got: Vec<_> = tokens.iter().filter(|token| !token.is_empty()).collect();
        assert_eq!(got.len(), 1, "{round}: {tokens:?}");
        match round {
            "new" => assert_eq!(release(&contenders[0], got[0]).await, true),
            _ => drop(rows(&contenders[0], "SELECT pg_sleep(1.05)").await),
        }
    }
    let acquisitions = number(
        &contenders[0],
        &format!("SELECT acquisitions FROM dot.v_dot_lease WHERE lease_name = '{LEASE}'"),
    )
    .await;
    assert_eq!(acquisitions, 3);
}

#[apply(on_each_backend)]
async fn held_lease_is_not_acquired_again_even_by_the_same_holder(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (one, other) = (
        stage.client("observer").await,
        stage.client("observer").await,
    );
    let token = acquire(&one, 60).await;
    assert!(!token.is_empty());
    for contender in [&one, &other] {
        assert_eq!(
            acquire(contender, 60).await,
            "",
            "the same holder name got it"
        );
    }
    assert_eq!(
        text(
            &other,
            &Call::acquire(60).text("p_holder", "somebody else").sql()
        )
        .await,
        ""
    );
    assert_eq!(state(&one).await, "held");
    assert!(
        !text(
            &other,
            &Call::acquire(60)
                .text("p_lease_name", "another lease")
                .sql()
        )
        .await
        .is_empty(),
        "leases are apart by name"
    );
}

#[apply(on_each_backend)]
async fn expired_lease_takeover_invalidates_old_token(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (one, other) = (
        stage.client("observer").await,
        stage.client("observer").await,
    );
    let old = acquire(&one, 1).await;
    assert_eq!(acquire(&other, 60).await, "");
    rows(&one, "SELECT pg_sleep(1.05)").await;
    assert_eq!(state(&one).await, "expired");
    assert_eq!(
        renew(&one, &old).await,
        false,
        "an expired lease cannot be renewed"
    );
    let new = acquire(&other, 60).await;
    assert!(!new.is_empty() && new != old);
    assert_eq!(state(&one).await, "held");
    assert_eq!(
        (renew(&one, &old).await, release(&one, &old).await),
        (json!(false), json!(false))
    );
    assert_eq!(renew(&other, &new).await, true);
    assert_eq!(release(&other, &new).await, true);
}

#[apply(on_each_backend)]
async fn rolled_back_acquire_leaves_lease_free(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let mut one = stage.client("observer").await;
    let transaction = one.transaction().await.unwrap();
    acquire(&transaction, 60).await;
    transaction.rollback().await.unwrap();
    assert!(!acquire(&one, 60).await.is_empty());
}

#[apply(on_each_version)]
async fn the_shortest_and_the_longest_time_to_live_are_taken(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let mut tokens = BTreeSet::new();
    for ttl in [1, 86_400] {
        let name = format!("lives {ttl} s");
        assert!(
            tokens.insert(
                text(
                    &observer,
                    &Call::acquire(ttl).text("p_lease_name", &name).sql()
                )
                .await
            )
        );
        let lives = value(&observer, &format!("SELECT extract(epoch FROM expires_at - acquired_at)::int FROM dot.v_dot_lease WHERE lease_name = '{name}'")).await;
        assert_eq!(lives, ttl);
    }
}
