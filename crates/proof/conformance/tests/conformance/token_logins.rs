//! A token works only for the login that acquired the lease, and for operators.

use rstest_reuse::apply;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::run_calls::{begun, ready};
use crate::common::{
    Backend, Call, TestContext, code, contents, execute, number, rows, text, value,
};
use crate::executed_combined_calls::CombinedCall;

#[apply(on_each_version)]
async fn token_of_another_login_cannot_release_renew_or_record(backend: Backend) {
    let (stage, runner, _operator, superuser) = ready(backend).await;
    let other = stage.client("observer").await;
    let run = begun(&runner, "REAL_RUN").await;
    let before = contents(&superuser).await;
    let held = |step| {
        Call::lease(step)
            .text("p_holder", "runner 1")
            .text("p_token", &run.token)
    };
    let release = held("fn_dot_iu_runtime_lease_release").sql();
    let renew = held("fn_dot_iu_runtime_lease_renew")
        .with("p_ttl_seconds", "60")
        .sql();
    assert_eq!(value(&other, &release).await, false);
    assert_eq!(value(&other, &renew).await, false);
    // Without a receipt: it would stand where the producer's own row belongs.
    let simulated = Call::component(&run.run)
        .text("p_lease_token", &run.token)
        .sql();
    assert_eq!(code(&other, &simulated).await, "lease_lost");
    contents(&superuser)
        .await
        .assert_same(&before, "another login's token");
    assert_eq!(value(&runner, &renew).await, true);
    assert_eq!(value(&runner, &release).await, true);
}

/// The functions for several runs lock no lease for another login's token.
#[apply(on_each_backend)]
async fn batch_with_another_logins_tokens_blocks_no_session(backend: Backend) {
    let (stage, runner, _operator, superuser) = ready(backend).await;
    let name = format!("{}_other_login", stage.database().name());
    execute(
        &superuser,
        &format!("CREATE ROLE \"{name}\" LOGIN IN ROLE dot_runner"),
    )
    .await;
    let mut other = stage.database().client_as(&name).await;
    let run = begun(&runner, "REAL_RUN").await;
    let over = CombinedCall::record_producer(&run)
        .combined
        .with("p_evidence_ref", "'{}'");
    let open = other.transaction().await.unwrap();
    let call = Call::together("fn_process_run_record_producer_batch", &[&over]).sql();
    assert!(rows(&open, &call).await.is_empty());
    execute(&runner, "SET lock_timeout = '200ms'").await;
    let run_with_producer = rows(
        &runner,
        &Call::together("fn_process_run_record_producer_batch", &[&over]).sql(),
    )
    .await;
    assert_eq!(run_with_producer.len(), 1);
    open.rollback().await.unwrap();
    drop(other);
    execute(&superuser, &format!("DROP ROLE \"{name}\"")).await;
}

/// What a transaction sweeps stays locked until it ends: it sweeps no other login's leases.
#[apply(on_each_version)]
async fn sweep_keeps_no_lease_of_another_login(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let mut observer = stage.client("observer").await;
    let runner = stage.client("runner").await;
    let acquire = |name: &str| Call::acquire(60).text("p_lease_name", name).sql();
    let token = text(&runner, &acquire("other:runner")).await;
    let release = Call::lease("fn_dot_iu_runtime_lease_release")
        .text("p_lease_name", "other:runner")
        .text("p_token", &token);
    assert_eq!(value(&runner, &release.sql()).await, true);
    let open = observer.transaction().await.unwrap();
    rows(&open, &acquire("other:observer")).await;
    assert!(!value(&runner, &acquire("other:runner")).await.is_null());
    open.rollback().await.unwrap();
}

/// The thousand refusals an hour are counted one transaction of a login after the other.
#[apply(on_each_backend)]
async fn refusals_of_one_login_are_counted_across_its_transactions(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let mut first = stage.client("observer").await;
    let second = stage.client("observer").await;
    let record = |many: i64| {
        format!(
            "SELECT count(dot.fn_dot_refusal_record(jsonb_build_object('refusal_code', 'x', 'message', n::text))) FROM generate_series(1, {many}) n"
        )
    };
    let open = first.transaction().await.unwrap();
    assert_eq!(number(&open, &record(600)).await, 600);
    // It is not waited for longer than a second, and nothing is recorded beside it.
    assert_eq!(number(&second, &record(1)).await, 0);
    open.commit().await.unwrap();
    assert_eq!(number(&second, &record(600)).await, 400);
    let kept = "SELECT count(*) FROM dot.dot_refusal";
    assert_eq!(number(&superuser, kept).await, 1000);
}

/// From PostgreSQL 16 on a login can administer a role without having it. On 15 an administrator is a member.
#[apply(on_each_version)]
async fn login_that_only_administers_the_operators_role_is_no_operator(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    let version = "SELECT current_setting('server_version_num')::int";
    let is_member = number(&superuser, version).await < 160_000;
    let option = match is_member {
        true => "WITH ADMIN OPTION",
        false => "WITH INHERIT FALSE, SET FALSE, ADMIN TRUE",
    };
    let name = format!("{}_administrator", stage.database().name());
    let create = format!(
        "CREATE ROLE \"{name}\" LOGIN IN ROLE dot_observer; GRANT dot_operator TO \"{name}\" {option}"
    );
    execute(&superuser, &create).await;
    let administrator = stage.database().client_as(&name).await;
    let run = text(&observer, &Call::run().sql()).await;
    let component = Call::component(&run).sql();
    if is_member {
        rows(&administrator, &component).await;
    } else {
        assert_eq!(code(&administrator, &component).await, "login_mismatch");
    }
    drop(administrator);
    execute(&superuser, &format!("DROP ROLE \"{name}\"")).await;
}
