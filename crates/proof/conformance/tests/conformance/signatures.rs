//! The functions' names, arguments and results, which are part of the contract.

use rstest_reuse::apply;
use serde_json::json;

use crate::common::backend::on_each_version;
use crate::common::{Backend, TestContext, execute, rows, text};

/// The functions' names, arguments with their types and defaults, and results, as the contract fixes them.
const SIGNATURES: [(&str, &str, &str); 24] = [
    ("fn_dot_iu_operator_runtime_enabled", "", "boolean"),
    ("fn_process_dot_posture", "", "text"),
    (
        "fn_dot_gate_set",
        "p_key text, p_value text, p_actor text, p_reason text, p_expires_at timestamp with time zone DEFAULT NULL::timestamp with time zone, p_stop_at_end boolean DEFAULT false, p_let_finish boolean DEFAULT false, p_stop_now boolean DEFAULT false",
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
        "p_dot_code text, p_process_candidate_code text, p_correlation_id text, p_actor text, p_wrapper_status text DEFAULT 'completed'::text, p_evidence_type text DEFAULT 'SIMULATED_DRY_RUN'::text, p_dry_run boolean DEFAULT true, p_idempotency_key text DEFAULT NULL::text, p_process_run_id uuid DEFAULT NULL::uuid, p_parent_run_id uuid DEFAULT NULL::uuid, p_input_ref text DEFAULT NULL::text, p_output_ref text DEFAULT NULL::text, p_error_ref text DEFAULT NULL::text, p_evidence_ref jsonb DEFAULT '{}'::jsonb, p_lease_ttl_seconds integer DEFAULT 60, p_allow_secret_input boolean DEFAULT false",
        "TABLE(process_run_id uuid, producer_component_run_id uuid, verifier_component_run_id uuid, status text, evidence_type text, created boolean, events_emitted integer, output_ref text, error_ref text)",
    ),
    (
        "fn_process_backfill",
        "p_rows jsonb, p_actor text, p_source_ref text, p_source_sha256 text",
        "bigint",
    ),
    (
        "fn_process_run_begin",
        "p_dot_code text, p_process_candidate_code text, p_correlation_id text, p_actor text, p_mode text, p_runner text, p_idempotency_key text DEFAULT NULL::text, p_process_run_id uuid DEFAULT NULL::uuid, p_parent_run_id uuid DEFAULT NULL::uuid, p_input_ref text DEFAULT NULL::text, p_input_digest text DEFAULT NULL::text, p_evidence_ref jsonb DEFAULT '{}'::jsonb, p_lease_ttl_seconds integer DEFAULT 60, p_on_earlier text DEFAULT 'return'::text, p_producer_contract_sha256 text DEFAULT NULL::text, p_verifier_contract_sha256 text DEFAULT NULL::text, p_holder_process text DEFAULT NULL::text, p_allow_secret_input boolean DEFAULT false",
        "TABLE(process_run_id uuid, lease_token uuid, producer_invocation_id uuid, created boolean, attempt integer, lease_name text)",
    ),
    (
        "fn_dot_invocation_begin",
        "p_process_run_id uuid, p_dot_code text, p_lease_token uuid, p_runner text",
        "uuid",
    ),
    (
        "fn_process_run_conclude",
        "p_process_run_id uuid, p_lease_token uuid, p_actor text, p_status text, p_verdict text DEFAULT NULL::text, p_output_ref text DEFAULT NULL::text, p_error_ref text DEFAULT NULL::text, p_evidence_ref jsonb DEFAULT '{}'::jsonb",
        "uuid",
    ),
    (
        "fn_process_run_may_continue",
        "p_process_run_id uuid, p_lease_token uuid",
        "boolean",
    ),
    (
        "fn_process_run_stop_cause",
        "p_process_run_id uuid, p_lease_token uuid",
        "jsonb",
    ),
    (
        "fn_dot_run_stop",
        "p_process_run_id uuid, p_actor text, p_reason text",
        "TABLE(process_run_id uuid, actor text, reason text, recorded_by text, stopped_at timestamp with time zone, created boolean)",
    ),
    ("fn_process_run_reap", "p_actor text", "SETOF uuid"),
    (
        "fn_dot_run_request",
        "p_dot_code text, p_process_candidate_code text, p_correlation_id text, p_actor text, p_mode text, p_idempotency_key text DEFAULT NULL::text, p_input_ref text DEFAULT NULL::text, p_input_digest text DEFAULT NULL::text, p_not_before timestamp with time zone DEFAULT NULL::timestamp with time zone, p_request_id uuid DEFAULT NULL::uuid, p_priority integer DEFAULT 5, p_max_attempts integer DEFAULT 1, p_backoff interval DEFAULT '00:10:00'::interval, p_allow_secret_input boolean DEFAULT false",
        "uuid",
    ),
    (
        "fn_dot_run_request_claim",
        "p_runner text, p_ttl_seconds integer, p_modes text[] DEFAULT NULL::text[], p_labels text[] DEFAULT NULL::text[]",
        "TABLE(request_id uuid, claim_token uuid, claimed_until timestamp with time zone, run_key text, dot_code text, process_candidate_code text, mode text, correlation_id text, actor text, input_ref text, input_digest text, requested_at timestamp with time zone, claims integer, attempt integer)",
    ),
    (
        "fn_dot_run_request_renew",
        "p_request_id uuid, p_claim_token uuid, p_ttl_seconds integer",
        "boolean",
    ),
    (
        "fn_dot_run_request_finish",
        "p_request_id uuid, p_claim_token uuid, p_process_run_id uuid DEFAULT NULL::uuid, p_refusal_code text DEFAULT NULL::text, p_retry_after_seconds integer DEFAULT NULL::integer",
        "boolean",
    ),
    (
        "fn_dot_run_request_cancel",
        "p_request_id uuid, p_actor text, p_reason text",
        "boolean",
    ),
];

#[apply(on_each_version)]
async fn each_fixed_signature_is_as_the_contract_says_and_alone(backend: Backend) {
    let stage = TestContext::new(backend).await;
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

/// An extension that distributes tables renames them, and a signature that names a table's row type then fits no table.
#[apply(on_each_version)]
async fn no_function_takes_or_returns_the_row_type_of_a_table(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let question = "SELECT DISTINCT p.oid::regprocedure::text AS function, c.relname AS relation
        FROM pg_proc p
        CROSS JOIN LATERAL unnest(p.proargtypes::oid[] || p.prorettype || coalesce(p.proallargtypes, '{}')) AS used (type)
        JOIN pg_type t ON t.oid = used.type
        LEFT JOIN pg_type element ON element.oid = t.typelem
        JOIN pg_class c ON c.oid IN (t.typrelid, element.typrelid) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
        WHERE p.pronamespace = 'dot'::regnamespace";
    assert_eq!(
        rows(&superuser, question).await,
        Vec::<serde_json::Value>::new()
    );
    // The question finds what it is for.
    for signature in [
        "fn_one(p dot.dot_config) RETURNS void LANGUAGE sql AS ''",
        "fn_many(p dot.dot_config[]) RETURNS void LANGUAGE sql AS ''",
        "fn_back() RETURNS SETOF dot.dot_config LANGUAGE sql AS 'SELECT * FROM dot.dot_config'",
        "fn_out(OUT a dot.dot_config, OUT b integer) LANGUAGE sql AS 'SELECT c, 1 FROM dot.dot_config c'",
        "fn_view(p dot.v_dot_posture) RETURNS void LANGUAGE sql AS ''",
    ] {
        execute(&superuser, &format!("CREATE FUNCTION dot.{signature}")).await;
        assert_eq!(rows(&superuser, question).await.len(), 1, "{signature}");
        let name = signature.split('(').next().unwrap();
        execute(&superuser, &format!("DROP FUNCTION dot.{name}")).await;
    }
}
