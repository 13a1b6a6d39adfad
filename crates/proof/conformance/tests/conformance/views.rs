//! The views: columns, counts, and the wrapper status of each DOT.

use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{
    CANDIDATE, CORRELATION, LONE, OTHER_PRODUCER, PRODUCER, VERIFIER, set_posture,
};
use crate::common::forged_run::{self, ExecutedRun, TOKEN};
use crate::common::run_calls;
use crate::common::{Backend, Call, TestContext, execute, literal, number, row, rows, text};

/// View to columns, in their order, as they are documented.
const VIEWS: [(&str, &str); 21] = [
    (
        "v_process_dot_wrapper_status",
        "dot_code, paired_dot, trigger_type, engine, script_path, runner_exists, wrapper_status, has_observation, last_observation_type, process_run_id, correlation_id, dry_run_ready, fixture_status, next_action",
    ),
    (
        "v_process_discovery_runtime_observed",
        "process_candidate_code, run_count, real_run_count, dry_run_count, simulated_count, backfilled_count, component_count, last_observed_at",
    ),
    (
        "v_process_discovery_candidate_status_v3",
        "process_candidate_code, has_real_runtime, has_cross_component_correlation, owner_missing, best_evidence_type, candidate_status_v3, birth_gate_status_v3",
    ),
    (
        "v_process_discovery_verified_candidates_v3",
        "process_candidate_code, has_real_runtime, has_cross_component_correlation, owner_missing, best_evidence_type, candidate_status_v3, birth_gate_status_v3",
    ),
    (
        "v_process_discovery_birth_readiness_v3",
        "process_candidate_code, has_real_runtime, has_cross_component_correlation, owner_missing, best_evidence_type, candidate_status_v3, birth_gate_status_v3, next_rung, missing, has_inferred_pair, verified_run_id, verified_produced_at, producer_contract_sha256, verifier_contract_sha256, contracts_current",
    ),
    (
        "v_process_run",
        "process_run_id, dot_code, process_candidate_code, process_definition_code, correlation_id, parent_run_id, event_code, status, header_status, verdict, evidence_type, source_system, idempotency_key, input_ref, output_ref, error_ref, evidence_ref, actor, recorded_by, started_at, ended_at, created_at, producer_dot_code, producer_component_run_id, producer_status, producer_evidence_type, verifier_dot_code, verifier_component_run_id, verifier_status, verifier_evidence_type, duration, age, lease_name, lease_holder, concluded_at, header_evidence_type, warnings, attempt, attempt_of, happened, stopped_by, stop_reason, stopped_at, output_kind, reverifies, output_state, output_moved_to, runner",
    ),
    (
        "v_process_component",
        "component_run_id, process_run_id, component_role, parent_run_id, process_candidate_code, correlation_id, dot_code, event_code, queue_job_id, invocation_id, status, evidence_type, verdict, output_digest, source_system, idempotency_key, input_ref, output_ref, error_ref, evidence_ref, actor, recorded_by, started_at, ended_at, created_at",
    ),
    (
        "v_dot_invocation",
        "invocation_id, process_run_id, correlation_id, dot_code, component_role, mode, posture, endpoint_ref, input_digest, runner, recorded_by, begun_at, component_run_id, state, contract_sha256",
    ),
    (
        "v_dot_tool",
        "dot_code, name, tier, operation, paired_dot, pair_role, trigger_type, execution_engine, script_path, status, extra_metadata, created_at, lease_scope, paused_until, paused_by, pause_reason",
    ),
    (
        "v_process_candidate",
        "process_candidate_code, title, owner, created_at",
    ),
    (
        "v_dot_gate",
        "key, value, expires_at, live, open, updated_at, updated_by, reason, stop_at_end, let_finish, stop_now",
    ),
    (
        "v_dot_gate_history",
        "change_id, key, value, expires_at, actor, reason, recorded_by, changed_at, change_number, effective_at, stop_at_end, let_finish, stop_now",
    ),
    (
        "v_dot_preflight_check",
        "check_name, severity, on_finding, count_query, max_age, enabled, description",
    ),
    (
        "v_dot_contract",
        "dot_code, mode, candidate_code, operation, role, fixture_ref, output_namespace, no_mutation_assertion, endpoint_ref, invocation, expected_output_schema, verifier_schema, timeout_ms, contract_status, created_at, may_repeat, max_attempts, requires, contract_sha256",
    ),
    ("v_dot_fixture", "fixture_ref, sha256, body, created_at"),
    (
        "v_event_type",
        "event_type, stream, lane, severity, active, description",
    ),
    (
        "v_dot_lease",
        "lease_name, lease_holder, acquired_at, expires_at, released_at, acquisitions, state, process_run_id, holder_process",
    ),
    (
        "v_event_outbox",
        "event_id, event_seq, event_type, stream, lane, severity, correlation_id, process_run_id, component_run_id, payload, occurred_at",
    ),
    (
        "v_dot_refusal",
        "refusal_id, refusal_code, message, actor, dot_code, process_candidate_code, correlation_id, posture, detail, recorded_by, refused_at",
    ),
    ("v_dot_refusal_code", "code, sqlstate, hint, kind"),
    (
        "v_dot_void_receipt",
        "invocation_id, process_run_id, gate_key, closed_at",
    ),
];

#[apply(on_each_version)]
async fn each_documented_view_has_its_columns_in_their_order(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let reader = stage.client("reader").await;
    for (view, columns) in VIEWS {
        let found = text(&reader, &format!("SELECT string_agg(a.attname, ', ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = 'dot.{view}'::regclass AND a.attnum > 0")).await;
        assert_eq!(found, columns, "{view}");
        rows(&reader, &format!("SELECT * FROM dot.{view}")).await;
    }
}

#[apply(on_each_backend)]
async fn counts_are_of_components_and_their_runs(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    rows(&observer, &Call::pair().sql()).await;
    rows(
        &observer,
        &Call::pair().text("p_wrapper_status", "failed").sql(),
    )
    .await;
    let run = text(&observer, &Call::run().text("p_dot_code", PRODUCER).sql()).await;
    rows(&observer, &Call::component(&run).sql()).await;
    rows(&observer, &Call::run().sql()).await;
    rows(&observer, &Call::backfill(&json!([{"dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "correlation_id": "old"}])).sql()).await;
    rows(
        &observer,
        &Call::pair()
            .text("p_dot_code", OTHER_PRODUCER)
            .text("p_process_candidate_code", "another")
            .sql(),
    )
    .await;
    let counts = rows(&observer, "SELECT process_candidate_code, run_count, real_run_count, dry_run_count, simulated_count, backfilled_count, component_count FROM dot.v_process_discovery_runtime_observed ORDER BY run_count").await;
    let count = |candidate: &str, runs: i64, simulated: i64, backfilled: i64, components: i64| json!({"process_candidate_code": candidate, "run_count": runs, "real_run_count": 0, "dry_run_count": 0, "simulated_count": simulated, "backfilled_count": backfilled, "component_count": components});
    assert_eq!(
        counts,
        [count("another", 1, 1, 0, 2), count(CANDIDATE, 5, 3, 1, 6)]
    );
    let ledger = number(&observer, "SELECT count(*) FROM dot.v_process_component").await;
    assert_eq!(ledger, 8, "the rollup and the ledger agree");
}

async fn wrapper_status(client: &Client, dot_code: &str) -> Value {
    row(client, &format!("SELECT runner_exists, wrapper_status, has_observation, last_observation_type, dry_run_ready, fixture_status FROM dot.v_process_dot_wrapper_status WHERE dot_code = '{dot_code}'")).await
}

fn bind(dot_code: &str, mode: &str) -> String {
    let contract = json!({"dot_code": dot_code, "mode": mode, "endpoint_ref": "command:x", "no_mutation_assertion": mode != "REAL_RUN", "output_namespace": "DRYRUN-NS:x"});
    Call::new("fn_dot_contract_set")
        .with(
            "p_contract",
            format!("{}::jsonb", literal(&contract.to_string())),
        )
        .text("p_actor", "operator")
        .sql()
}

#[apply(on_each_backend)]
async fn the_wrapper_status_has_one_row_for_every_dot(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, observer) = (
        stage.client("operator").await,
        stage.client("observer").await,
    );
    let dots = rows(
        &operator,
        "SELECT dot_code FROM dot.v_process_dot_wrapper_status ORDER BY 1",
    )
    .await;
    assert_eq!(dots.len(), 5);
    let nothing = json!({"runner_exists": false, "wrapper_status": "WRAPPER_NEEDED", "has_observation": false, "last_observation_type": null, "dry_run_ready": false, "fixture_status": "none"});
    for dot_code in [PRODUCER, VERIFIER, LONE] {
        assert_eq!(wrapper_status(&operator, dot_code).await, nothing);
    }
    rows(&operator, &bind(PRODUCER, "DRY_RUN")).await;
    let bound = json!({"runner_exists": true, "wrapper_status": "WRAPPER_READY_NO_OBSERVATION", "has_observation": false, "last_observation_type": null, "dry_run_ready": false, "fixture_status": "none"});
    assert_eq!(
        wrapper_status(&operator, PRODUCER).await,
        bound,
        "its verifier has no contract yet"
    );
    rows(&operator, &bind(VERIFIER, "DRY_RUN")).await;
    assert_eq!(
        wrapper_status(&operator, PRODUCER).await["dry_run_ready"],
        true
    );
    rows(&observer, &Call::pair().sql()).await;
    for dot_code in [PRODUCER, VERIFIER] {
        let observed = wrapper_status(&operator, dot_code).await;
        assert_eq!(
            (
                &observed["wrapper_status"],
                &observed["has_observation"],
                &observed["last_observation_type"]
            ),
            (
                &json!("SIMULATED_OBSERVED"),
                &json!(true),
                &json!("SIMULATED_DRY_RUN")
            )
        );
    }
    let joined = row(&operator, &format!("SELECT s.correlation_id, s.process_run_id = r.process_run_id AS same FROM dot.v_process_dot_wrapper_status s, dot.v_process_run r WHERE s.dot_code = '{VERIFIER}'")).await;
    assert_eq!(joined, json!({"correlation_id": CORRELATION, "same": true}));
    assert_eq!(wrapper_status(&operator, OTHER_PRODUCER).await, nothing);
}

#[apply(on_each_version)]
async fn the_wrapper_status_names_the_best_evidence_and_the_last(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, operator, runner) = (
        stage.superuser().await,
        stage.client("operator").await,
        stage.client("runner").await,
    );
    set_posture(&operator, "REAL_RUN").await;
    forged_run::begin(&superuser).await;
    for (mode, run, receipt, expected) in [
        (
            "DRY_RUN",
            "00000000-0000-7000-8000-0000000000a1",
            "00000000-0000-7000-8000-0000000000b1",
            "DRY_RUN_OBSERVED",
        ),
        (
            "REAL_RUN",
            "00000000-0000-7000-8000-0000000000a2",
            "00000000-0000-7000-8000-0000000000b2",
            "REAL_RUN_OBSERVED",
        ),
    ] {
        let mut header = ExecutedRun::truthful().header;
        header.set("process_run_id", &literal(run));
        header.set("evidence_type", &literal(mode));
        execute(&superuser, &header.sql()).await;
        let bind = format!("UPDATE dot.dot_iu_runtime_lease SET process_run_id = '{run}'");
        execute(&superuser, &bind).await;
        let mut invocation = ExecutedRun::truthful().producer_receipt;
        invocation.set("process_run_id", &literal(run));
        invocation.set("invocation_id", &literal(receipt));
        invocation.set("mode", &literal(mode));
        execute(&superuser, &invocation.sql()).await;
        rows(
            &runner,
            &Call::component(run)
                .text("p_evidence_type", mode)
                .text("p_status", "step_completed")
                .text("p_invocation_id", receipt)
                .text("p_lease_token", TOKEN)
                .sql(),
        )
        .await;
        let status = wrapper_status(&operator, PRODUCER).await;
        assert_eq!(
            (&status["wrapper_status"], &status["last_observation_type"]),
            (&json!(expected), &json!(mode))
        );
    }
    let release = "UPDATE dot.dot_iu_runtime_lease SET released_at = clock_timestamp()";
    execute(&superuser, release).await;
    rows(&runner, &Call::pair().sql()).await;
    let status = wrapper_status(&operator, PRODUCER).await;
    assert_eq!(
        (&status["wrapper_status"], &status["last_observation_type"]),
        (&json!("REAL_RUN_OBSERVED"), &json!("SIMULATED_DRY_RUN"))
    );
    let verifier = wrapper_status(&operator, VERIFIER).await;
    assert_eq!(
        verifier["wrapper_status"], "SIMULATED_OBSERVED",
        "a verifier that never ran for real has not been observed for real"
    );
}

#[apply(on_each_backend)]
async fn backfilled_evidence_does_not_make_a_dot_simulated(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    rows(&observer, &Call::backfill(&json!([{"dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "correlation_id": "old"}])).sql()).await;
    let status = wrapper_status(&observer, PRODUCER).await;
    assert_eq!(
        (
            &status["wrapper_status"],
            &status["has_observation"],
            &status["last_observation_type"]
        ),
        (
            &json!("WRAPPER_READY_NO_OBSERVATION"),
            &json!(true),
            &json!("BACKFILLED_EVIDENCE")
        )
    );
}

/// What a plan may cost by the estimate before a server as it is shipped compiles it (`jit_above_cost`), which takes
/// half a second: far more than the plan itself does.
const COMPILED_ABOVE: f64 = 100_000.0;

#[apply(on_each_version)]
async fn status_views_stay_below_jit_threshold(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (reader, observer) = (stage.client("reader").await, stage.client("observer").await);
    rows(&observer, &Call::pair().sql()).await;
    for (view, _) in VIEWS {
        let explain = format!("EXPLAIN (FORMAT JSON) SELECT * FROM dot.{view}");
        let plan: serde_json::Value = reader.query_one(&explain, &[]).await.unwrap().get(0);
        let cost = plan[0]["Plan"]["Total Cost"].as_f64().unwrap();
        assert!(cost < COMPILED_ABOVE, "{view} is estimated at {cost}");
    }
}

#[apply(on_each_backend)]
async fn run_evidence_type_is_derived_from_its_rows(backend: Backend) {
    let (stage, runner, _operator, _superuser) = run_calls::ready(backend).await;
    let observer = stage.client("observer").await;
    let shown = async |run: &str| {
        row(
            &observer,
            &format!("SELECT evidence_type, header_evidence_type FROM dot.v_process_run WHERE process_run_id =
              '{run}'"),
        )
        .await
    };
    let is =
        |shown: &str, header: &str| json!({"evidence_type": shown, "header_evidence_type": header});
    // A header that an observer wrote, alone.
    let header = Call::run()
        .text("p_evidence_type", "REAL_RUN")
        .text("p_status", "completed")
        .text("p_dot_code", PRODUCER);
    let header = text(&observer, &header.sql()).await;
    assert_eq!(shown(&header).await, is("SIMULATED_DRY_RUN", "REAL_RUN"));
    // A receipt says that something was called; the component, what came of it: here two mocks.
    let run = run_calls::begun(&runner, "REAL_RUN").await;
    assert_eq!(shown(&run.run).await, is("REAL_RUN", "REAL_RUN"));
    rows(&runner, &run.producer("SIMULATED_DRY_RUN").sql()).await;
    assert_eq!(shown(&run.run).await, is("SIMULATED_DRY_RUN", "REAL_RUN"));
    let receipt = text(&runner, &run.invocation().sql()).await;
    rows(
        &runner,
        &run.verifier("SIMULATED_DRY_RUN", &receipt, "pass").sql(),
    )
    .await;
    rows(&runner, &run.conclusion("completed").sql()).await;
    assert_eq!(shown(&run.run).await, is("SIMULATED_DRY_RUN", "REAL_RUN"));
    // A producer that was called.
    let run = run_calls::begun(&runner, "DRY_RUN").await;
    rows(&runner, &run.producer("DRY_RUN").sql()).await;
    rows(&runner, &run.conclusion("failed").sql()).await;
    assert_eq!(shown(&run.run).await, is("DRY_RUN", "DRY_RUN"));
    // Only a verifier.
    let only = text(&observer, &Call::run().sql()).await;
    let verifier = Call::component(&only)
        .text("p_dot_code", VERIFIER)
        .text("p_component_role", "verifier");
    rows(&observer, &verifier.sql()).await;
    assert_eq!(
        shown(&only).await,
        is("SIMULATED_DRY_RUN", "SIMULATED_DRY_RUN")
    );
    let backfilled = "00000000-0000-7000-8000-0000000000bf";
    rows(&observer, &Call::backfill(&json!([{"dot_code": VERIFIER, "process_candidate_code": CANDIDATE, "correlation_id": "old", "process_run_id": backfilled}])).sql()).await;
    assert_eq!(
        shown(backfilled).await,
        is("BACKFILLED_EVIDENCE", "BACKFILLED_EVIDENCE")
    );
}

#[apply(on_each_version)]
async fn the_newest_runs_are_read_without_reading_the_others(backend: Backend) {
    let (stage, runner, _operator, superuser) = run_calls::ready(backend).await;
    execute(
        &superuser,
        "INSERT INTO dot.process_run_observation (process_run_id, process_candidate_code, correlation_id, status,
          evidence_type, source_system, evidence_ref, actor, created_at)
         SELECT gen_random_uuid(), 'c', 'c', 'completed', 'REAL_RUN', 's', '{}', 'a', now() - n * interval '1 second'
           FROM generate_series(1, 20000) n;
         ANALYZE dot.process_run_observation",
    )
    .await;
    run_calls::begun(&runner, "REAL_RUN").await;
    let mut reader = stage.superuser().await;
    let reader = reader.transaction().await.unwrap();
    let newest = rows(
        &reader,
        "SELECT evidence_type FROM dot.v_process_run ORDER BY created_at DESC, process_run_id DESC LIMIT 20",
    )
    .await;
    assert_eq!(newest.len(), 20);
    let read = "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_xact_user_tables WHERE
      schemaname = 'dot'";
    let read = number(&reader, read).await;
    assert!(read < 1000, "{read} rows were read");
}
