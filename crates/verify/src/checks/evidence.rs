//! What claims that something ran: never more than its receipts, its header and the gates allow.

use super::Check;
use crate::report::Severity;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "execution_has_its_receipt",
        rule: "A component of DRY_RUN or REAL_RUN, or with a verdict, has a receipt.",
        source: "system, Why simulated evidence can never count",
        severity: Severity::Violation,
        question: include_str!("evidence/execution_has_its_receipt.sql"),
    },
    Check {
        name: "verdict_is_a_verifiers",
        rule: "Only a verifier has a verdict.",
        source: "system, Terms: verdict",
        severity: Severity::Violation,
        question: include_str!("evidence/verdict_is_a_verifiers.sql"),
    },
    Check {
        name: "receipt_fits_its_component",
        rule: "A component's receipt is of its run, its DOT, its role, and no lower mode.",
        source: "contract, Executed runs",
        severity: Severity::Violation,
        question: include_str!("evidence/receipt_fits_its_component.sql"),
    },
    Check {
        name: "receipt_used_once",
        rule: "A receipt has at most one component.",
        source: "system, The life of a run",
        severity: Severity::Violation,
        question: include_str!("evidence/receipt_used_once.sql"),
    },
    Check {
        name: "receipt_of_an_earlier_transaction",
        rule: "A receipt was committed before its component was written.",
        source: "contract, Executed runs",
        severity: Severity::Violation,
        question: include_str!("evidence/receipt_of_an_earlier_transaction.sql"),
    },
    Check {
        name: "one_receipt_a_role",
        rule: "A run calls each of its sides at most once.",
        source: "contract, Ledger: dot_invocation",
        severity: Severity::Violation,
        question: include_str!("evidence/one_receipt_a_role.sql"),
    },
    Check {
        name: "receipt_has_its_run",
        rule: "A receipt belongs to a run that was begun under a lease.",
        source: "contract, Executed runs: fn_process_run_begin",
        severity: Severity::Violation,
        question: include_str!("evidence/receipt_has_its_run.sql"),
    },
    Check {
        name: "receipt_posture_allows_its_mode",
        rule: "A receipt of a real run was opened in the posture REAL_RUN.",
        source: "contract, Posture",
        severity: Severity::Violation,
        question: include_str!("evidence/receipt_posture_allows_its_mode.sql"),
    },
    Check {
        name: "receipt_posture_is_shown_by_the_gates",
        rule: "The gates' history shows that a receipt's posture was allowed when it was opened.",
        source: "contract, Posture",
        severity: Severity::Violation,
        question: include_str!("evidence/receipt_posture_is_shown_by_the_gates.sql"),
    },
    Check {
        name: "receipt_is_not_void",
        rule: "No component is bound to a receipt that missed the closing of a gate.",
        source: "contract, Posture",
        severity: Severity::Violation,
        question: include_str!("evidence/receipt_is_not_void.sql"),
    },
    Check {
        name: "evidence_not_above_the_headers",
        rule: "No component and no receipt of a run claims more than its header.",
        source: "contract, Executed runs",
        severity: Severity::Violation,
        question: include_str!("evidence/evidence_not_above_the_headers.sql"),
    },
    Check {
        name: "header_posture_allows_its_evidence",
        rule: "A header of DRY_RUN or REAL_RUN was written in a posture that allows it.",
        source: "seed, Safety contract: no REAL_RUN unless allowed",
        severity: Severity::Violation,
        question: include_str!("evidence/header_posture_allows_its_evidence.sql"),
    },
    Check {
        name: "verifier_looked_at_the_producers_output",
        rule: "A verifier's receipt bears the digest of the output that its producer had committed.",
        source: "contract, Ledger: dot_invocation.input_digest",
        severity: Severity::Violation,
        question: include_str!("evidence/verifier_looked_at_the_producers_output.sql"),
    },
    Check {
        name: "backfilled_names_its_source",
        rule: "Backfilled evidence says who asserts it, from which source, with which digest, and claims no call.",
        source: "system, Why simulated evidence can never count",
        severity: Severity::Violation,
        question: include_str!("evidence/backfilled_names_its_source.sql"),
    },
    Check {
        name: "tags_are_the_wrappers",
        rule: "The wrapper's tags on a row say its actor, a posture, and whether anything was executed.",
        source: "contract, Recording: evidence_ref",
        severity: Severity::Violation,
        question: include_str!("evidence/tags_are_the_wrappers.sql"),
    },
    Check {
        name: "tags_fit_the_status",
        rule: "What is tagged prepared or skipped has the status and the evidence that this means.",
        source: "seed, Status model",
        severity: Severity::Warning,
        question: include_str!("evidence/tags_fit_the_status.sql"),
    },
];
