//! The role of a component and the pair of its run.

use rstest_reuse::apply;
use serde_json::json;

use super::header::a_run;
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{LONE, OTHER_PRODUCER, OTHER_VERIFIER, PRODUCER, VERIFIER};
use crate::common::{
    Backend, Call, Refusal, TestContext, ask, code, literal, lock_waiters, row, rows, text,
};

/// A component of this DOT in this role.
fn part(run: &str, dot_code: &str, role: &str) -> String {
    Call::component(run)
        .text("p_dot_code", dot_code)
        .text("p_component_role", role)
        .sql()
}

#[apply(on_each_backend)]
async fn header_without_dot_binds_to_first_component(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let (mut first, second) = (
        stage.client("observer").await,
        stage.client("observer").await,
    );
    let run = text(&second, &Call::run().sql()).await;
    let in_flight = first.transaction().await.unwrap();
    rows(&in_flight, &part(&run, PRODUCER, "producer")).await;
    let other = part(&run, OTHER_VERIFIER, "verifier");
    let (outcome, ()) = tokio::join!(ask(&second, &other), async {
        lock_waiters(&superuser, 1).await;
        in_flight.commit().await.unwrap();
    });
    assert_eq!(Refusal::of(&outcome.unwrap_err()).code, "role_invalid");
}

#[apply(on_each_version)]
async fn older_snapshot_without_the_first_component_records_no_second_one(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (mut old, other) = (
        stage.client("observer").await,
        stage.client("observer").await,
    );
    for dot_code in [VERIFIER, OTHER_VERIFIER] {
        let run = text(&other, &Call::run().sql()).await;
        let snapshot = old
            .build_transaction()
            .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
            .start()
            .await
            .unwrap();
        rows(&snapshot, "SELECT count(*) FROM dot.v_process_run").await;
        rows(&other, &part(&run, PRODUCER, "producer")).await;
        let error = ask(&snapshot, &part(&run, dot_code, "verifier"))
            .await
            .unwrap_err();
        assert_eq!(
            error.code(),
            Some(&tokio_postgres::error::SqlState::T_R_SERIALIZATION_FAILURE),
            "{error:?}"
        );
        snapshot.rollback().await.unwrap();
    }
    // A snapshot that shows the first component records the second.
    let run = text(&other, &Call::run().sql()).await;
    for (dot_code, role) in [(PRODUCER, "producer"), (VERIFIER, "verifier")] {
        let snapshot = old
            .build_transaction()
            .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
            .start()
            .await
            .unwrap();
        rows(&snapshot, &part(&run, dot_code, role)).await;
        snapshot.commit().await.unwrap();
    }
    let recorded = rows(
        &other,
        &format!("SELECT dot_code FROM dot.v_process_component WHERE process_run_id = {} ORDER BY component_role", literal(&run)),
    )
    .await;
    assert_eq!(
        recorded,
        [json!({"dot_code": PRODUCER}), json!({"dot_code": VERIFIER})]
    );
}

#[apply(on_each_backend)]
async fn a_dot_is_recorded_only_in_its_own_role_and_pair(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let run = a_run(&observer).await;
    let part = |dot_code: &str, role: &str| {
        Call::component(&run)
            .text("p_dot_code", dot_code)
            .text("p_component_role", role)
            .sql()
    };
    for (dot_code, role) in [
        (PRODUCER, "verifier"),
        (VERIFIER, "producer"),
        (OTHER_PRODUCER, "producer"),
        (OTHER_VERIFIER, "verifier"),
        (LONE, "verifier"),
    ] {
        assert_eq!(
            code(&observer, &part(dot_code, role)).await,
            "role_invalid",
            "{dot_code} as {role}"
        );
    }
    rows(&observer, &part(VERIFIER, "verifier")).await;
    rows(&observer, &part(PRODUCER, "producer")).await;
    let sides = row(
        &observer,
        "SELECT producer_dot_code, verifier_dot_code FROM dot.v_process_run",
    )
    .await;
    assert_eq!(
        sides,
        json!({"producer_dot_code": PRODUCER, "verifier_dot_code": VERIFIER})
    );
}

#[apply(on_each_backend)]
async fn header_without_dot_refuses_components_of_two_pairs(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    for (first, first_role, second, second_role) in [
        (PRODUCER, "producer", OTHER_VERIFIER, "verifier"),
        (VERIFIER, "verifier", OTHER_PRODUCER, "producer"),
        (LONE, "producer", VERIFIER, "verifier"),
        (VERIFIER, "verifier", LONE, "producer"),
    ] {
        let run = text(&observer, &Call::run().sql()).await;
        let part = |dot_code: &str, role: &str| {
            Call::component(&run)
                .text("p_dot_code", dot_code)
                .text("p_component_role", role)
                .sql()
        };
        rows(&observer, &part(first, first_role)).await;
        assert_eq!(
            code(&observer, &part(second, second_role)).await,
            "role_invalid",
            "{first} with {second}"
        );
    }
}

#[apply(on_each_backend)]
async fn a_header_names_a_producer_or_a_dot_without_a_pair(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    assert_eq!(
        code(&observer, &Call::run().text("p_dot_code", VERIFIER).sql()).await,
        "not_a_producer"
    );
    let run = text(&observer, &Call::run().text("p_dot_code", LONE).sql()).await;
    rows(
        &observer,
        &Call::component(&run).text("p_dot_code", LONE).sql(),
    )
    .await;
}

#[apply(on_each_backend)]
async fn only_verifier_records_verdict(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let run = a_run(&observer).await;
    assert_eq!(
        code(
            &observer,
            &Call::component(&run).text("p_verdict", "pass").sql()
        )
        .await,
        "verdict_invalid"
    );
}

#[apply(on_each_backend)]
async fn a_run_has_each_role_once(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let run = a_run(&observer).await;
    rows(&observer, &Call::component(&run).sql()).await;
    for again in [
        Call::component(&run),
        Call::component(&run).text("p_idempotency_key", "a new key"),
    ] {
        assert_eq!(code(&observer, &again.sql()).await, "id_in_use");
    }
}
