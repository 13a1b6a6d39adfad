//! Conclusions of executed runs: one per run, under its lease, and no row after it.

use super::Check;
use crate::report::Severity;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "conclusion_has_its_run",
        rule: "Every conclusion belongs to a run whose header is there.",
        source: "contract.md, The ledger",
        severity: Severity::Violation,
        question: include_str!("conclusions/conclusion_has_its_run.sql"),
    },
    Check {
        name: "one_conclusion_a_run",
        rule: "No run has two conclusions.",
        source: "model.md, The life of a run",
        severity: Severity::Violation,
        question: include_str!("conclusions/one_conclusion_a_run.sql"),
    },
    Check {
        name: "conclusion_under_a_lease",
        rule: "Only a run that was begun under a lease has a conclusion.",
        source: "model.md, The life of a run",
        severity: Severity::Violation,
        question: include_str!("conclusions/conclusion_under_a_lease.sql"),
    },
    Check {
        name: "nothing_behind_a_conclusion",
        rule: "By the clock, nothing of a run is written after its conclusion.",
        source: "contract.md, Executed runs",
        severity: Severity::Warning,
        question: include_str!("conclusions/nothing_behind_a_conclusion.sql"),
    },
    Check {
        name: "pass_is_the_verifiers",
        rule: "A run is concluded with the verdict pass only where its verifier said so.",
        source: "model.md, Terms",
        severity: Severity::Violation,
        question: include_str!("conclusions/pass_is_the_verifiers.sql"),
    },
    Check {
        name: "completed_has_its_producer",
        rule: "A run is concluded as completed only where its producer did its work.",
        source: "model.md, Status model",
        severity: Severity::Violation,
        question: include_str!("conclusions/completed_has_its_producer.sql"),
    },
    Check {
        name: "conclusion_bears_its_verifiers_verdict",
        rule: "A run is concluded with the verdict of its verifier, and without one where there is none.",
        source: "contract.md, Executed runs",
        severity: Severity::Violation,
        question: include_str!("conclusions/conclusion_bears_its_verifiers_verdict.sql"),
    },
    Check {
        name: "conclusion_bears_its_headers_actor",
        rule: "A conclusion is tagged with the actor of its run's header.",
        source: "contract.md, Recording",
        severity: Severity::Violation,
        question: include_str!("conclusions/conclusion_bears_its_headers_actor.sql"),
    },
    Check {
        name: "conclusion_says_who_stopped_it",
        rule: "A conclusion says who stopped the run and why, where somebody did, and otherwise not.",
        source: "contract.md, Executed runs",
        severity: Severity::Violation,
        question: include_str!("conclusions/conclusion_says_who_stopped_it.sql"),
    },
];
