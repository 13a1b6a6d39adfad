//! What verified runs left.

use jiff::Timestamp;

use crate::{
    Wrapper,
    database::{Call, row},
    error::Error,
    types::{CandidateCode, ProcessRunId},
};

row! {
    /// What a verified run left.
    pub struct VerifiedOutput {
        /// The run.
        pub process_run_id: ProcessRunId,
        /// Where its output is.
        pub output_ref: Option<String>,
        /// Its digest.
        pub output_digest: Option<String>,
        /// Its size in bytes, where the runner recorded it.
        pub output_bytes: Option<i64>,
        /// When its verifier's pass was recorded.
        pub verified_at: Timestamp,
    }
}

impl Wrapper {
    /// What the newest verified run of a candidate and an input left; None where there is no such run. `input_ref` is
    /// None for runs without an input.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn last_verified_output(
        &self,
        candidate: &CandidateCode,
        input_ref: Option<&str>,
    ) -> Result<Option<VerifiedOutput>, Error> {
        let call = Call::to("fn_process_last_verified_output")
            .with("p_process_candidate_code", candidate)
            .with("p_input_ref", input_ref)
            .idempotent();
        Ok(self.database.rows(&call).await?.into_iter().next())
    }
}
