//! Renewal and release need the token; a forced release records its reason.

use rstest_reuse::apply;
use serde_json::json;

use super::calls::{LEASE, acquire, release, renew, state};
use crate::common::backend::on_each_backend;
use crate::common::{Backend, Call, TestContext, number, row, rows, value};

fn force_release() -> Call {
    Call::new("fn_dot_lease_force_release")
        .text("p_lease_name", LEASE)
        .text("p_actor", "operator")
        .text("p_reason", "its holder died")
}

const SOME_TOKEN: &str = "00000000-0000-4000-8000-000000000001";

/// The call with a wrong token, holder or lease.
fn wrong_calls(call: &Call, token: &str) -> [Call; 5] {
    let with_token = call.clone().text("p_token", token);
    let without_token = call.clone().with("p_token", "NULL");
    [
        call.clone().text("p_token", SOME_TOKEN),
        without_token.clone(),
        with_token.clone().text("p_holder", "somebody else"),
        with_token.text("p_lease_name", "another lease"),
        without_token.text("p_lease_name", "another lease"),
    ]
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
    for wrong in wrong_calls(&renewal, &token) {
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
        "a released lease cannot be renewed"
    );
}

#[apply(on_each_backend)]
async fn only_the_token_and_its_holder_release_a_lease_and_only_once(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let token = acquire(&observer, 60).await;
    let release_call = Call::lease("fn_dot_iu_runtime_lease_release");
    for wrong in wrong_calls(&release_call, &token) {
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
