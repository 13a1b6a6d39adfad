//! The event types, and the calls and queries of events.

use crate::common::Call;

/// The query that switches an event type.
pub(crate) fn switch(event_type: &str, active: bool) -> String {
    Call::new("fn_event_type_set_active")
        .text("p_event_type", event_type)
        .with("p_active", active.to_string())
        .text("p_actor", "operator")
        .text("p_reason", "a test")
        .sql()
}
