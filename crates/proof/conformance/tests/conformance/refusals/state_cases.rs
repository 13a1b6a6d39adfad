//! Refusals that depend on stored state: gates, checks, registry, leases, receipts, keys and runs.

use super::case::{Case, Precondition, USED_ID, case, case_with};
use crate::common::Call;
use crate::common::fixtures::{LONE, PRODUCER, VERIFIER};
use crate::common::forged_run::{RUN, TOKEN};

fn begin(mode: &str) -> Call {
    Call::new("fn_process_run_begin")
        .text("p_dot_code", PRODUCER)
        .text("p_process_candidate_code", "c")
        .text("p_correlation_id", "c")
        .text("p_actor", "a")
        .text("p_mode", mode)
        .text("p_runner", "r")
}

/// Calls that the stored state refuses.
pub(super) fn state_cases() -> Vec<Case> {
    vec![
        case(
            "unknown_dot",
            "observer",
            Call::pair().text("p_dot_code", "DOT_NOWHERE").sql(),
        ),
        case(
            "pair_incomplete",
            "observer",
            Call::pair().text("p_dot_code", LONE).sql(),
        ),
        case(
            "not_a_producer",
            "observer",
            Call::pair().text("p_dot_code", VERIFIER).sql(),
        ),
        case(
            "real_run_disabled",
            "observer",
            Call::pair()
                .text("p_evidence_type", "REAL_RUN")
                .with("p_dry_run", "false")
                .sql(),
        ),
        case(
            "no_execute",
            "observer",
            Call::run().text("p_evidence_type", "DRY_RUN").sql(),
        ),
        case_with(
            Precondition::PreflightBlocks,
            "preflight_blocked",
            Call::pair(),
        ),
        case("mode_not_allowed", "runner", begin("VERIFY_ONLY").sql()),
        Case {
            role: "runner",
            ..case_with(
                Precondition::GatesOpenForDryRuns,
                "contract_missing",
                begin("DRY_RUN"),
            )
        },
        Case {
            role: "runner",
            ..case_with(
                Precondition::RealRunsAllowed,
                "candidate_unknown",
                begin("REAL_RUN").text("p_process_candidate_code", "nobody"),
            )
        },
        Case {
            role: "runner",
            ..case_with(
                Precondition::RealRunsAllowed,
                "candidate_pair_mismatch",
                begin("REAL_RUN"),
            )
        },
        Case {
            role: "runner",
            ..case_with(Precondition::ToolRetired, "tool_retired", begin("DRY_RUN"))
        },
        case_with(
            Precondition::GatesOpenForDryRuns,
            "invocation_required",
            Call::pair().text("p_evidence_type", "DRY_RUN"),
        ),
        case_with(
            Precondition::RunUnderLease,
            "invocation_mismatch",
            Call::component(RUN)
                .with("p_invocation_id", "gen_random_uuid()")
                .text("p_lease_token", TOKEN),
        ),
        case(
            "run_unknown",
            "observer",
            Call::component("99999999-9999-4999-8999-999999999999").sql(),
        ),
        case_with(
            Precondition::RunConcluded,
            "run_concluded",
            Call::component(RUN).text("p_lease_token", TOKEN),
        ),
        case(
            "ledger_append_only",
            "owner",
            "SELECT pg_temp.try('DELETE FROM dot.process_run_observation')",
        ),
        case_with(
            Precondition::KeyUsed,
            "idempotency_conflict",
            Call::pair()
                .text("p_idempotency_key", "key")
                .text("p_correlation_id", "another"),
        ),
        case_with(
            Precondition::KeyUsed,
            "id_in_use",
            Call::pair().text("p_process_run_id", USED_ID),
        ),
        case_with(Precondition::LeaseHeld, "lease_held", Call::pair()),
        case_with(
            Precondition::RunUnderLease,
            "lease_lost",
            Call::component(RUN),
        ),
    ]
}
