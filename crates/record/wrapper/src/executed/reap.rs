//! Reaps the runs of dead holders.

use crate::{
    Wrapper,
    database::Call,
    error::Error,
    refusal_log::RefusalContext,
    types::{Actor, ProcessRunId},
};

impl Wrapper {
    /// Concludes the runs whose lease expired by the database's clock, and returns them: `stuck`, with the outcome
    /// `unknown` where a call was open, because the tool may have done its work.
    ///
    /// # Errors
    /// Refused as `actor_required` or `text_too_long`; [`Error::NotPermitted`] for a login that is no runner.
    pub async fn reap_runs(&self, actor: Option<&Actor>) -> Result<Vec<ProcessRunId>, Error> {
        let actor = self.actor_or_default(actor);
        let call = Call::to("fn_process_run_reap")
            .with("p_actor", actor)
            // Idempotent: a second call concludes only the runs that the first one left.
            .idempotent();
        let about = RefusalContext {
            actor,
            ..RefusalContext::default()
        };
        let outcome = self.database.values(&call).await;
        self.recording_refusal(about, outcome).await
    }
}
