//! The registry: its state must match its history, with the actor.

use super::Check;
use crate::report::Severity;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "registry_agrees_with_its_history",
        rule: "An entry of the registry is what a recorded change made it, or as shipped.",
        source: "contract.md, Tables",
        severity: Severity::Violation,
        question: concat!(
            include_str!("registry/entries.sql"),
            include_str!("registry/registry_agrees_with_its_history.sql")
        ),
    },
    Check {
        name: "contract_has_the_digest_of_its_entry",
        rule: "The digest of a contract is that of a version that the registry keeps.",
        source: "contract.md, Tables",
        severity: Severity::Violation,
        question: include_str!("registry/contract_has_the_digest_of_its_entry.sql"),
    },
    Check {
        name: "registry_is_as_last_recorded",
        rule: "By the clock, an entry of the registry is what its last recorded change made it.",
        source: "contract.md, Tables",
        severity: Severity::Warning,
        question: concat!(
            include_str!("registry/entries.sql"),
            include_str!("registry/registry_is_as_last_recorded.sql")
        ),
    },
];
