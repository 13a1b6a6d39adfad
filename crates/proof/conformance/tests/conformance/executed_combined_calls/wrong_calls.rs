//! Calls that are refused, and their refusal codes.

use super::calls::CombinedCall;
use crate::common::fixtures::{OTHER_PRODUCER, PRODUCER};
use crate::common::run_calls::Begun;

/// Calls of `fn_process_run_record_producer` with a wrong argument, and their refusal codes.
pub(crate) fn wrong_record_producer_calls(run: &Begun) -> Vec<(CombinedCall, &'static str)> {
    let over = || CombinedCall::record_producer(run);
    let id = "gen_random_uuid()";
    vec![
        (over().each("p_process_run_id", id), "run_unknown"),
        (over().each("p_lease_token", id), "lease_lost"),
        (over().first("p_actor", "' '"), "actor_required"),
        (
            over().first("p_correlation_id", "'another'"),
            "correlation_mismatch",
        ),
        (
            over().first("p_evidence_type", "'DRY_RUN'"),
            "invocation_mismatch",
        ),
        (
            over().first("p_evidence_type", "'BACKFILLED_EVIDENCE'"),
            "backfill_only",
        ),
        (over().first("p_invocation_id", id), "invocation_mismatch"),
        (
            over().first("p_invocation_id", "NULL"),
            "invocation_required",
        ),
        (over().first("p_dot_code", "'DOT_NO'"), "unknown_dot"),
        (
            over().first("p_output_digest", "repeat('x', 201)"),
            "digest_invalid",
        ),
        (
            over().first("p_output_ref", "repeat('x', 2001)"),
            "text_too_long",
        ),
        (
            over().first("p_evidence_ref", "'[]'"),
            "evidence_ref_invalid",
        ),
        (over().first("p_status", "'done'"), "status_invalid"),
        (over().first("p_status", "'failed'"), "invocation_mismatch"),
        (
            over().first("p_started_at", "'-infinity'"),
            "status_invalid",
        ),
        (
            over().second("p_runner", "p_runner", "' '"),
            "holder_required",
        ),
        (
            over().second("p_dot_code", "p_verifier_dot_code", "'DOT_NO'"),
            "unknown_dot",
        ),
        (
            over().second(
                "p_dot_code",
                "p_verifier_dot_code",
                &format!("'{OTHER_PRODUCER}'"),
            ),
            "role_invalid",
        ),
        (
            over().second(
                "p_dot_code",
                "p_verifier_dot_code",
                &format!("'{PRODUCER}'"),
            ),
            "id_in_use",
        ),
    ]
}

/// Calls of `fn_process_run_record_verifier_and_conclude` with a wrong argument, and their refusal codes.
pub(crate) fn wrong_record_verifier_calls(
    run: &Begun,
    receipt: &str,
) -> Vec<(CombinedCall, &'static str)> {
    let finish = || CombinedCall::record_verifier(run, receipt);
    let id = "gen_random_uuid()";
    vec![
        (finish().each("p_process_run_id", id), "run_unknown"),
        (finish().each("p_lease_token", id), "lease_lost"),
        (finish().each("p_actor", "' '"), "actor_required"),
        (
            finish().first("p_correlation_id", "'another'"),
            "correlation_mismatch",
        ),
        (
            finish().first("p_evidence_type", "'DRY_RUN'"),
            "invocation_mismatch",
        ),
        (finish().first("p_invocation_id", id), "invocation_mismatch"),
        (
            finish().first("p_invocation_id", &format!("'{}'", run.receipt)),
            "invocation_mismatch",
        ),
        (
            finish().first("p_invocation_id", "NULL"),
            "invocation_required",
        ),
        (finish().first("p_verdict", "'maybe'"), "verdict_invalid"),
        (finish().first("p_status", "'failed'"), "verdict_invalid"),
        (
            finish().first("p_dot_code", &format!("'{PRODUCER}'")),
            "role_invalid",
        ),
        (
            finish().first("p_component_role", "'judge'"),
            "role_invalid",
        ),
        (
            finish().first("p_output_ref", "repeat('x', 2001)"),
            "text_too_long",
        ),
        (
            finish().second("p_output_ref", "p_run_output_ref", "repeat('x', 2001)"),
            "text_too_long",
        ),
        (
            finish().second("p_status", "p_run_status", "'started'"),
            "status_invalid",
        ),
        (
            finish().second("p_evidence_ref", "p_run_evidence_ref", "'1'"),
            "evidence_ref_invalid",
        ),
    ]
}
