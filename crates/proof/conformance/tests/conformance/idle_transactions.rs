//! An observer can block a pair neither by acquiring its lease again after each release, nor unnoticed by an open
//! transaction: the refusal names its login to the operator.

use rstest_reuse::apply;
use tokio_postgres::Client;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::PRODUCER;
use crate::common::run_calls::{Begun, begin, ready, run_out};
use crate::common::{
    Backend, Call, TestContext, execute, lock_waiters, number, refused, row, rows, text, value,
};

const LEASE: &str = "dot_exec:DOT_BACKUP";

fn force_release() -> String {
    Call::new("fn_dot_lease_force_release")
        .text("p_lease_name", LEASE)
        .text("p_actor", "operator")
        .text("p_reason", "it hangs")
        .sql()
}

/// The lease was taken before, or never: then no row of it is committed.
#[apply(on_each_backend)]
async fn blocked_force_release_names_the_login_and_the_process(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    for _ in ["never taken", "taken before"] {
        let mut idler = stage.client("observer").await;
        let idle = idler.transaction().await.unwrap();
        rows(&idle, &Call::pair().sql()).await;
        let pid = number(&idle, "SELECT pg_backend_pid()").await;
        let refusal = refused(&operator, &force_release()).await;
        assert_eq!(refusal.code, "busy");
        assert_eq!(
            refusal.detail["blocked_by"][0]["pid"], pid,
            "{:?}",
            refusal.detail
        );
        assert_eq!(refusal.detail["blocked_by"][0]["login"], "dot_observer");
        assert!(
            refusal
                .message
                .contains(&format!("dot_observer (process {pid})")),
            "{}",
            refusal.message
        );
        idle.commit().await.unwrap();
        assert_eq!(value(&operator, &force_release()).await, false);
    }
    // Asking for a lease that there is not leaves none behind.
    let absent = force_release().replace(LEASE, "dot_exec:NOBODY");
    assert_eq!(value(&operator, &absent).await, false);
    let left = "SELECT count(*) FROM dot.v_dot_lease WHERE lease_name = 'dot_exec:NOBODY'";
    assert_eq!(number(&operator, left).await, 0);
}

#[apply(on_each_backend)]
async fn begin_behind_an_idle_observer_names_it(backend: Backend) {
    let (stage, runner, _operator, _superuser) = ready(backend).await;
    let mut idler = stage.client("observer").await;
    let idle = idler.transaction().await.unwrap();
    rows(&idle, &Call::pair().sql()).await;
    let pid = number(&idle, "SELECT pg_backend_pid()").await;
    let refusal = refused(&runner, &begin("REAL_RUN").sql()).await;
    assert_eq!(refusal.code, "lease_held");
    assert_eq!(refusal.detail["blocked_by"][0]["pid"], pid);
    idle.rollback().await.unwrap();
    rows(&runner, &begin("REAL_RUN").sql()).await;
}

/// The bar of the session's login, in whole minutes from now.
async fn barred_minutes(superuser: &Client, observer: &Client) -> i64 {
    let refusal = refused(observer, &Call::acquire(60).sql()).await;
    assert_eq!(refusal.code, "lease_held");
    let until = refusal.detail["barred_until"].as_str().unwrap().to_owned();
    number(
        superuser,
        &format!("SELECT round(extract(epoch FROM '{until}'::timestamptz - clock_timestamp()) / 60)::bigint"),
    )
    .await
}

#[apply(on_each_version)]
async fn observer_is_barred_longer_with_each_force_release(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator, runner, superuser) = (
        stage.client("observer").await,
        stage.client("operator").await,
        stage.client("runner").await,
        stage.superuser().await,
    );
    let later = "UPDATE dot.dot_lease_force_release SET released_at = released_at - interval '2 hours', expires_at = expires_at - interval '2 hours'";
    let later =
        format!("SET session_replication_role = replica; {later}; RESET session_replication_role");
    // Once: the successor of a holder that died goes on at once.
    assert!(!text(&observer, &Call::acquire(299).sql()).await.is_empty());
    assert_eq!(value(&operator, &force_release()).await, true);
    assert!(!text(&observer, &Call::acquire(20).sql()).await.is_empty());
    // Twice: five minutes.
    assert_eq!(value(&operator, &force_release()).await, true);
    assert_eq!(barred_minutes(&superuser, &observer).await, 5);
    execute(&superuser, &later).await;
    // Three times within a day, and from then on: an hour.
    for _ in 0..2 {
        assert!(!text(&observer, &Call::acquire(20).sql()).await.is_empty());
        assert_eq!(value(&operator, &force_release()).await, true);
        assert_eq!(barred_minutes(&superuser, &observer).await, 60);
        execute(&superuser, &later).await;
    }
    assert!(!text(&observer, &Call::acquire(20).sql()).await.is_empty());
    assert_eq!(value(&operator, &force_release()).await, true);
    // A login that may execute is not barred, nor is another lease.
    let other = Call::acquire(60).text("p_lease_name", "dot_exec:DOT_COPY");
    assert!(!text(&observer, &other.sql()).await.is_empty());
    assert!(!text(&runner, &Call::acquire(60).sql()).await.is_empty());
}

/// Calls that waited for a run's begin, find the lease taken, and end without an error. Their transactions stay open.
#[apply(on_each_backend)]
async fn call_without_the_lease_holds_no_lock_on_it(backend: Backend) {
    let (stage, mut runner, _operator, superuser) = ready(backend).await;
    let observer = stage.client("observer").await;
    let expired = text(&observer, &Call::acquire(1).sql()).await;
    run_out(&superuser).await;
    let with_token = |function: &'static str| Call::lease(function).text("p_token", &expired);
    let pair = Call::pair().text("p_idempotency_key", "key");
    for (call, answer) in [
        (
            with_token("fn_dot_iu_runtime_lease_renew").with("p_ttl_seconds", "60"),
            "false",
        ),
        (with_token("fn_dot_iu_runtime_lease_release"), "false"),
        (Call::acquire(60), "null"),
        (pair, "created=false"),
    ] {
        let (mut idler, call) = (stage.client("observer").await, call.sql());
        let open = runner.transaction().await.unwrap();
        let run = Begun::of(&row(&open, &begin("REAL_RUN").sql()).await);
        let idle = idler.transaction().await.unwrap();
        let (answered, ()) = tokio::join!(row(&idle, &call), async {
            lock_waiters(&superuser, 1).await;
            if answer == "created=false" {
                // The header of the pair's key, by a call that needs no lease.
                let twin = Call::run()
                    .text("p_dot_code", PRODUCER)
                    .text("p_idempotency_key", "key");
                rows(&observer, &twin.sql()).await;
            }
            open.commit().await.unwrap();
        });
        match answer {
            "created=false" => assert_eq!(answered["created"], false),
            _ => assert_eq!(
                answered
                    .as_object()
                    .unwrap()
                    .values()
                    .next()
                    .unwrap()
                    .to_string(),
                answer
            ),
        }
        let renewal = Call::lease("fn_dot_iu_runtime_lease_renew")
            .text("p_holder", "runner 1")
            .text("p_token", &run.token)
            .with("p_ttl_seconds", "60");
        assert_eq!(value(&runner, &renewal.sql()).await, true, "behind {call}");
        idle.rollback().await.unwrap();
        rows(&runner, &run.conclusion("cancelled").sql()).await;
        // The expired token is the lease's last one again.
        execute(
            &superuser,
            &format!(
                "UPDATE dot.dot_iu_runtime_lease SET lease_holder = 'holder', released_at = NULL, holder_login = 'dot_observer',
                   expires_at = clock_timestamp() - interval '1 ms',
                   lease_token = encode(substring(sha256(uuid_send('{expired}')) FROM 1 FOR 16), 'hex')::uuid"
            ),
        )
        .await;
    }
}
