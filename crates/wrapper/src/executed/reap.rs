//! What became of the runs whose holder died.

use crate::{
    Wrapper,
    database::Call,
    error::Error,
    refusal_log::RefusalContext,
    types::{Actor, ProcessRunId},
};

impl Wrapper {
    /// Concludes the runs whose lease ran out, by the database's clock, and returns them: `stuck`, with the outcome
    /// `unknown` where a call was open, because nobody knows whether the tool did its work.
    ///
    /// # Errors
    /// Refused as `actor_required` or `text_too_long`; [`Error::NotPermitted`] for whoever is no runner.
    pub async fn reap_runs(&self, actor: Option<&Actor>) -> Result<Vec<ProcessRunId>, Error> {
        let actor = self.actor_or_default(actor);
        let call = Call::to("fn_process_run_reap")
            .with("p_actor", actor)
            // A second call concludes what the first one left, and nothing twice.
            .idempotent();
        let about = RefusalContext {
            actor,
            ..RefusalContext::default()
        };
        let outcome = self.database.values(&call).await;
        self.recording_refusal(about, outcome).await
    }
}
