//! What to do about a refusal, on the command line. The contract's own hints speak SQL, because psql gets them too.

/// Hints in commands and flags, where the contract's own names functions, arguments or views.
const HINTS: &[(&str, &str)] = &[
    (
        "actor_required",
        "say who acts: --actor NAME, or DOTWRAP_ACTOR",
    ),
    (
        "backfill_only",
        "import it with: dotwrap backfill FILE --source REF",
    ),
    (
        "candidate_required",
        "say what the run is evidence for: --candidate CODE",
    ),
    (
        "candidate_pair_mismatch",
        "name a candidate that the producer is declared for, which `dotwrap candidates pairs` lists, or have an operator \
         declare it: dotwrap candidates pair CANDIDATE PRODUCER",
    ),
    (
        "candidate_unknown",
        "correct the code, or register the candidate: dotwrap candidates set CODE; `dotwrap candidates ls` lists what there is",
    ),
    (
        "contract_missing",
        "say what is called for the DOT in that mode: dotwrap contract set FILE; `dotwrap contract ls` shows what there is",
    ),
    (
        "event_type_unknown",
        "`dotwrap events ls` lists the event types",
    ),
    (
        "fixture_missing",
        "put the fixture in first: dotwrap fixture put REF FILE",
    ),
    ("gate_unknown", "`dotwrap gates` lists the gates"),
    (
        "input_has_secret",
        "take the password out of the address, or record it all the same with --allow-secret-input",
    ),
    (
        "id_in_use",
        "leave --run-id out, or repeat the first call with its --key",
    ),
    (
        "lease_held",
        "wait for its holder, or for the lease to run out; `dotwrap lease ls` says whose it is",
    ),
    (
        "mode_not_allowed",
        "this mode is not executed: say --mode dry-run or --mode real-run",
    ),
    (
        "no_execute",
        "record a simulation, or have an operator open the gates:\n\
             dotwrap gates open operator_runtime_enabled --for 15m --reason …\n\
             dotwrap gates open execute_enabled --for 15m --reason …",
    ),
    (
        "outcome_unknown",
        "look whether it happened, and record that: dotwrap runs resolve RUN --happened yes|no|partly --reason …",
    ),
    (
        "pair_incomplete",
        "import the DOT and its verifier together, each naming the other in paired_dot: dotwrap tools import FILE",
    ),
    (
        "preflight_blocked",
        "correct what the named checks found: dotwrap preflight",
    ),
    (
        "real_run_disabled",
        "have an operator open the gates of real runs:\n\
             dotwrap gates open dry_run_only --for 15m --reason …\n\
             dotwrap gates open real_run_enabled --for 15m --reason …",
    ),
    (
        "tool_paused",
        "wait until the pause ends, or have an operator end it: dotwrap tools resume CODE",
    ),
    (
        "tool_retired",
        "run the pair that replaces it; an operator puts a tool back into use by importing it with status = \"active\"",
    ),
    (
        "unknown_dot",
        "correct the code, or register the DOT: dotwrap tools import FILE; `dotwrap tools ls` lists what there is",
    ),
];

/// The hint of a refusal, where there is one for the command line.
pub(super) fn hint(code: &str) -> Option<&'static str> {
    let mut hints = HINTS.iter();
    hints.find(|(of, _)| *of == code).map(|(_, hint)| *hint)
}

#[cfg(test)]
mod tests {
    use dotwrap_wrapper::RefusalCode;

    use super::*;

    #[test]
    fn each_hint_is_of_a_refusal_and_speaks_no_sql() {
        for (code, hint) in HINTS {
            assert!(
                RefusalCode::from_code().any(|known| known.as_str() == *code),
                "{code}"
            );
            assert!(!hint.contains("fn_") && !hint.contains("p_"), "{hint}");
        }
    }
}
