//! Ids and idempotency keys: each once.

use super::Check;
use crate::report::Severity;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "ids_are_unique",
        rule: "Every id of the ledger is there once.",
        source: "contract.md, The ledger",
        severity: Severity::Violation,
        question: include_str!("keys/ids_are_unique.sql"),
    },
    Check {
        name: "idempotency_keys_are_unique",
        rule: "An idempotency key has at most one run of each attempt and at most one component.",
        source: "model.md, Safety rules",
        severity: Severity::Violation,
        question: include_str!("keys/idempotency_keys_are_unique.sql"),
    },
    Check {
        name: "attempts_follow_each_other",
        rule: "The attempts under a key are counted from 1 without a gap, are of one pair, candidate, correlation, input and mode, name the first, and each begins after the one before it was concluded without a pass.",
        source: "contract.md, Attempts",
        severity: Severity::Violation,
        question: include_str!("keys/attempts_follow_each_other.sql"),
    },
    Check {
        name: "component_key_is_its_runs",
        rule: "A component's key that is made of a run's key and its own DOT belongs to that run.",
        source: "contract.md, Recording",
        severity: Severity::Warning,
        question: include_str!("keys/component_key_is_its_runs.sql"),
    },
    Check {
        name: "minted_ids_tell_their_time",
        rule: "An id that the database mints is a UUIDv7 of the time of its row.",
        source: "contract.md, Tables: ids",
        severity: Severity::Violation,
        question: include_str!("keys/minted_ids_tell_their_time.sql"),
    },
    Check {
        name: "parts_share_their_headers_key",
        rule: "A run whose parts' keys are made of one key bears that key.",
        source: "contract.md, Recording",
        severity: Severity::Warning,
        question: include_str!("keys/parts_share_their_headers_key.sql"),
    },
];
