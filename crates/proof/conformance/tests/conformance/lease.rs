//! LEASE: one run of a pair at a time, by the database's clock.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::{Client, GenericClient};

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{OTHER_PRODUCER, PRODUCER};
use crate::common::{
    Backend, Call, TestContext, code, contents, execute, lock_waiters, number, refused, row, rows,
    text, value,
};

const LEASE: &str = "dot_exec:DOT_BACKUP";

/// The token; empty where the lease is held.
async fn acquire(client: &impl GenericClient, ttl_seconds: i32) -> String {
    text(client, &Call::acquire(ttl_seconds).sql()).await
}

async fn renew(client: &impl GenericClient, token: &str) -> Value {
    value(
        client,
        &Call::lease("fn_dot_iu_runtime_lease_renew")
            .text("p_token", token)
            .with("p_ttl_seconds", "60")
            .sql(),
    )
    .await
}

async fn release(client: &impl GenericClient, token: &str) -> Value {
    value(
        client,
        &Call::lease("fn_dot_iu_runtime_lease_release")
            .text("p_token", token)
            .sql(),
    )
    .await
}

fn force_release() -> Call {
    Call::new("fn_dot_lease_force_release")
        .text("p_lease_name", LEASE)
        .text("p_actor", "operator")
        .text("p_reason", "its holder died")
}

async fn state(client: &Client) -> Value {
    value(
        client,
        &format!("SELECT state FROM dot.v_dot_lease WHERE lease_name = '{LEASE}'"),
    )
    .await
}

const SOME_TOKEN: &str = "00000000-0000-4000-8000-000000000001";

#[apply(on_each_backend)]
async fn exactly_one_of_sixteen_contenders_gets_a_free_lease(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let contenders = stage.clients("observer", 16).await;
    // Never taken before, released, and expired: three different paths.
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
async fn a_live_lease_is_not_handed_out_again_not_even_to_the_same_holder(backend: Backend) {
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
        "an expired lease can not be renewed"
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
async fn renewing_moves_the_expiry_and_only_for_the_token_and_its_holder(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let token = acquire(&observer, 5).await;
    let expiry = "SELECT extract(epoch FROM expires_at - acquired_at)::float8 FROM dot.v_dot_lease";
    assert_eq!(value(&observer, expiry).await.as_f64(), Some(5.0));
    let renewal = Call::lease("fn_dot_iu_runtime_lease_renew").with("p_ttl_seconds", "60");
    let before = row(&observer, "SELECT * FROM dot.v_dot_lease").await;
    for wrong in [
        renewal.clone().text("p_token", SOME_TOKEN),
        renewal.clone().with("p_token", "NULL"),
        renewal
            .clone()
            .text("p_token", &token)
            .text("p_holder", "somebody else"),
        renewal
            .clone()
            .text("p_token", &token)
            .text("p_lease_name", "another lease"),
        renewal
            .clone()
            .with("p_token", "NULL")
            .text("p_lease_name", "another lease"),
    ] {
        assert_eq!(
            value(&observer, &wrong.sql()).await,
            false,
            "{}",
            wrong.sql()
        );
        assert_eq!(
            row(&observer, "SELECT * FROM dot.v_dot_lease").await,
            before
        );
    }
    assert_eq!(renew(&observer, &token).await, true);
    assert!(value(&observer, expiry).await.as_f64().unwrap() >= 60.0);
    assert_eq!(release(&observer, &token).await, true);
    assert_eq!(
        renew(&observer, &token).await,
        false,
        "what was given back can not be renewed"
    );
}

#[apply(on_each_backend)]
async fn only_the_token_and_its_holder_release_a_lease_and_only_once(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let token = acquire(&observer, 60).await;
    let giving_back = Call::lease("fn_dot_iu_runtime_lease_release");
    for wrong in [
        giving_back.clone().text("p_token", SOME_TOKEN),
        giving_back.clone().with("p_token", "NULL"),
        giving_back
            .clone()
            .text("p_token", &token)
            .text("p_holder", "somebody else"),
        giving_back
            .clone()
            .text("p_token", &token)
            .text("p_lease_name", "another lease"),
        giving_back
            .clone()
            .with("p_token", "NULL")
            .text("p_lease_name", "another lease"),
    ] {
        assert_eq!(
            value(&observer, &wrong.sql()).await,
            false,
            "{}",
            wrong.sql()
        );
        assert_eq!(state(&observer).await, "held");
    }
    assert_eq!(release(&observer, &token).await, true);
    assert_eq!(state(&observer).await, "free");
    assert_eq!(release(&observer, &token).await, false);
    assert!(!acquire(&observer, 60).await.is_empty());
}

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
        "it judged by the transaction's start"
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
        "by now() it lives still"
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
    assert!(!got.is_empty(), "it judged by a time before its wait");
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

#[apply(on_each_backend)]
async fn force_release_records_its_reason(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer, operator) = (
        stage.superuser().await,
        stage.client("observer").await,
        stage.client("operator").await,
    );
    assert_eq!(
        value(&operator, &force_release().sql()).await,
        false,
        "there is no such lease yet"
    );
    let token = acquire(&observer, 3600).await;
    assert_eq!(value(&operator, &force_release().sql()).await, true);
    assert_eq!(
        (
            renew(&observer, &token).await,
            release(&observer, &token).await
        ),
        (json!(false), json!(false))
    );
    let kept = row(&superuser, "SELECT lease_name, lease_holder, lease_token, actor, reason, recorded_by FROM dot.dot_lease_force_release").await;
    let digest = value(
        &superuser,
        &format!(
            "SELECT dot.fn_dot_token_digest({})",
            crate::common::literal(&token)
        ),
    )
    .await;
    assert_ne!(digest, token);
    assert_eq!(
        kept,
        json!({"lease_name": LEASE, "lease_holder": "holder", "lease_token": digest, "actor": "operator", "reason": "its holder died", "recorded_by": "dot_operator"})
    );
    assert_eq!(
        value(&operator, &force_release().sql()).await,
        false,
        "it is free"
    );
    assert_eq!(
        number(
            &superuser,
            "SELECT count(*) FROM dot.dot_lease_force_release"
        )
        .await,
        1
    );
    rows(&observer, &Call::pair().sql()).await;
}

#[apply(on_each_backend)]
async fn token_not_holder_name_identifies_lease(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator) = (
        stage.client("observer").await,
        stage.client("operator").await,
    );
    let old = acquire(&observer, 60).await;
    rows(&operator, &force_release().sql()).await;
    let new = acquire(&observer, 60).await;
    assert_ne!(old, new);
    assert_eq!(
        (renew(&observer, &old).await, release(&observer, &old).await),
        (json!(false), json!(false))
    );
    assert_eq!(
        (renew(&observer, &new).await, release(&observer, &new).await),
        (json!(true), json!(true))
    );
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

#[apply(on_each_version)]
async fn a_lease_is_judged_in_older_isolation_levels_without_handing_it_out_twice(
    backend: Backend,
) {
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
    // Its snapshot does not show the lease. An error is fine, a second token is not.
    if let Ok(rows) = crate::common::ask(&transaction, &Call::acquire(60).sql()).await {
        assert_eq!(rows[0]["fn_dot_iu_runtime_lease_acquire"], Value::Null);
    }
    transaction.rollback().await.unwrap();
    assert_eq!(renew(&holder, &token).await, true);
    execute(&holder, "SELECT 1").await;
}
