//! Pairs and single components that are recorded at the same time are all counted.

use rstest_reuse::apply;
use serde_json::json;

use crate::common::backend::on_each_backend;
use crate::common::fixtures::{PRODUCER, VERIFIER};
use crate::common::{Backend, Call, TestContext, row, rows, text};

#[apply(on_each_backend)]
async fn many_pairs_at_once_are_all_recorded_and_counted(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let clients = stage.clients("observer", 16).await;
    let record = clients
        .iter()
        .enumerate()
        .map(|(number, client)| async move {
            for round in 0..5 {
                let dot_code = if number % 2 == 0 {
                    PRODUCER
                } else {
                    "DOT_COPY"
                };
                // Two candidates in turn: a pair may be evidence for several candidates.
                let candidate = if round % 2 == 0 { "even" } else { "odd" };
                let call = Call::pair()
                    .text("p_dot_code", dot_code)
                    .text("p_process_candidate_code", candidate)
                    .text("p_correlation_id", &format!("{number}-{round}"))
                    .sql();
                assert_eq!(row(client, &call).await["created"], true);
            }
        });
    futures_util::future::join_all(record).await;
    let counts = rows(&clients[0], "SELECT process_candidate_code, run_count, simulated_count, component_count, real_run_count FROM dot.v_process_discovery_runtime_observed ORDER BY 1").await;
    let count = |candidate: &str, runs: i64| json!({"process_candidate_code": candidate, "run_count": runs, "simulated_count": runs, "component_count": 2 * runs, "real_run_count": 0});
    assert_eq!(counts, [count("even", 48), count("odd", 32)]);
    let whole = row(&clients[0], "SELECT count(*) AS runs, count(DISTINCT correlation_id) AS correlations, bool_and(producer_component_run_id IS NOT NULL AND verifier_component_run_id IS NOT NULL) AS whole FROM dot.v_process_run").await;
    assert_eq!(
        whole,
        json!({"runs": 80, "correlations": 80, "whole": true})
    );
}

#[apply(on_each_backend)]
async fn many_single_recordings_at_once_are_all_counted(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let clients = stage.clients("observer", 12).await;
    let record = clients
        .iter()
        .enumerate()
        .map(|(number, client)| async move {
            let run = text(
                client,
                &Call::run()
                    .text("p_dot_code", PRODUCER)
                    .text("p_correlation_id", &number.to_string())
                    .sql(),
            )
            .await;
            for (dot_code, role) in [(PRODUCER, "producer"), (VERIFIER, "verifier")] {
                rows(
                    client,
                    &Call::component(&run)
                        .text("p_dot_code", dot_code)
                        .text("p_component_role", role)
                        .text("p_correlation_id", &number.to_string())
                        .sql(),
                )
                .await;
            }
        });
    futures_util::future::join_all(record).await;
    let counts = row(&clients[0], "SELECT run_count, simulated_count, component_count FROM dot.v_process_discovery_runtime_observed").await;
    assert_eq!(
        counts,
        json!({"run_count": 12, "simulated_count": 12, "component_count": 24})
    );
}

#[apply(on_each_backend)]
async fn both_components_of_a_run_recorded_concurrently_count_as_one_run(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let clients = stage.clients("observer", 2).await;
    for _ in 0..10 {
        let run = text(&clients[0], &Call::run().text("p_dot_code", PRODUCER).sql()).await;
        let producer = Call::component(&run).sql();
        let verifier = Call::component(&run)
            .text("p_dot_code", VERIFIER)
            .text("p_component_role", "verifier")
            .sql();
        tokio::join!(rows(&clients[0], &producer), rows(&clients[1], &verifier));
    }
    let counts = row(&clients[0], "SELECT run_count, simulated_count, component_count FROM dot.v_process_discovery_runtime_observed").await;
    assert_eq!(
        counts,
        json!({"run_count": 10, "simulated_count": 10, "component_count": 20})
    );
}
