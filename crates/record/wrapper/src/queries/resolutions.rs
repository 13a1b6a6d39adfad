//! What somebody found out about runs whose effect the record does not show. Never evidence.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    Wrapper,
    database::{Call, row},
    error::Error,
    types::{Actor, ProcessRunId, text_enum},
};

text_enum! {
    /// Whether what a run was to do happened.
    pub enum Happened {
        /// It did. No other attempt may follow.
        Yes,
        /// It did not. Another attempt may follow.
        No,
        /// A part of it did. Another attempt may follow where the contract says `may_repeat`.
        Partly,
    }
}

row! {
    /// One finding about one run. The newest one counts.
    pub struct Resolution {
        /// Its id.
        pub resolution_id: Uuid,
        /// The run.
        pub process_run_id: ProcessRunId,
        /// Whether it happened.
        pub happened: Happened,
        /// Who found out, as the caller says.
        pub actor: Actor,
        /// How.
        pub reason: String,
        /// The login that recorded it.
        pub recorded_by: String,
        /// When.
        pub resolved_at: Timestamp,
    }
}

impl Wrapper {
    /// Records what somebody found out about a concluded run: `fn_dot_run_resolve`.
    ///
    /// # Errors
    /// Refused as `run_unknown`, `still_running`, `actor_required` or `reason_required`; [`Error::NotPermitted`] for a
    /// login that is no operator.
    pub async fn resolve_run(
        &self,
        run: ProcessRunId,
        happened: Happened,
        reason: &str,
        actor: Option<&Actor>,
    ) -> Result<Uuid, Error> {
        let call = Call::to("fn_dot_run_resolve")
            .with("p_process_run_id", run)
            .with("p_happened", happened.to_string())
            .with("p_actor", self.actor_or_default(actor))
            .with("p_reason", reason);
        self.database.value(&call).await
    }

    /// The findings about one run, the newest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn resolutions_of(&self, run: ProcessRunId) -> Result<Vec<Resolution>, Error> {
        let of_run = "WHERE process_run_id = $1 ORDER BY resolved_at DESC, resolution_id DESC";
        self.database
            .view("v_dot_run_resolution", of_run, vec![run.into()])
            .await
    }
}
