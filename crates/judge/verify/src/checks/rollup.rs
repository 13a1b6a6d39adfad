//! The counts for status pages, compared with a recount.

use super::Check;
use crate::report::Severity;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "rollup_counts_the_ledger",
        rule: "The kept counts of a candidate are what counting its ledger gives.",
        source: "contract.md, Views",
        severity: Severity::Violation,
        question: include_str!("rollup/rollup_counts_the_ledger.sql"),
    },
    Check {
        name: "observed_view_adds_the_rollup",
        rule: "The view of what was observed shows the sums of the kept counts.",
        source: "contract.md, Views",
        severity: Severity::Violation,
        question: include_str!("rollup/observed_view_adds_the_rollup.sql"),
    },
    Check {
        name: "rollup_knows_the_best_evidence",
        rule: "The best evidence that is kept of a DOT is the best that its ledger has.",
        source: "contract.md, Views",
        severity: Severity::Violation,
        question: include_str!("rollup/rollup_knows_the_best_evidence.sql"),
    },
];
