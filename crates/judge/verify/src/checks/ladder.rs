//! The ladder: the views compared with the raw tables.

use super::Check;
use crate::report::Severity;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "ladder_is_proven",
        rule: "The ladder shows every candidate at the rung that the raw ledger proves, no higher and no lower.",
        source: "contract.md, Views",
        severity: Severity::Violation,
        question: concat!(
            include_str!("ladder/recomputed.sql"),
            include_str!("ladder/ladder_is_proven.sql")
        ),
    },
    Check {
        name: "verified_candidates_are_proven",
        rule: "The view of the candidates with real evidence shows those that the raw ledger proves, and all of them.",
        source: "contract.md, Views",
        severity: Severity::Violation,
        question: concat!(
            include_str!("ladder/recomputed.sql"),
            include_str!("ladder/verified_candidates_are_proven.sql")
        ),
    },
    Check {
        name: "birth_readiness_is_proven",
        rule: "The view of what is missing for the next rung starts from the rung that the raw ledger proves.",
        source: "contract.md, Views",
        severity: Severity::Violation,
        question: concat!(
            include_str!("ladder/recomputed.sql"),
            include_str!("ladder/birth_readiness_is_proven.sql")
        ),
    },
    Check {
        name: "run_view_shows_the_ledger",
        rule: "The view of runs shows every run once, with its own correlation id, and the status and verdict of its conclusion, else the status of its header.",
        source: "model.md, The life of a run",
        severity: Severity::Violation,
        question: include_str!("ladder/run_view_shows_the_ledger.sql"),
    },
    Check {
        name: "real_run_is_of_a_declared_pair",
        rule: "Every real run is recorded for a candidate that its producer is declared for.",
        source: "model.md, Candidates and pairs",
        severity: Severity::Warning,
        question: include_str!("ladder/real_run_is_of_a_declared_pair.sql"),
    },
    Check {
        name: "candidate_pair_agrees_with_its_history",
        rule: "A producer is declared for a candidate, or inferred to be, as the registry's history says, and not otherwise.",
        source: "model.md, Candidates and pairs",
        severity: Severity::Violation,
        question: include_str!("ladder/candidate_pair_agrees_with_its_history.sql"),
    },
];
