//! The rows of a pair: one header and two components, or none.

use rstest_reuse::apply;
use serde_json::json;
use uuid::Uuid;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{CANDIDATE, CORRELATION, LONE, PRODUCER, VERIFIER};
use crate::common::forged_run::component_with_key;
use crate::common::{Backend, Call, TestContext, code, contents, execute, row, rows, text};

#[apply(on_each_backend)]
async fn the_pair_is_one_header_and_two_components_that_share_everything(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let (run, parent) = (
        "11111111-1111-4111-8111-111111111111",
        "22222222-2222-4222-8222-222222222222",
    );
    let call = Call::pair()
        .text("p_idempotency_key", "key")
        .text("p_process_run_id", run)
        .text("p_parent_run_id", parent)
        .text("p_input_ref", "in")
        .text("p_output_ref", "out")
        .text("p_error_ref", "err")
        .text("p_evidence_ref", r#"{"mine": true}"#);
    let returned = row(&observer, &call.sql()).await;
    let (producer, verifier) = (
        returned["producer_component_run_id"].as_str().unwrap(),
        returned["verifier_component_run_id"].as_str().unwrap(),
    );
    for id in [producer, verifier] {
        assert_eq!(Uuid::parse_str(id).unwrap().get_version_num(), 7);
    }
    assert_ne!(producer, verifier);
    assert_eq!(
        returned,
        json!({"process_run_id": run, "producer_component_run_id": producer, "verifier_component_run_id": verifier, "status": "completed",
               "evidence_type": "SIMULATED_DRY_RUN", "created": true, "events_emitted": 0, "output_ref": "out", "error_ref": "err"})
    );
    let common = "process_candidate_code, correlation_id, parent_run_id, source_system, input_ref, output_ref, error_ref, evidence_ref ->> 'mine' AS mine, actor, recorded_by";
    let shared = json!({"process_candidate_code": CANDIDATE, "correlation_id": CORRELATION, "parent_run_id": parent, "source_system": "dot_exec_wrapper",
        "input_ref": "in", "output_ref": "out", "error_ref": "err", "mine": "true", "actor": "tester", "recorded_by": "dot_observer"});
    let everywhere = rows(&superuser, &format!("SELECT {common} FROM dot.process_run_observation UNION ALL SELECT {common} FROM dot.process_component_observation")).await;
    assert_eq!(everywhere, vec![shared; 3]);
    let keys = rows(&superuser, "SELECT idempotency_key, dot_code, component_run_id AS id FROM dot.process_component_observation UNION ALL SELECT idempotency_key, dot_code, process_run_id FROM dot.process_run_observation ORDER BY 1").await;
    assert_eq!(
        keys,
        [
            json!({"idempotency_key": "key", "dot_code": PRODUCER, "id": run}),
            json!({"idempotency_key": format!("key:{PRODUCER}"), "dot_code": PRODUCER, "id": producer}),
            json!({"idempotency_key": format!("key:{VERIFIER}"), "dot_code": VERIFIER, "id": verifier}),
        ]
    );
    assert!(
        rows(&superuser, "SELECT 1 FROM dot.process_run_conclusion")
            .await
            .is_empty(),
        "recorded without execution: no conclusion"
    );
}

#[apply(on_each_backend)]
async fn generated_ids_are_unique_and_ordered_by_time(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let mut ids = Vec::new();
    for number in 0..20 {
        let returned = row(
            &observer,
            &Call::pair()
                .text("p_correlation_id", &number.to_string())
                .sql(),
        )
        .await;
        for id in [
            "process_run_id",
            "producer_component_run_id",
            "verifier_component_run_id",
        ] {
            ids.push(Uuid::parse_str(returned[id].as_str().unwrap()).unwrap());
        }
        rows(&observer, "SELECT pg_sleep(0.002)").await;
    }
    let runs: Vec<_> = ids.iter().step_by(3).copied().collect();
    assert!(runs.is_sorted(), "{runs:?}");
    assert!(
        ids.iter()
            .all(|id| id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122)
    );
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 60);
}

#[apply(on_each_backend)]
async fn failed_row_rolls_back_the_whole_pair(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    // The verifier's derived key is in use: this is found after the header and the producer were written.
    let run = text(&observer, &Call::run().sql()).await;
    execute(
        &superuser,
        &component_with_key(&run, VERIFIER, "verifier", &format!("key:{VERIFIER}")),
    )
    .await;
    let before = contents(&superuser).await;
    assert_eq!(
        code(
            &observer,
            &Call::pair().text("p_idempotency_key", "key").sql()
        )
        .await,
        "idempotency_conflict"
    );
    contents(&superuser)
        .await
        .assert_same(&before, "the half-written pair");
}

#[apply(on_each_version)]
async fn history_survives_pair_change(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    rows(&observer, &Call::pair().sql()).await;
    let run = text(&observer, &Call::run().text("p_dot_code", PRODUCER).sql()).await;
    let side = |dot_code: &str, role: &str| {
        Call::component(&run)
            .text("p_dot_code", dot_code)
            .text("p_component_role", role)
            .sql()
    };
    rows(&observer, &side(VERIFIER, "verifier")).await;
    execute(
        &superuser,
        &format!(
            "BEGIN; UPDATE dot.dot_tools SET paired_dot = NULL, pair_role = NULL WHERE dot_code = '{VERIFIER}';
             UPDATE dot.dot_tools SET paired_dot = '{LONE}' WHERE dot_code = '{PRODUCER}';
             UPDATE dot.dot_tools SET paired_dot = '{PRODUCER}', pair_role = 'verifier' WHERE dot_code = '{LONE}'; COMMIT"
        ),
    )
    .await;
    let observed = "SELECT dot_code, has_observation, process_run_id IS NOT NULL AS has_run FROM dot.v_process_dot_wrapper_status
                    WHERE has_observation ORDER BY dot_code";
    let seen =
        |dot_code: &str| json!({"dot_code": dot_code, "has_observation": true, "has_run": true});
    assert_eq!(
        rows(&observer, observed).await,
        [seen(PRODUCER), seen(VERIFIER)]
    );
    // The new verifier is counted too, with either way of recording.
    rows(&observer, &Call::pair().sql()).await;
    let second = text(&observer, &Call::run().text("p_dot_code", PRODUCER).sql()).await;
    let lone = Call::component(&second)
        .text("p_dot_code", LONE)
        .text("p_component_role", "verifier");
    rows(&observer, &lone.sql()).await;
    assert_eq!(
        rows(&observer, observed).await,
        [seen(PRODUCER), seen(VERIFIER), seen(LONE)]
    );
    let counts = row(&observer, "SELECT run_count, simulated_count, component_count FROM dot.v_process_discovery_runtime_observed").await;
    assert_eq!(
        counts,
        json!({"run_count": 4, "simulated_count": 4, "component_count": 6})
    );
}
