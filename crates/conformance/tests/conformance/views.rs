//! What readers see: counts, rungs and proofs, computed from components with receipts and from nothing else.

use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::executed::{ExecutedRun, RUN};
use crate::common::world::{
    CANDIDATE, CORRELATION, LONE, OTHER_PRODUCER, PRODUCER, VERIFIER, set_posture,
};
use crate::common::{Backend, Call, Stage, execute, literal, number, row, rows, text};

/// View to columns, in their order, as they are documented.
const VIEWS: [(&str, &str); 19] = [
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
        "process_candidate_code, has_real_runtime, has_cross_component_correlation, owner_missing, best_evidence_type, candidate_status_v3, birth_gate_status_v3, next_rung, missing",
    ),
    (
        "v_process_run",
        "process_run_id, dot_code, process_candidate_code, process_definition_code, correlation_id, parent_run_id, event_code, status, header_status, verdict, evidence_type, source_system, idempotency_key, input_ref, output_ref, error_ref, evidence_ref, actor, recorded_by, started_at, ended_at, created_at, producer_dot_code, producer_component_run_id, producer_status, producer_evidence_type, verifier_dot_code, verifier_component_run_id, verifier_status, verifier_evidence_type, duration, age, lease_name, lease_holder, concluded_at",
    ),
    (
        "v_process_component",
        "component_run_id, process_run_id, component_role, parent_run_id, process_candidate_code, correlation_id, dot_code, event_code, queue_job_id, invocation_id, status, evidence_type, verdict, output_digest, source_system, idempotency_key, input_ref, output_ref, error_ref, evidence_ref, actor, recorded_by, started_at, ended_at, created_at",
    ),
    (
        "v_dot_tool",
        "dot_code, name, tier, operation, paired_dot, pair_role, trigger_type, execution_engine, script_path, status, extra_metadata, created_at",
    ),
    (
        "v_process_candidate",
        "process_candidate_code, title, owner, created_at",
    ),
    (
        "v_dot_gate",
        "key, value, expires_at, live, open, updated_at, updated_by, reason",
    ),
    (
        "v_dot_gate_history",
        "change_id, key, value, expires_at, actor, reason, recorded_by, changed_at",
    ),
    (
        "v_dot_preflight_check",
        "check_name, severity, on_finding, count_query, max_age, enabled, description",
    ),
    (
        "v_dot_contract",
        "dot_code, mode, candidate_code, operation, role, fixture_ref, output_namespace, no_mutation_assertion, endpoint_ref, invocation, expected_output_schema, verifier_schema, timeout_ms, contract_status, created_at",
    ),
    ("v_dot_fixture", "fixture_ref, sha256, body, created_at"),
    (
        "v_event_type",
        "event_type, stream, lane, severity, active, description",
    ),
    (
        "v_dot_lease",
        "lease_name, lease_holder, acquired_at, expires_at, released_at, acquisitions, state",
    ),
    (
        "v_event_outbox",
        "event_id, event_seq, event_type, stream, lane, severity, correlation_id, process_run_id, component_run_id, payload, occurred_at",
    ),
    (
        "v_dot_refusal",
        "refusal_id, refusal_code, message, actor, dot_code, process_candidate_code, correlation_id, posture, detail, recorded_by, refused_at",
    ),
    ("v_dot_refusal_code", "code, sqlstate, hint"),
];

#[apply(on_each_version)]
async fn each_documented_view_has_its_columns_in_their_order(backend: Backend) {
    let stage = Stage::new(backend).await;
    let reader = stage.client("reader").await;
    for (view, columns) in VIEWS {
        let found = text(&reader, &format!("SELECT string_agg(a.attname, ', ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = 'dot.{view}'::regclass AND a.attnum > 0")).await;
        assert_eq!(found, columns, "{view}");
        rows(&reader, &format!("SELECT * FROM dot.{view}")).await;
    }
}

/// The functions' names, arguments with their types and defaults, and results, as the contract fixes them.
const SIGNATURES: [(&str, &str, &str); 12] = [
    ("fn_dot_iu_operator_runtime_enabled", "", "boolean"),
    ("fn_process_dot_posture", "", "text"),
    (
        "fn_dot_gate_set",
        "p_key text, p_value text, p_actor text, p_reason text, p_expires_at timestamp with time zone DEFAULT NULL::timestamp with time zone",
        "text",
    ),
    (
        "fn_dot_preflight",
        "",
        "TABLE(check_name text, cnt bigint, severity text, status text)",
    ),
    ("fn_assert_safe_for_dot_action", "", "void"),
    (
        "fn_dot_iu_runtime_lease_acquire",
        "p_lease_name text, p_holder text, p_ttl_seconds integer",
        "uuid",
    ),
    (
        "fn_dot_iu_runtime_lease_renew",
        "p_lease_name text, p_holder text, p_token uuid, p_ttl_seconds integer",
        "boolean",
    ),
    (
        "fn_dot_iu_runtime_lease_release",
        "p_lease_name text, p_holder text, p_token uuid",
        "boolean",
    ),
    (
        "fn_process_run_observe",
        "p_process_candidate_code text, p_correlation_id text, p_actor text, p_evidence_type text DEFAULT 'SIMULATED_DRY_RUN'::text, p_status text DEFAULT 'observed'::text, p_idempotency_key text DEFAULT NULL::text, p_process_run_id uuid DEFAULT NULL::uuid, p_parent_run_id uuid DEFAULT NULL::uuid, p_input_ref text DEFAULT NULL::text, p_output_ref text DEFAULT NULL::text, p_error_ref text DEFAULT NULL::text, p_evidence_ref jsonb DEFAULT '{}'::jsonb, p_source_system text DEFAULT 'dot_exec_wrapper'::text, p_event_code text DEFAULT NULL::text, p_started_at timestamp with time zone DEFAULT NULL::timestamp with time zone, p_ended_at timestamp with time zone DEFAULT NULL::timestamp with time zone, p_process_definition_code text DEFAULT NULL::text, p_dot_code text DEFAULT NULL::text",
        "uuid",
    ),
    (
        "fn_process_component_observe",
        "p_process_run_id uuid, p_dot_code text, p_component_role text, p_correlation_id text, p_actor text, p_evidence_type text DEFAULT 'SIMULATED_DRY_RUN'::text, p_status text DEFAULT 'observed'::text, p_idempotency_key text DEFAULT NULL::text, p_component_run_id uuid DEFAULT NULL::uuid, p_parent_run_id uuid DEFAULT NULL::uuid, p_event_code text DEFAULT NULL::text, p_queue_job_id uuid DEFAULT NULL::uuid, p_input_ref text DEFAULT NULL::text, p_output_ref text DEFAULT NULL::text, p_error_ref text DEFAULT NULL::text, p_evidence_ref jsonb DEFAULT '{}'::jsonb, p_source_system text DEFAULT 'dot_exec_wrapper'::text, p_started_at timestamp with time zone DEFAULT NULL::timestamp with time zone, p_ended_at timestamp with time zone DEFAULT NULL::timestamp with time zone, p_invocation_id uuid DEFAULT NULL::uuid, p_verdict text DEFAULT NULL::text, p_lease_token uuid DEFAULT NULL::uuid, p_output_digest text DEFAULT NULL::text",
        "uuid",
    ),
    (
        "fn_process_pair_observe",
        "p_dot_code text, p_process_candidate_code text, p_correlation_id text, p_actor text, p_wrapper_status text DEFAULT 'completed'::text, p_evidence_type text DEFAULT 'SIMULATED_DRY_RUN'::text, p_dry_run boolean DEFAULT true, p_idempotency_key text DEFAULT NULL::text, p_process_run_id uuid DEFAULT NULL::uuid, p_parent_run_id uuid DEFAULT NULL::uuid, p_input_ref text DEFAULT NULL::text, p_output_ref text DEFAULT NULL::text, p_error_ref text DEFAULT NULL::text, p_evidence_ref jsonb DEFAULT '{}'::jsonb, p_lease_ttl_seconds integer DEFAULT 60",
        "TABLE(process_run_id uuid, producer_component_run_id uuid, verifier_component_run_id uuid, status text, evidence_type text, created boolean, events_emitted integer, output_ref text, error_ref text)",
    ),
    (
        "fn_process_backfill",
        "p_rows jsonb, p_actor text, p_source_ref text, p_source_sha256 text",
        "bigint",
    ),
];

#[apply(on_each_version)]
async fn each_fixed_signature_is_as_the_contract_says_and_alone(backend: Backend) {
    let stage = Stage::new(backend).await;
    let reader = stage.client("reader").await;
    for (name, arguments, result) in SIGNATURES {
        let found = rows(&reader, &format!("SELECT pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result FROM pg_proc p WHERE p.pronamespace = 'dot'::regnamespace AND p.proname = '{name}'")).await;
        assert_eq!(
            found,
            [json!({"arguments": arguments, "result": result})],
            "{name}"
        );
    }
    let result = text(
        &reader,
        "SELECT pg_get_function_result('dot.fn_dot_refusal_record(jsonb)'::regprocedure)",
    )
    .await;
    assert_eq!(result, "uuid");
}

async fn candidate(client: &Client) -> Value {
    row(client, &format!("SELECT has_real_runtime, has_cross_component_correlation, owner_missing, best_evidence_type, candidate_status_v3, birth_gate_status_v3 FROM dot.v_process_discovery_candidate_status_v3 WHERE process_candidate_code = {}", literal(CANDIDATE))).await
}

async fn is_verified(client: &Client) -> bool {
    let views = [
        "candidate_status_v3",
        "verified_candidates_v3",
        "birth_readiness_v3",
    ];
    let mut shown = Vec::new();
    for view in views {
        let rung = rows(client, &format!("SELECT candidate_status_v3 FROM dot.v_process_discovery_{view} WHERE process_candidate_code = {} AND candidate_status_v3 IN ('verified_candidate', 'birth_ready')", literal(CANDIDATE))).await;
        shown.push(!rung.is_empty());
    }
    assert!(
        shown.iter().all(|one| *one == shown[0]),
        "the views disagree: {shown:?}"
    );
    shown[0]
}

fn set_candidate(owner: &str) -> String {
    Call::new("fn_process_candidate_set")
        .text("p_process_candidate_code", CANDIDATE)
        .text("p_title", "Backups")
        .with("p_owner", owner)
        .text("p_actor", "operator")
        .sql()
}

#[apply(on_each_version)]
async fn a_truthful_executed_run_is_verified_and_with_an_owner_ready(backend: Backend) {
    let stage = Stage::new(backend).await;
    let (superuser, operator) = (stage.superuser().await, stage.client("operator").await);
    rows(&operator, &set_candidate("NULL")).await;
    execute(&superuser, &ExecutedRun::truthful().sql()).await;
    assert_eq!(
        candidate(&operator).await,
        json!({"has_real_runtime": true, "has_cross_component_correlation": true, "owner_missing": true, "best_evidence_type": "REAL_RUN",
               "candidate_status_v3": "verified_candidate", "birth_gate_status_v3": "VERIFIED_PENDING_OWNER"})
    );
    assert!(is_verified(&operator).await);
    rows(&operator, &set_candidate("U&'\\00a0'")).await;
    assert_eq!(
        candidate(&operator).await["candidate_status_v3"],
        "verified_candidate",
        "a blank owner is none"
    );
    rows(&operator, &set_candidate("'ann'")).await;
    let ready = candidate(&operator).await;
    assert_eq!(
        (
            &ready["candidate_status_v3"],
            &ready["birth_gate_status_v3"]
        ),
        (&json!("birth_ready"), &json!("BIRTH_READY"))
    );
    assert!(is_verified(&operator).await);
    let run = row(&operator, "SELECT status, header_status, verdict, concluded_at IS NOT NULL AS concluded FROM dot.v_process_run").await;
    assert_eq!(
        run,
        json!({"status": "completed", "header_status": "started", "verdict": "pass", "concluded": true})
    );
}

/// What breaks a proof, and the rung that is left.
type Break = (&'static str, fn(&mut ExecutedRun), &'static str);

const BREAKS: [Break; 21] = [
    (
        "the verifier was given another output",
        |run| run.verifier_receipt.set("input_digest", "'sha256:another'"),
        "real_run_observed",
    ),
    (
        "the verifier was given no output",
        |run| run.verifier_receipt.set("input_digest", "NULL"),
        "real_run_observed",
    ),
    (
        "the producer committed no digest",
        |run| run.producer.set("output_digest", "NULL"),
        "real_run_observed",
    ),
    (
        "neither has a digest",
        |run| {
            run.producer.set("output_digest", "NULL");
            run.verifier_receipt.set("input_digest", "NULL");
        },
        "real_run_observed",
    ),
    (
        "the verifier says fail",
        |run| run.verifier.set("verdict", "'fail'"),
        "real_run_observed",
    ),
    (
        "the verifier says error",
        |run| run.verifier.set("verdict", "'error'"),
        "real_run_observed",
    ),
    (
        "the verifier says nothing",
        |run| run.verifier.set("verdict", "NULL"),
        "real_run_observed",
    ),
    (
        "only the producer says pass",
        |run| {
            run.verifier.set("verdict", "NULL");
            run.producer.set("verdict", "'pass'");
        },
        "real_run_observed",
    ),
    (
        "the conclusion says fail",
        |run| run.conclusion.set("verdict", "'fail'"),
        "real_run_observed",
    ),
    (
        "the conclusion has no verdict",
        |run| run.conclusion.set("verdict", "NULL"),
        "real_run_observed",
    ),
    (
        "the conclusion says failed",
        |run| run.conclusion.set("status", "'failed'"),
        "real_run_observed",
    ),
    (
        "the conclusion says stuck",
        |run| run.conclusion.set("status", "'stuck'"),
        "real_run_observed",
    ),
    (
        "the verifier has another correlation",
        |run| run.verifier.set("correlation_id", "'another'"),
        "real_run_observed",
    ),
    (
        "both have another correlation than the header",
        |run| {
            run.verifier.set("correlation_id", "'another'");
            run.producer.set("correlation_id", "'another'");
        },
        "real_run_observed",
    ),
    (
        "the verifier ran dry",
        |run| {
            run.verifier.set("evidence_type", "'DRY_RUN'");
            run.verifier_receipt.set("mode", "'DRY_RUN'");
        },
        "real_run_observed",
    ),
    (
        "the verifier's receipt is of a dry run",
        |run| run.verifier_receipt.set("mode", "'DRY_RUN'"),
        "real_run_observed",
    ),
    (
        "the verifier was simulated",
        |run| run.verifier.set("evidence_type", "'SIMULATED_DRY_RUN'"),
        "real_run_observed",
    ),
    (
        "the producer did not complete",
        |run| run.producer.set("status", "'failed'"),
        "structural_candidate",
    ),
    (
        "the producer was simulated",
        |run| run.producer.set("evidence_type", "'SIMULATED_DRY_RUN'"),
        "structural_candidate",
    ),
    (
        "the producer ran dry",
        |run| {
            run.producer.set("evidence_type", "'DRY_RUN'");
            run.producer_receipt.set("mode", "'DRY_RUN'");
        },
        "dry_run_observed",
    ),
    (
        "both were backfilled",
        |run| {
            run.producer.set("evidence_type", "'BACKFILLED_EVIDENCE'");
            run.verifier.set("evidence_type", "'BACKFILLED_EVIDENCE'");
        },
        "structural_candidate",
    ),
];

#[apply(on_each_version)]
async fn a_proof_with_one_flaw_is_no_proof(backend: Backend) {
    let stage = Stage::new(backend).await;
    let (mut superuser, operator) = (stage.superuser().await, stage.client("operator").await);
    rows(&operator, &set_candidate("'ann'")).await;
    for (what, flaw, rung) in BREAKS {
        let mut run = ExecutedRun::truthful();
        flaw(&mut run);
        let transaction = superuser.transaction().await.unwrap();
        execute(&transaction, &run.sql()).await;
        let shown = row(&transaction, &format!("SELECT candidate_status_v3 FROM dot.v_process_discovery_candidate_status_v3 WHERE process_candidate_code = {}", literal(CANDIDATE))).await;
        // The rollup, which counts simulated and backfilled runs, is not written by the superuser's rows.
        assert_eq!(shown["candidate_status_v3"], rung, "{what}");
        let ready = number(&transaction, "SELECT count(*) FROM dot.v_process_discovery_birth_readiness_v3 WHERE candidate_status_v3 IN ('verified_candidate', 'birth_ready')").await;
        assert_eq!(ready, 0, "{what}");
        transaction.rollback().await.unwrap();
    }
    // The harness itself can succeed.
    execute(&superuser, &ExecutedRun::truthful().sql()).await;
    assert!(is_verified(&operator).await);
}

#[apply(on_each_version)]
async fn parts_of_the_proof_in_two_runs_are_no_proof(backend: Backend) {
    let stage = Stage::new(backend).await;
    let (superuser, operator) = (stage.superuser().await, stage.client("operator").await);
    rows(&operator, &set_candidate("'ann'")).await;
    let good = ExecutedRun::truthful();
    let without_verdict = [&good.header, &good.producer_receipt, &good.producer]
        .map(|insert| insert.sql() + ";")
        .concat();
    execute(&superuser, &without_verdict).await;
    let second = |sql: String| sql.replace(RUN, "00000000-0000-7000-8000-0000000000aa");
    let mut header = good.header.clone();
    header.set("lease_token", "gen_random_uuid()");
    for insert in [
        header,
        good.verifier_receipt.clone(),
        good.verifier.clone(),
        good.conclusion.clone(),
    ] {
        execute(&superuser, &second(insert.sql())).await;
    }
    assert!(!is_verified(&operator).await);
    assert_eq!(
        candidate(&operator).await["candidate_status_v3"],
        "real_run_observed"
    );
}

#[apply(on_each_version)]
async fn a_run_without_a_conclusion_is_no_proof(backend: Backend) {
    let stage = Stage::new(backend).await;
    let (superuser, operator) = (stage.superuser().await, stage.client("operator").await);
    rows(&operator, &set_candidate("'ann'")).await;
    let run = ExecutedRun::truthful();
    for insert in [
        &run.header,
        &run.producer_receipt,
        &run.producer,
        &run.verifier_receipt,
        &run.verifier,
    ] {
        execute(&superuser, &insert.sql()).await;
    }
    assert_eq!(
        candidate(&operator).await,
        json!({"has_real_runtime": true, "has_cross_component_correlation": false, "owner_missing": false, "best_evidence_type": "REAL_RUN",
               "candidate_status_v3": "real_run_observed", "birth_gate_status_v3": "REAL_RUN_NEEDS_FULL_BAR"})
    );
    let shown = rows(
        &operator,
        "SELECT candidate_status_v3 FROM dot.v_process_discovery_verified_candidates_v3",
    )
    .await;
    assert_eq!(
        shown,
        [json!({"candidate_status_v3": "real_run_observed"})],
        "shown with that status"
    );
}

#[apply(on_each_backend)]
async fn the_ladder_is_climbed_rung_by_rung(backend: Backend) {
    let stage = Stage::new(backend).await;
    let (superuser, operator, observer) = (
        stage.superuser().await,
        stage.client("operator").await,
        stage.client("observer").await,
    );
    let rung = async |status: &str, gate: &str, best: Value| {
        let shown = candidate(&operator).await;
        assert_eq!(
            (
                &shown["candidate_status_v3"],
                &shown["birth_gate_status_v3"],
                &shown["best_evidence_type"]
            ),
            (&json!(status), &json!(gate), &best)
        );
        let verified = number(
            &operator,
            "SELECT count(*) FROM dot.v_process_discovery_verified_candidates_v3",
        )
        .await;
        assert_eq!(verified, i64::from(best == "REAL_RUN"), "{status}");
        let readiness = row(&operator, "SELECT candidate_status_v3, missing IS NULL AS complete, next_rung IS NULL AS top FROM dot.v_process_discovery_birth_readiness_v3").await;
        assert_eq!(
            readiness,
            json!({"candidate_status_v3": status, "complete": status == "birth_ready", "top": status == "birth_ready"})
        );
    };
    rows(&operator, &set_candidate("'ann'")).await;
    rung("structural_candidate", "NO_EVIDENCE", Value::Null).await;
    rows(&observer, &Call::backfill(&json!([{"dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "correlation_id": "old", "verdict": "pass"}])).sql()).await;
    rung(
        "backfilled_observed",
        "BACKFILL_ONLY_NOT_VERIFIED",
        json!("BACKFILLED_EVIDENCE"),
    )
    .await;
    rows(&observer, &Call::pair().sql()).await;
    rung(
        "simulated_observed",
        "SIMULATED_PROOF_ONLY_NOT_VERIFIED",
        json!("SIMULATED_DRY_RUN"),
    )
    .await;
    let mut dry = ExecutedRun::truthful();
    dry.producer_receipt.set("mode", "'DRY_RUN'");
    dry.producer.set("evidence_type", "'DRY_RUN'");
    let dry_id = |sql: String| {
        sql.replace(RUN, "00000000-0000-7000-8000-0000000000aa")
            .replace(
                "00000000-0000-7000-8000-00000000000b",
                "00000000-0000-7000-8000-0000000000bb",
            )
    };
    for insert in [&dry.header, &dry.producer_receipt, &dry.producer] {
        execute(&superuser, &dry_id(insert.sql())).await;
    }
    rung(
        "dry_run_observed",
        "DRY_RUN_PROOF_ONLY_NOT_VERIFIED",
        json!("DRY_RUN"),
    )
    .await;
    let run = ExecutedRun::truthful();
    for insert in [
        &run.header,
        &run.producer_receipt,
        &run.producer,
        &run.verifier_receipt,
        &run.verifier,
    ] {
        execute(&superuser, &insert.sql()).await;
    }
    rung(
        "real_run_observed",
        "REAL_RUN_NEEDS_FULL_BAR",
        json!("REAL_RUN"),
    )
    .await;
    execute(&superuser, &run.conclusion.sql()).await;
    rung("birth_ready", "BIRTH_READY", json!("REAL_RUN")).await;
    rows(&operator, &set_candidate("NULL")).await;
    rung(
        "verified_candidate",
        "VERIFIED_PENDING_OWNER",
        json!("REAL_RUN"),
    )
    .await;
}

#[apply(on_each_backend)]
async fn simulated_and_backfilled_evidence_never_appears_as_verified_however_much_there_is(
    backend: Backend,
) {
    let stage = Stage::new(backend).await;
    let (operator, observer) = (
        stage.client("operator").await,
        stage.client("observer").await,
    );
    set_posture(&operator, "REAL_RUN").await;
    rows(&operator, &set_candidate("'ann'")).await;
    for number in 0..5 {
        rows(
            &observer,
            &Call::pair()
                .text(
                    "p_evidence_ref",
                    r#"{"verdict": "pass", "evidence_type": "REAL_RUN"}"#,
                )
                .text("p_output_ref", "sha256:x")
                .text("p_correlation_id", &format!("{number}"))
                .sql(),
        )
        .await;
        let asserted = json!([{"dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "correlation_id": format!("b{number}"), "verdict": "pass", "invocation_id": RUN, "output_digest": "x"}]);
        rows(&observer, &Call::backfill(&asserted).sql()).await;
        rows(
            &observer,
            &Call::run()
                .text("p_evidence_type", "REAL_RUN")
                .text("p_status", "completed")
                .sql(),
        )
        .await;
    }
    assert_eq!(
        candidate(&operator).await["candidate_status_v3"],
        "simulated_observed"
    );
    assert!(
        rows(
            &operator,
            "SELECT * FROM dot.v_process_discovery_verified_candidates_v3"
        )
        .await
        .is_empty()
    );
}

#[apply(on_each_backend)]
async fn counts_are_of_components_and_their_runs(backend: Backend) {
    let stage = Stage::new(backend).await;
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

#[apply(on_each_backend)]
async fn a_candidate_that_is_known_only_from_runs_has_no_owner(backend: Backend) {
    let stage = Stage::new(backend).await;
    let observer = stage.client("observer").await;
    rows(&observer, &Call::pair().sql()).await;
    assert_eq!(
        candidate(&observer).await,
        json!({"has_real_runtime": false, "has_cross_component_correlation": false, "owner_missing": true, "best_evidence_type": "SIMULATED_DRY_RUN",
               "candidate_status_v3": "simulated_observed", "birth_gate_status_v3": "SIMULATED_PROOF_ONLY_NOT_VERIFIED"})
    );
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
    let stage = Stage::new(backend).await;
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
    let stage = Stage::new(backend).await;
    let (superuser, operator, runner) = (
        stage.superuser().await,
        stage.client("operator").await,
        stage.client("runner").await,
    );
    set_posture(&operator, "REAL_RUN").await;
    for (mode, receipt, expected) in [
        (
            "DRY_RUN",
            "00000000-0000-7000-8000-0000000000b1",
            "DRY_RUN_OBSERVED",
        ),
        (
            "REAL_RUN",
            "00000000-0000-7000-8000-0000000000b2",
            "REAL_RUN_OBSERVED",
        ),
    ] {
        let run = text(
            &runner,
            &Call::run()
                .text("p_dot_code", PRODUCER)
                .text("p_evidence_type", mode)
                .sql(),
        )
        .await;
        let mut invocation = ExecutedRun::truthful().producer_receipt;
        invocation.set("process_run_id", &literal(&run));
        invocation.set("invocation_id", &literal(receipt));
        invocation.set("mode", &literal(mode));
        execute(&superuser, &invocation.sql()).await;
        rows(
            &runner,
            &Call::component(&run)
                .text("p_evidence_type", mode)
                .text("p_status", "step_completed")
                .text("p_invocation_id", receipt)
                .sql(),
        )
        .await;
        let status = wrapper_status(&operator, PRODUCER).await;
        assert_eq!(
            (&status["wrapper_status"], &status["last_observation_type"]),
            (&json!(expected), &json!(mode))
        );
    }
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
    let stage = Stage::new(backend).await;
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
