//! Stops a run that is under way, from any session.

use jiff::Timestamp;

use crate::{
    Wrapper,
    database::{Call, row},
    error::Error,
    types::{Actor, ProcessRunId},
};

row! {
    /// Who stopped a run, and why.
    pub struct RunStop {
        /// The run.
        pub process_run_id: ProcessRunId,
        /// Who stopped it.
        pub actor: Actor,
        /// Why.
        pub reason: String,
        /// The login that stopped it.
        pub recorded_by: String,
        /// When.
        pub stopped_at: Timestamp,
        /// False where it had been stopped before: then this is the first stop.
        pub created: bool,
    }
}

impl Wrapper {
    /// Stops a run: its runner ends the call with the grace of the contract, and concludes the run. A second stop
    /// returns the first.
    ///
    /// # Errors
    /// Refused as `run_unknown`, `run_concluded`, `login_mismatch`, `actor_required`, `reason_required`,
    /// `text_too_long`, or `busy` while the run is being written to.
    pub async fn stop_run(
        &self,
        process_run_id: ProcessRunId,
        actor: Option<&Actor>,
        reason: &str,
    ) -> Result<RunStop, Error> {
        let call = Call::to("fn_dot_run_stop")
            .with("p_process_run_id", process_run_id)
            .with("p_actor", self.actor_or_default(actor))
            .with("p_reason", reason)
            .idempotent();
        self.database.row(&call).await
    }
}
