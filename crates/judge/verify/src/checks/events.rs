//! The outbox: only events of active types, and only true ones.

use super::Check;
use crate::report::Severity;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "event_type_was_active",
        rule: "An outbox row is of a type that there is, and that was switched on.",
        source: "model.md, Layers",
        severity: Severity::Violation,
        question: include_str!("events/event_type_was_active.sql"),
    },
    Check {
        name: "event_type_agrees_with_its_history",
        rule: "An event type is active exactly if its recorded switches leave it so.",
        source: "contract.md, Tables",
        severity: Severity::Violation,
        question: include_str!("events/event_type_agrees_with_its_history.sql"),
    },
    Check {
        name: "event_agrees_with_its_row",
        rule: "An outbox row says what the row that it tells of says, and is of the type that this means.",
        source: "contract.md, The ledger",
        severity: Severity::Violation,
        question: include_str!("events/event_agrees_with_its_row.sql"),
    },
    Check {
        name: "event_claims_what_its_run_shows",
        rule: "An event says that something ran only where the run has a receipt of that mode.",
        source: "model.md, Why simulated evidence never counts",
        severity: Severity::Warning,
        question: include_str!("events/event_claims_what_its_run_shows.sql"),
    },
    Check {
        name: "event_is_told_once",
        rule: "What happened is in the outbox at most once.",
        source: "model.md, Events",
        severity: Severity::Violation,
        question: include_str!("events/event_is_told_once.sql"),
    },
    Check {
        name: "event_fits_the_switches",
        rule: "By the clock, an outbox row was written while its type was active.",
        source: "model.md, Layers",
        severity: Severity::Warning,
        question: include_str!("events/event_fits_the_switches.sql"),
    },
    Check {
        name: "active_type_left_its_event",
        rule: "By the clock, whatever happened while its event type was active is in the outbox.",
        source: "contract.md, The ledger",
        severity: Severity::Warning,
        question: include_str!("events/active_type_left_its_event.sql"),
    },
];
