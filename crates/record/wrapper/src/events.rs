//! EVENTS: rows of the outbox, written in the transaction that they report, where their type is active. No type is
//! active by default.

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::{
    Wrapper,
    database::{Call, Value, row},
    error::Error,
    types::{Actor, ComponentRunId, CorrelationId, EventId, ProcessRunId},
};

row! {
    /// One type of event.
    pub struct EventType {
        /// Its name, e.g. `process.run.completed`.
        pub event_type: String,
        /// The stream that it goes out on.
        pub stream: String,
        /// `immediate` or `delayed`.
        pub lane: String,
        /// How bad it is.
        pub severity: String,
        /// Whether such events are written.
        pub active: bool,
        /// What it tells.
        pub description: String,
    }
}

row! {
    /// One event of the outbox.
    pub struct Event {
        /// Its id; consumers dedupe by it.
        pub event_id: EventId,
        /// A number that grows; never an order or a cursor.
        pub event_seq: i64,
        /// Its type.
        pub event_type: String,
        /// The stream that it goes out on.
        pub stream: String,
        /// `immediate` or `delayed`.
        pub lane: String,
        /// How bad it is.
        pub severity: String,
        /// The correlation id of the run's records.
        pub correlation_id: CorrelationId,
        /// The run that it reports.
        pub process_run_id: ProcessRunId,
        /// The component that it reports, if any.
        pub component_run_id: Option<ComponentRunId>,
        /// What it tells.
        pub payload: Json,
        /// When that happened.
        pub occurred_at: Timestamp,
    }
}

impl Wrapper {
    /// Every event type, by name.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn event_types(&self) -> Result<Vec<EventType>, Error> {
        self.database
            .view("v_event_type", "ORDER BY event_type", Vec::new())
            .await
    }

    /// Lets events of a type be written from now on, or not any more. Returns whether that changed
    /// anything.
    ///
    /// # Errors
    /// Refused as `event_type_unknown`, `actor_required` or `reason_required`; [`Error::NotPermitted`]
    /// for a login that is no operator.
    pub async fn set_event_type_active(
        &self,
        event_type: &str,
        active: bool,
        actor: Option<&Actor>,
        reason: &str,
    ) -> Result<bool, Error> {
        let call = Call::to("fn_event_type_set_active")
            .with("p_event_type", event_type)
            .with("p_active", active)
            .with("p_actor", self.actor_or_default(actor))
            .with("p_reason", reason);
        self.database.value(&call).await
    }

    /// The events of a run, in the order in which they happened.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn events_of_run(&self, run: ProcessRunId) -> Result<Vec<Event>, Error> {
        let of_run = "WHERE process_run_id = $1 ORDER BY occurred_at, event_seq";
        self.database
            .view("v_event_outbox", of_run, vec![run.into()])
            .await
    }

    /// The latest events of the outbox, the newest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn events(&self, limit: u32) -> Result<Vec<Event>, Error> {
        let newest = "ORDER BY event_id DESC LIMIT $1";
        self.database
            .view("v_event_outbox", newest, vec![Value::Bigint(limit.into())])
            .await
    }
}
