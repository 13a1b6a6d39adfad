//! A call waits for an uncommitted call with the same key, and then repeats it, replaces it or conflicts with it.

use rstest_reuse::apply;
use serde_json::json;

use super::calls::{keyed_pair, keyed_run};
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{OTHER_PRODUCER, PRODUCER, VERIFIER};
use crate::common::forged_run::component_with_key;
use crate::common::{
    Backend, Call, Refusal, TestContext, ask, execute, lock_waiters, number, row, rows, text,
};

#[apply(on_each_backend)]
async fn concurrent_same_key_waits(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let (mut first, second) = (
        stage.client("observer").await,
        stage.client("observer").await,
    );
    let run = text(&second, &Call::run().text("p_dot_code", PRODUCER).sql()).await;
    for (call, column) in [
        (
            keyed_pair().text("p_idempotency_key", "pair").sql(),
            "process_run_id",
        ),
        (
            keyed_run().text("p_idempotency_key", "run").sql(),
            "fn_process_run_observe",
        ),
        (
            Call::component(&run)
                .text("p_idempotency_key", "component")
                .sql(),
            "fn_process_component_observe",
        ),
    ] {
        let in_flight = first.transaction().await.unwrap();
        let first_row = row(&in_flight, &call).await;
        let (second_row, ()) = tokio::join!(row(&second, &call), async {
            lock_waiters(&superuser, 1).await;
            in_flight.commit().await.unwrap();
        });
        assert_eq!(second_row[column], first_row[column], "{call}");
    }
}

#[apply(on_each_backend)]
async fn pair_waiting_for_its_header_returns_it_and_adds_no_count(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let (mut first, second) = (
        stage.client("observer").await,
        stage.client("observer").await,
    );
    rows(&second, &Call::pair().sql()).await;
    // A header acquires no lease, so only the key serializes the two calls.
    let in_flight = first.transaction().await.unwrap();
    let header = Call::run()
        .text("p_dot_code", PRODUCER)
        .text("p_idempotency_key", "one key")
        .sql();
    let first_row = row(&in_flight, &header).await;
    let pair = Call::pair().text("p_idempotency_key", "one key").sql();
    let (second_row, ()) = tokio::join!(row(&second, &pair), async {
        lock_waiters(&superuser, 1).await;
        in_flight.commit().await.unwrap();
    });
    assert_eq!(
        second_row["process_run_id"],
        first_row["fn_process_run_observe"]
    );
    assert_eq!(second_row["created"], false);
    let counts = row(&second, "SELECT run_count, simulated_count, component_count FROM dot.v_process_discovery_runtime_observed").await;
    assert_eq!(
        counts,
        json!({"run_count": 2, "simulated_count": 1, "component_count": 2})
    );
}

#[apply(on_each_backend)]
async fn rolled_back_call_frees_key(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let (mut first, second) = (
        stage.client("observer").await,
        stage.client("observer").await,
    );
    for call in [
        keyed_pair().text("p_idempotency_key", "pair").sql(),
        keyed_run().text("p_idempotency_key", "run").sql(),
    ] {
        let in_flight = first.transaction().await.unwrap();
        let first_row = row(&in_flight, &call).await;
        let (second_row, ()) = tokio::join!(row(&second, &call), async {
            lock_waiters(&superuser, 1).await;
            in_flight.rollback().await.unwrap();
        });
        assert_ne!(second_row, first_row, "{call}");
    }
    assert_eq!(
        number(&superuser, "SELECT count(*) FROM dot.v_process_run").await,
        2
    );
}

#[apply(on_each_backend)]
async fn conflict_with_a_call_in_flight_is_reported_after_its_commit(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let (mut first, second) = (
        stage.client("observer").await,
        stage.client("observer").await,
    );
    // Another DOT, so that no lease serializes the two calls.
    let in_flight = first.transaction().await.unwrap();
    rows(&in_flight, &keyed_pair().sql()).await;
    let other = keyed_pair().text("p_dot_code", OTHER_PRODUCER).sql();
    let (outcome, ()) = tokio::join!(ask(&second, &other), async {
        lock_waiters(&superuser, 1).await;
        in_flight.commit().await.unwrap();
    });
    assert_eq!(
        Refusal::of(&outcome.unwrap_err()).code,
        "idempotency_conflict"
    );
}

#[apply(on_each_version)]
async fn a_derived_key_that_is_taken_by_a_component_in_flight_is_a_conflict(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    // No function writes such a key now; an older release did.
    let (mut first, second) = (stage.superuser().await, stage.client("observer").await);
    for dot_code in [PRODUCER, VERIFIER] {
        let run = text(&second, &Call::run().text("p_dot_code", PRODUCER).sql()).await;
        let role = if dot_code == PRODUCER {
            "producer"
        } else {
            "verifier"
        };
        let in_flight = first.transaction().await.unwrap();
        execute(
            &in_flight,
            &component_with_key(&run, dot_code, role, &format!("{dot_code}:{dot_code}")),
        )
        .await;
        let pair = keyed_pair().text("p_idempotency_key", dot_code).sql();
        let (outcome, ()) = tokio::join!(ask(&second, &pair), async {
            lock_waiters(&superuser, 1).await;
            in_flight.commit().await.unwrap();
        });
        assert_eq!(
            Refusal::of(&outcome.unwrap_err()).code,
            "idempotency_conflict"
        );
    }
    assert_eq!(
        number(
            &superuser,
            "SELECT count(*) FROM dot.v_process_run WHERE idempotency_key IS NOT NULL"
        )
        .await,
        0,
        "a part of the pair stayed"
    );
}
