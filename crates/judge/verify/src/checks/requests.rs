//! Requests for runs: at most one run per request, with the requested arguments.

use super::Check;
use crate::report::Severity;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "request_has_its_own_run",
        rule: "The run that a request names was begun for it, under its key and as it was asked for, and is concluded where the request says so.",
        source: "contract.md, Requests",
        severity: Severity::Violation,
        question: include_str!("requests/request_has_its_own_run.sql"),
    },
    Check {
        name: "run_is_known_to_its_request",
        rule: "No run was begun for a request that does not name it: not for one that was cancelled, refused or given up.",
        source: "contract.md, Requests",
        severity: Severity::Violation,
        question: include_str!("requests/run_is_known_to_its_request.sql"),
    },
    Check {
        name: "request_says_how_it_ended",
        rule: "A request is finished with an outcome, or cancelled by somebody with a reason, or neither.",
        source: "contract.md, Requests",
        severity: Severity::Violation,
        question: include_str!("requests/request_says_how_it_ended.sql"),
    },
    Check {
        name: "run_names_a_request_that_is_there",
        rule: "A run that was begun under a request's key has that request.",
        source: "contract.md, Requests",
        severity: Severity::Warning,
        question: include_str!("requests/run_names_a_request_that_is_there.sql"),
    },
];
