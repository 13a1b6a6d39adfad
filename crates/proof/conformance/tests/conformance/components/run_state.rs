//! Runs that take no component: without the lease token, of another login, concluded or backfilled.

use rstest_reuse::apply;
use serde_json::json;

use super::header::a_run;
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{CANDIDATE, CORRELATION, PRODUCER, VERIFIER};
use crate::common::forged_run::{self, ExecutedRun, PRODUCER_RECEIPT, RUN, TOKEN};
use crate::common::{Backend, Call, TestContext, ask, code, contents, execute, literal, rows};

#[apply(on_each_backend)]
async fn backfilled_run_takes_no_more_components(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let asserted = json!([{"dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "correlation_id": CORRELATION, "process_run_id": RUN}]);
    rows(&observer, &Call::backfill(&asserted).sql()).await;
    let before = contents(&superuser).await;
    let simulated = Call::component(RUN)
        .text("p_dot_code", VERIFIER)
        .text("p_component_role", "verifier");
    assert_eq!(code(&observer, &simulated.sql()).await, "backfill_only");
    contents(&superuser)
        .await
        .assert_same(&before, "a component of a backfilled run");
}

#[apply(on_each_version)]
async fn components_need_the_lease_token(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (runner, operator, superuser) = (
        stage.client("runner").await,
        stage.client("operator").await,
        stage.superuser().await,
    );
    forged_run::begin(&superuser).await;
    let plain = Call::component(RUN);
    for call in [
        plain.clone(),
        plain.clone().text("p_lease_token", PRODUCER_RECEIPT),
    ] {
        assert_eq!(code(&runner, &call.sql()).await, "lease_lost");
    }
    execute(&superuser, "UPDATE dot.dot_iu_runtime_lease SET expires_at = clock_timestamp() - interval '1 millisecond'").await;
    assert_eq!(
        code(&runner, &plain.clone().text("p_lease_token", TOKEN).sql()).await,
        "lease_lost",
        "expired"
    );
    execute(
        &superuser,
        "UPDATE dot.dot_iu_runtime_lease SET expires_at = clock_timestamp() + interval '1 hour'",
    )
    .await;
    rows(&runner, &plain.text("p_lease_token", TOKEN).sql()).await;
    let verifier = Call::component(RUN)
        .text("p_dot_code", VERIFIER)
        .text("p_component_role", "verifier")
        .text("p_lease_token", TOKEN)
        .sql();
    let force = Call::new("fn_dot_lease_force_release")
        .text("p_lease_name", "dot_exec:DOT_BACKUP")
        .text("p_actor", "operator")
        .text("p_reason", "stuck")
        .sql();
    rows(&operator, &force).await;
    assert_eq!(code(&runner, &verifier).await, "lease_lost", "taken away");
}

#[apply(on_each_version)]
async fn no_component_after_conclusion(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (runner, superuser) = (stage.client("runner").await, stage.superuser().await);
    forged_run::begin(&superuser).await;
    execute(&superuser, &ExecutedRun::truthful().conclusion.sql()).await;
    let before = contents(&superuser).await;
    assert_eq!(
        code(
            &runner,
            &Call::component(RUN).text("p_lease_token", TOKEN).sql()
        )
        .await,
        "run_concluded"
    );
    contents(&superuser)
        .await
        .assert_same(&before, "a component behind the conclusion");
}

#[apply(on_each_version)]
async fn component_and_conclusion_serialize(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (runner, superuser) = (stage.client("runner").await, stage.superuser().await);
    let mut concluder = stage.superuser().await;
    forged_run::begin(&superuser).await;
    // As the conclude function: it locks the header first, FOR UPDATE.
    let concluding = concluder.transaction().await.unwrap();
    execute(
        &concluding,
        &format!(
            "SELECT 1 FROM dot.process_run_observation WHERE process_run_id = {} FOR UPDATE; {}",
            literal(RUN),
            ExecutedRun::truthful().conclusion.sql()
        ),
    )
    .await;
    let component = Call::component(RUN).text("p_lease_token", TOKEN).sql();
    let (recorded, ()) = tokio::join!(ask(&runner, &component), async {
        crate::common::lock_waiters(&superuser, 1).await;
        concluding.commit().await.unwrap();
    });
    assert_eq!(
        crate::common::Refusal::of(&recorded.unwrap_err()).code,
        "run_concluded"
    );
    assert!(
        rows(
            &superuser,
            "SELECT 1 FROM dot.process_component_observation"
        )
        .await
        .is_empty()
    );
}

/// Every reader can see run ids, but only the login that recorded a run adds components to it.
#[apply(on_each_version)]
async fn another_login_adds_no_component_to_a_run_without_a_lease(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, other) = (stage.client("observer").await, stage.client("runner").await);
    let run = a_run(&observer).await;
    assert_eq!(
        code(&other, &Call::component(&run).sql()).await,
        "login_mismatch"
    );
    rows(&observer, &Call::component(&run).sql()).await;
}
