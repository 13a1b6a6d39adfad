//! Repeated, concurrent and large imports of a file.

use futures_util::future::join_all;
use rstest_reuse::apply;
use serde_json::{Value, json};

use super::rows::{asserted, row_with};
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{CANDIDATE, LONE, PRODUCER};
use crate::common::{
    Backend, Call, TestContext, code, contents, execute, literal, number, row, rows,
};

#[apply(on_each_backend)]
async fn importing_the_same_file_twice_writes_once(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    // Rows with a key, without one, with a blank key, and the same row twice.
    let file = json!([
        asserted("a"),
        asserted("b"),
        asserted("b"),
        row_with("idempotency_key", json!("key")),
        row_with("idempotency_key", json!("")),
        row_with("idempotency_key", json!("\u{a0}")),
        row_with("idempotency_key", Value::Null)
    ]);
    let first = number(&observer, &Call::backfill(&file).sql()).await;
    assert_eq!(
        number(
            &superuser,
            "SELECT count(*) FROM dot.process_run_observation"
        )
        .await,
        first
    );
    let before = contents(&superuser).await;
    assert_eq!(number(&observer, &Call::backfill(&file).sql()).await, 0);
    contents(&superuser)
        .await
        .assert_same(&before, "the second import");
    // Another row of the same file is new. The same row of another file is another assertion.
    assert_eq!(
        number(
            &observer,
            &Call::backfill(&json!([asserted("a"), asserted("c")])).sql()
        )
        .await,
        1
    );
    assert_eq!(
        number(
            &observer,
            &Call::backfill(&json!([asserted("a")]))
                .text("p_source_sha256", &"b".repeat(64))
                .sql()
        )
        .await,
        1
    );
}

#[apply(on_each_backend)]
async fn reused_backfill_key_with_other_content_is_a_conflict(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let keyed = row_with("idempotency_key", json!("key"));
    rows(&observer, &Call::backfill(&json!([keyed])).sql()).await;
    rows(
        &observer,
        &Call::pair().text("p_idempotency_key", "simulated").sql(),
    )
    .await;
    let before = contents(&superuser).await;
    for (key, value) in [
        ("correlation_id", json!("another")),
        ("process_candidate_code", json!("another")),
        ("dot_code", json!(LONE)),
        ("idempotency_key", json!("simulated")),
    ] {
        let mut other = keyed.clone();
        other[key] = value;
        assert_eq!(
            code(
                &observer,
                &Call::backfill(&json!([asserted("new"), other])).sql()
            )
            .await,
            "idempotency_conflict",
            "{key}"
        );
    }
    assert_eq!(
        code(
            &observer,
            &Call::pair()
                .text("p_idempotency_key", "key")
                .text("p_correlation_id", "old")
                .sql()
        )
        .await,
        "idempotency_conflict"
    );
    contents(&superuser)
        .await
        .assert_same(&before, "a conflict");
}

#[apply(on_each_version)]
async fn blocking_check_refuses_new_rows_and_returns_existing_ones(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let file = Call::backfill(&json!([asserted("old")])).sql();
    assert_eq!(number(&observer, &file).await, 1);
    execute(
        &superuser,
        "UPDATE dot.dot_preflight_check SET enabled = false",
    )
    .await;
    assert_eq!(number(&observer, &file).await, 0, "it is there already");
    let nothing = Call::backfill(&json!([])).sql();
    assert_eq!(number(&observer, &nothing).await, 0);
    for (row, expected) in [
        (asserted("new"), "preflight_blocked"),
        (json!(3), "backfill_row_invalid"),
        (row_with("dot_code", json!("DOT_UNKNOWN")), "unknown_dot"),
    ] {
        let call = Call::backfill(&json!([row])).sql();
        assert_eq!(code(&observer, &call).await, expected);
    }
}

#[apply(on_each_backend)]
async fn concurrent_imports_of_one_file_write_once(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let clients = stage.clients("observer", 16).await;
    let file: Vec<Value> = (0..5)
        .map(|number| asserted(&format!("row {number}")))
        .collect();
    let call = Call::backfill(&json!(file)).sql();
    let written = join_all(clients.iter().map(|client| number(client, &call))).await;
    assert_eq!(written.iter().sum::<i64>(), 5, "{written:?}");
    let counts = row(&clients[0], "SELECT run_count, backfilled_count, component_count FROM dot.v_process_discovery_runtime_observed").await;
    assert_eq!(
        counts,
        json!({"run_count": 5, "backfilled_count": 5, "component_count": 5})
    );
}

#[apply(on_each_version)]
async fn a_large_file_is_one_call(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let generated = format!(
        "(SELECT jsonb_agg(jsonb_build_object('dot_code', {}, 'process_candidate_code', {}, 'correlation_id', 'row ' || n)) FROM generate_series(1, 500) n)",
        literal(PRODUCER),
        literal(CANDIDATE)
    );
    assert_eq!(
        number(
            &observer,
            &Call::backfill(&json!([]))
                .with("p_rows", generated.clone())
                .sql()
        )
        .await,
        500
    );
    assert_eq!(
        number(
            &observer,
            &Call::backfill(&json!([])).with("p_rows", generated).sql()
        )
        .await,
        0
    );
}

/// Two logins import the same file: neither blocks the other, and each import is recorded.
#[apply(on_each_version)]
async fn backfill_of_the_same_file_by_two_logins_writes_two_assertions(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (first, second) = (stage.client("observer").await, stage.client("runner").await);
    let file = json!([{"dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "correlation_id": "old", "status": "completed"}]);
    let call = Call::backfill(&file).sql();
    for expected in [1, 0] {
        for client in [&first, &second] {
            assert_eq!(
                number(client, &format!("SELECT count FROM ({call}) AS x (count)")).await,
                expected
            );
        }
    }
    let logins = "SELECT count(DISTINCT recorded_by) FROM dot.process_run_observation WHERE evidence_type = 'BACKFILLED_EVIDENCE'";
    assert_eq!(number(&stage.superuser().await, logins).await, 2);
}
