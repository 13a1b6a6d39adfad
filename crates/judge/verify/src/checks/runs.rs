//! Headers and components: rows of one run must be consistent.

use super::Check;
use crate::report::Severity;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "component_has_its_run",
        rule: "Every component belongs to a run whose header is there.",
        source: "contract.md, The ledger",
        severity: Severity::Violation,
        question: include_str!("runs/component_has_its_run.sql"),
    },
    Check {
        name: "component_agrees_with_its_run",
        rule: "A component bears the correlation id and the candidate of its run's header.",
        source: "model.md, Terms",
        severity: Severity::Violation,
        question: include_str!("runs/component_agrees_with_its_run.sql"),
    },
    Check {
        name: "one_component_a_role",
        rule: "A run has at most one producer and at most one verifier.",
        source: "contract.md, The ledger",
        severity: Severity::Violation,
        question: include_str!("runs/one_component_a_role.sql"),
    },
    Check {
        name: "producer_is_the_headers",
        rule: "The producer of a run is the DOT that its header names.",
        source: "contract.md, The ledger",
        severity: Severity::Violation,
        question: include_str!("runs/producer_is_the_headers.sql"),
    },
    Check {
        name: "dot_is_known",
        rule: "Whatever names a DOT names one that the registry knows.",
        source: "model.md, Safety rules",
        severity: Severity::Violation,
        question: include_str!("runs/dot_is_known.sql"),
    },
    Check {
        name: "role_fits_the_registry",
        rule: "A component has the role that the registry gives to its DOT, and a header names a producer.",
        source: "contract.md, Tables",
        severity: Severity::Warning,
        question: include_str!("runs/role_fits_the_registry.sql"),
    },
    Check {
        name: "run_is_of_one_pair",
        rule: "The producer and the verifier of a run are a pair.",
        source: "model.md, Terms",
        severity: Severity::Warning,
        question: include_str!("runs/run_is_of_one_pair.sql"),
    },
    Check {
        name: "lease_is_bound_once",
        rule: "A lease that is bound to a run is its pair's, its token is bound to no other run, and it stays bound until the run is concluded.",
        source: "contract.md, Lease",
        severity: Severity::Violation,
        question: include_str!("runs/lease_is_bound_once.sql"),
    },
    Check {
        name: "rows_of_one_call_agree",
        rule: "The rows that one call wrote bear one login and one actor.",
        source: "contract.md, Recording",
        severity: Severity::Violation,
        question: include_str!("runs/rows_of_one_call_agree.sql"),
    },
    Check {
        name: "lease_ends_within_its_longest_life",
        rule: "No lease is held for longer than a lease can be given.",
        source: "contract.md, Lease",
        severity: Severity::Warning,
        question: include_str!("runs/lease_ends_within_its_longest_life.sql"),
    },
    Check {
        name: "stop_is_of_a_begun_run",
        rule: "Only a run that was begun is stopped.",
        source: "contract.md, Executed runs",
        severity: Severity::Violation,
        question: include_str!("runs/stop_is_of_a_begun_run.sql"),
    },
    Check {
        name: "nothing_is_called_behind_a_stop",
        rule: "By the clock, no receipt of a run is opened after somebody stopped it.",
        source: "contract.md, Executed runs",
        severity: Severity::Warning,
        question: include_str!("runs/nothing_is_called_behind_a_stop.sql"),
    },
];
