//! GATE 1: the current posture, the gates and their history.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    Wrapper,
    database::{Call, Interval, Value, row},
    error::Error,
    types::{Actor, Posture},
};

/// The gate of the operator runtime.
pub const OPERATOR_RUNTIME_ENABLED: &str = "iu_core.operator_runtime_enabled";
/// The gate of execution.
pub const EXECUTE_ENABLED: &str = "process_dot_runtime.execute_enabled";
/// The brake: anything but a live `false` keeps the posture at `DRY_RUN_ONLY` or below.
pub const DRY_RUN_ONLY: &str = "process_dot_runtime.dry_run_only";
/// The gate of real runs.
pub const REAL_RUN_ENABLED: &str = "process_dot_runtime.real_run_enabled";

row! {
    /// One gate as it is now.
    pub struct Gate {
        /// Its key.
        pub key: String,
        /// Its text. Anything but exactly `true` or `false` counts as closed, and so does a missing text.
        pub value: Option<String>,
        /// When it expires; None for never.
        pub expires_at: Option<Timestamp>,
        /// Whether it is there and has not expired.
        pub live: bool,
        /// Whether it lets through: for the brake, whether it is off.
        pub open: bool,
        /// When it was changed last.
        pub updated_at: Option<Timestamp>,
        /// Who changed it.
        pub updated_by: Option<String>,
        /// Why.
        pub reason: Option<String>,
        /// Whether the end of this opening also stops the runs that are under way.
        pub stop_at_end: bool,
        /// Whether this closing lets the runs that are under way finish.
        pub let_finish: bool,
        /// Whether this closing stops runs without the grace of their contracts.
        pub stop_now: bool,
    }
}

row! {
    /// One change of a gate. Changes are kept for ever.
    pub struct GateChange {
        /// The change's id.
        pub change_id: Uuid,
        /// The gate.
        pub key: String,
        /// Its new text.
        pub value: String,
        /// Until when.
        pub expires_at: Option<Timestamp>,
        /// Who changed it.
        pub actor: String,
        /// Why.
        pub reason: String,
        /// The login that changed it.
        pub recorded_by: String,
        /// When.
        pub changed_at: Timestamp,
        /// Whether the end of this opening also stops the runs that are under way.
        pub stop_at_end: bool,
        /// Whether this closing lets the runs that are under way finish.
        pub let_finish: bool,
        /// Whether this closing stops runs without the grace of their contracts.
        pub stop_now: bool,
    }
}

/// A change of a gate that is asked for.
#[derive(Clone, Debug)]
pub struct GateSetting {
    key: String,
    value: String,
    reason: String,
    actor: Option<Actor>,
    lasting: Option<Duration>,
    stop_at_end: bool,
    let_finish: bool,
    stop_now: bool,
}

impl GateSetting {
    /// Sets the gate to `true` or `false`, for this reason.
    pub fn new(key: impl Into<String>, value: bool, reason: impl Into<String>) -> Self {
        Self::with_text(key, value.to_string(), reason)
    }

    /// Sets the gate's text. Anything but `true` and `false` is refused (`gate_value_invalid`).
    pub fn with_text(
        key: impl Into<String>,
        value: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            key: key.into(),
            value: value.into(),
            reason: reason.into(),
            actor: None,
            lasting: None,
            stop_at_end: false,
            let_finish: false,
            stop_now: false,
        }
    }

    /// The actor; by default the wrapper's.
    #[must_use]
    pub fn actor(mut self, actor: impl Into<Actor>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// The gate's new text.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Why.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The actor, where one was given.
    pub fn given_actor(&self) -> Option<&Actor> {
        self.actor.as_ref()
    }

    /// Whether the end of this opening also stops the runs that are under way.
    #[must_use]
    pub fn stop_at_end(mut self, stop: bool) -> Self {
        self.stop_at_end = stop;
        self
    }

    /// Whether this closing only keeps new runs out.
    #[must_use]
    pub fn let_finish(mut self, finish: bool) -> Self {
        self.let_finish = finish;
        self
    }

    /// Whether this closing stops runs without the grace of their contracts.
    #[must_use]
    pub fn stop_now(mut self, now: bool) -> Self {
        self.stop_now = now;
        self
    }

    /// Whether runs may finish.
    pub fn lets_finish(&self) -> bool {
        self.let_finish
    }

    /// Whether runs are stopped without the grace of their contracts.
    pub fn stops_now(&self) -> bool {
        self.stop_now
    }

    /// Sets the duration, from the time of the call by the database's clock. Without it the gate does not expire.
    #[must_use]
    pub fn lasting(mut self, time: Duration) -> Self {
        self.lasting = Some(time);
        self
    }
}

impl Wrapper {
    /// The current posture.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn posture(&self) -> Result<Posture, Error> {
        self.database
            .value(&Call::to("fn_process_dot_posture").idempotent())
            .await
    }

    /// Whether the operator runtime's gate is open.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn operator_runtime_enabled(&self) -> Result<bool, Error> {
        self.database
            .value(&Call::to("fn_dot_iu_operator_runtime_enabled").idempotent())
            .await
    }

    /// Every gate as it is now.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn gates(&self) -> Result<Vec<Gate>, Error> {
        self.database
            .view("v_dot_gate", "ORDER BY key", Vec::new())
            .await
    }

    /// The changes of the gates, the newest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn gate_history(&self, limit: u32) -> Result<Vec<GateChange>, Error> {
        let newest = "ORDER BY changed_at DESC, change_id DESC LIMIT $1";
        self.database
            .view(
                "v_dot_gate_history",
                newest,
                vec![Value::Bigint(limit.into())],
            )
            .await
    }

    /// Changes a gate and returns the posture that follows from it.
    ///
    /// # Errors
    /// Refused as `gate_unknown`, `gate_value_invalid`, `actor_required`, `reason_required`,
    /// `expiry_invalid`, `gate_option_invalid` or `text_too_long`; [`Error::NotPermitted`] for a login that is no operator.
    pub async fn set_gate(&self, setting: &GateSetting) -> Result<Posture, Error> {
        let lasting = setting
            .lasting
            .map(|time| Interval::from(time).to_sql_text());
        let call = Call::to("fn_dot_gate_set")
            .with("p_key", setting.key.as_str())
            .with("p_value", setting.value.as_str())
            .with("p_actor", self.actor_or_default(setting.actor.as_ref()))
            .with("p_reason", setting.reason.as_str())
            .with("p_expires_at", Value::FromNow(lasting))
            .with("p_stop_at_end", setting.stop_at_end)
            .with("p_let_finish", setting.let_finish)
            .with("p_stop_now", setting.stop_now);
        // In REPEATABLE READ a change could not see whether a receipt that is being written was committed.
        self.database.value_in_read_committed(&call).await
    }
}
