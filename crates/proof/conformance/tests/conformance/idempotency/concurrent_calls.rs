//! Sixteen connections call with the same key, or with the same id, at the same time.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use rstest_reuse::apply;
use serde_json::Value;
use tokio_postgres::Client;

use super::calls::{ids, keyed_pair, keyed_run};
use crate::common::backend::on_each_backend;
use crate::common::fixtures::{CORRELATION, OTHER_PRODUCER, PRODUCER};
use crate::common::{Backend, Call, Refusal, TestContext, ask, number, row, text};

/// One call created the pair, and all calls returned its ids.
fn assert_one_pair(returned: &[Value]) {
    let created = returned.iter().filter(|row| row["created"] == true);
    assert_eq!(created.count(), 1, "{returned:?}");
    let distinct: BTreeSet<_> = returned
        .iter()
        .map(|row| ids(row).map(Value::to_string))
        .collect();
    assert_eq!(distinct.len(), 1, "{distinct:?}");
}

#[apply(on_each_backend)]
async fn sixteen_connections_with_one_key_create_one_pair(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let clients = stage.clients("observer", 16).await;
    let call = keyed_pair().sql();
    let returned: Vec<Value> = join_all(clients.iter().map(|client| row(client, &call))).await;
    assert_one_pair(&returned);
    assert_eq!(
        number(&clients[0], "SELECT count(*) FROM dot.v_process_component").await,
        2
    );
}

/// Makes one call per client at the same time, and returns the rows and the refusal codes.
async fn call_concurrently(
    clients: &[Client],
    call: impl Fn(usize) -> String,
) -> (Vec<Value>, Vec<String>) {
    let outcomes = join_all(clients.iter().enumerate().map(|(number, client)| {
        let call = call(number);
        async move { ask(client, &call).await }
    }))
    .await;
    let (mut returned, mut refusals) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(mut rows) => returned.push(rows.remove(0)),
            Err(error) => refusals.push(Refusal::of(&error).code),
        }
    }
    (returned, refusals)
}

#[apply(on_each_backend)]
async fn sixteen_connections_with_one_key_for_four_things_create_one_and_refuse_the_others(
    backend: Backend,
) {
    let stage = TestContext::new(backend).await;
    let clients = stage.clients("observer", 16).await;
    for (round, dot_codes) in [[PRODUCER, PRODUCER], [PRODUCER, OTHER_PRODUCER]]
        .into_iter()
        .enumerate()
    {
        let (returned, refusals) = call_concurrently(&clients, |number| {
            keyed_pair()
                .text("p_idempotency_key", &format!("key {round}"))
                .text("p_dot_code", dot_codes[number % 2])
                .text("p_correlation_id", &format!("correlation {}", number % 4))
                .sql()
        })
        .await;
        assert_one_pair(&returned);
        assert_eq!(
            returned.len(),
            4,
            "only the callers of the first thing get its ids: {returned:?}"
        );
        assert_eq!(refusals, vec!["idempotency_conflict"; 12]);
    }
    assert_eq!(
        number(&clients[0], "SELECT count(*) FROM dot.v_process_run").await,
        2
    );
}

/// Half of the calls returned the same row. The others were refused because of their key.
fn assert_half_are_conflicts((returned, refusals): &(Vec<Value>, Vec<String>)) {
    let distinct: BTreeSet<String> = returned.iter().map(Value::to_string).collect();
    assert_eq!((returned.len(), distinct.len()), (8, 1), "{returned:?}");
    assert_eq!(*refusals, vec!["idempotency_conflict"; 8]);
}

#[apply(on_each_backend)]
async fn sixteen_connections_with_one_key_create_one_header(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let clients = stage.clients("observer", 16).await;
    let outcomes = call_concurrently(&clients, |number| {
        keyed_run()
            .text(
                "p_correlation_id",
                if number % 2 == 0 {
                    CORRELATION
                } else {
                    "another"
                },
            )
            .sql()
    })
    .await;
    assert_half_are_conflicts(&outcomes);
    assert_eq!(
        number(&clients[0], "SELECT count(*) FROM dot.v_process_run").await,
        1
    );
}

#[apply(on_each_backend)]
async fn sixteen_connections_with_one_key_create_one_component(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let clients = stage.clients("observer", 16).await;
    let mut runs = Vec::new();
    for _ in 0..2 {
        runs.push(text(&clients[0], &Call::run().text("p_dot_code", PRODUCER).sql()).await);
    }
    let outcomes = call_concurrently(&clients, |number| {
        Call::component(&runs[number % 2])
            .text("p_idempotency_key", "key")
            .sql()
    })
    .await;
    assert_half_are_conflicts(&outcomes);
    assert_eq!(
        number(&clients[0], "SELECT count(*) FROM dot.v_process_component").await,
        1
    );
}

#[apply(on_each_backend)]
async fn sixteen_connections_with_one_id_and_no_key_create_one_run(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let clients = stage.clients("observer", 16).await;
    let id = "11111111-1111-4111-8111-111111111111";
    let (returned, refusals) = call_concurrently(&clients, |number| {
        let call = if number % 2 == 0 {
            Call::pair()
        } else {
            Call::pair().text("p_dot_code", OTHER_PRODUCER)
        };
        call.text("p_process_run_id", id).sql()
    })
    .await;
    assert_eq!(returned.len(), 1, "{returned:?}");
    assert_eq!(refusals, vec!["id_in_use"; 15]);
}
