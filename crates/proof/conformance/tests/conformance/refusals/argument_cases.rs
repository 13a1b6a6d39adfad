//! Refusals of missing and invalid arguments.

use serde_json::json;

use super::case::{Case, Precondition, USED_ID, case, case_with};
use crate::common::Call;
use crate::common::fixtures::LONE;

/// Calls with a missing or invalid argument.
pub(super) fn argument_cases() -> Vec<Case> {
    let component = || {
        Call::component(USED_ID)
            .text("p_dot_code", LONE)
            .text("p_component_role", "producer")
    };
    let force = || {
        Call::new("fn_dot_lease_force_release")
            .text("p_lease_name", "x")
            .text("p_actor", "a")
            .text("p_reason", "r")
    };
    vec![
        case(
            "actor_required",
            "observer",
            Call::pair().text("p_actor", "").sql(),
        ),
        case(
            "correlation_required",
            "observer",
            Call::run().text("p_correlation_id", "").sql(),
        ),
        case(
            "candidate_required",
            "observer",
            Call::pair().text("p_process_candidate_code", "").sql(),
        ),
        case(
            "evidence_type_invalid",
            "observer",
            Call::pair().text("p_evidence_type", "REAL").sql(),
        ),
        case(
            "evidence_ref_invalid",
            "observer",
            Call::run().with("p_evidence_ref", "'[]'").sql(),
        ),
        case(
            "text_invalid",
            "observer",
            Call::run().text("p_actor", "ann\u{202e}").sql(),
        ),
        case(
            "status_invalid",
            "observer",
            Call::pair().text("p_wrapper_status", "done").sql(),
        ),
        case_with(
            Precondition::KeyUsed,
            "role_invalid",
            component().text("p_component_role", "witness"),
        ),
        case_with(
            Precondition::KeyUsed,
            "verdict_invalid",
            component().text("p_verdict", "maybe"),
        ),
        case(
            "text_too_long",
            "observer",
            Call::run().text("p_correlation_id", &"x".repeat(501)).sql(),
        ),
        case_with(
            Precondition::KeyUsed,
            "correlation_mismatch",
            component().text("p_correlation_id", "another"),
        ),
        case(
            "dry_run_contradiction",
            "observer",
            Call::pair().text("p_evidence_type", "REAL_RUN").sql(),
        ),
        case(
            "backfill_only",
            "observer",
            Call::run()
                .text("p_evidence_type", "BACKFILLED_EVIDENCE")
                .sql(),
        ),
        case(
            "gate_unknown",
            "operator",
            Call::gate("no_such_gate", "true").sql(),
        ),
        case(
            "gate_option_invalid",
            "operator",
            Call::gate("process_dot_runtime.execute_enabled", "true")
                .with("p_let_finish", "true")
                .sql(),
        ),
        case(
            "gate_value_invalid",
            "operator",
            Call::gate("process_dot_runtime.execute_enabled", "TRUE").sql(),
        ),
        case(
            "expiry_invalid",
            "operator",
            Call::gate("process_dot_runtime.execute_enabled", "true")
                .with("p_expires_at", "clock_timestamp()")
                .sql(),
        ),
        case(
            "expiry_invalid",
            "operator",
            Call::gate("process_dot_runtime.execute_enabled", "true")
                .with("p_expires_at", "'-infinity'")
                .sql(),
        ),
        case(
            "expiry_invalid",
            "operator",
            Call::gate("process_dot_runtime.execute_enabled", "true")
                .with("p_expires_at", "'infinity'")
                .sql(),
        ),
        case(
            "time_invalid",
            "observer",
            Call::run().with("p_started_at", "'infinity'").sql(),
        ),
        case(
            "time_invalid",
            "observer",
            component().with("p_ended_at", "'20000-01-01'").sql(),
        ),
        case(
            "time_invalid",
            "observer",
            Call::run()
                .text("p_started_at", "2026-01-02T00:00:00Z")
                .text("p_ended_at", "2026-01-01T23:59:59Z")
                .sql(),
        ),
        case(
            "time_invalid",
            "observer",
            Call::run()
                .with("p_started_at", "clock_timestamp() + interval '25 hours'")
                .sql(),
        ),
        case(
            "key_reserved",
            "observer",
            Call::pair().text("p_idempotency_key", "request:1").sql(),
        ),
        case(
            "digest_invalid",
            "observer",
            component().text("p_output_digest", "sha256:1").sql(),
        ),
        case(
            "reason_required",
            "operator",
            force().text("p_reason", "").sql(),
        ),
        case(
            "source_required",
            "observer",
            Call::backfill(&json!([])).text("p_source_ref", "").sql(),
        ),
        case(
            "holder_required",
            "observer",
            Call::acquire(1).text("p_holder", "").sql(),
        ),
        case(
            "lease_name_invalid",
            "observer",
            Call::acquire(1).text("p_lease_name", "").sql(),
        ),
        case("ttl_invalid", "observer", Call::acquire(0).sql()),
        case("ttl_invalid", "observer", Call::acquire(86_401).sql()),
        case("ttl_invalid", "observer", Call::acquire(-1).sql()),
        case(
            "ttl_invalid",
            "observer",
            Call::acquire(1).with("p_ttl_seconds", "NULL").sql(),
        ),
        case(
            "ttl_invalid",
            "observer",
            Call::pair().with("p_lease_ttl_seconds", "0").sql(),
        ),
        case(
            "ttl_invalid",
            "observer",
            Call::pair().with("p_lease_ttl_seconds", "NULL").sql(),
        ),
        case(
            "ttl_invalid",
            "observer",
            Call::lease("fn_dot_iu_runtime_lease_renew")
                .with("p_token", "gen_random_uuid()")
                .with("p_ttl_seconds", "86401")
                .sql(),
        ),
        case(
            "backfill_row_invalid",
            "observer",
            Call::backfill(&json!([1])).sql(),
        ),
    ]
}
