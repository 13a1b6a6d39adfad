//! The call that activates or deactivates an event type.

use crate::common::Call;

/// Activates or deactivates an event type.
pub(crate) fn switch(event_type: &str, active: bool) -> String {
    Call::new("fn_event_type_set_active")
        .text("p_event_type", event_type)
        .with("p_active", active.to_string())
        .text("p_actor", "operator")
        .text("p_reason", "a test")
        .sql()
}
