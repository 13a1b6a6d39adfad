//! The gates: their state must match their history, with actor and reason.

use super::Check;
use crate::report::Severity;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "gate_agrees_with_its_history",
        rule: "A gate stands as its last recorded change left it, or as shipped.",
        source: "contract.md, Tables",
        severity: Severity::Violation,
        question: include_str!("gates/gate_agrees_with_its_history.sql"),
    },
    Check {
        name: "gate_history_has_no_gap",
        rule: "The changes of gates are numbered without a gap, up to the number that was counted last.",
        source: "decision 33: a gate change is numbered when it commits",
        severity: Severity::Violation,
        question: include_str!("gates/gate_history_has_no_gap.sql"),
    },
];
