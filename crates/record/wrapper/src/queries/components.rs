//! Components: the executions, or simulated executions, of single DOTs.

use jiff::Timestamp;
use serde_json::Value as Json;
use uuid::Uuid;

use crate::{
    Wrapper,
    database::row,
    error::Error,
    types::{
        Actor, CandidateCode, ComponentRole, ComponentRunId, CorrelationId, DotCode, EvidenceType,
        IdempotencyKey, ProcessRunId, StoredStatus, Verdict,
    },
};

row! {
    /// One component.
    pub struct Component {
        /// Its id.
        pub component_run_id: ComponentRunId,
        /// The run that it is a part of.
        pub process_run_id: ProcessRunId,
        /// Which part of the pair it is.
        pub component_role: ComponentRole,
        /// The run that its run is a part of.
        pub parent_run_id: Option<ProcessRunId>,
        /// The candidate of the run.
        pub process_candidate_code: CandidateCode,
        /// The correlation id of the run's records.
        pub correlation_id: CorrelationId,
        /// The DOT that it is an execution of.
        pub dot_code: DotCode,
        /// An event code of the caller's own.
        pub event_code: Option<String>,
        /// The job of a queue that it came from.
        pub queue_job_id: Option<Uuid>,
        /// The receipt that the DOT was really called.
        pub invocation_id: Option<Uuid>,
        /// Its status.
        pub status: StoredStatus,
        /// What kind of evidence it is.
        pub evidence_type: EvidenceType,
        /// The verifier's verdict.
        pub verdict: Option<Verdict>,
        /// The digest of its output.
        pub output_digest: Option<String>,
        /// The system that it comes from.
        pub source_system: String,
        /// The name of the call that wrote it.
        pub idempotency_key: Option<IdempotencyKey>,
        /// Where the input is.
        pub input_ref: Option<String>,
        /// Where the output is.
        pub output_ref: Option<String>,
        /// Where the cause of a failure is described.
        pub error_ref: Option<String>,
        /// What is known of it as evidence.
        pub evidence_ref: Json,
        /// The actor, as the caller named it.
        pub actor: Actor,
        /// The login that recorded it.
        pub recorded_by: String,
        /// When it began.
        pub started_at: Option<Timestamp>,
        /// When it ended.
        pub ended_at: Option<Timestamp>,
        /// When it was recorded.
        pub created_at: Timestamp,
    }
}

impl Wrapper {
    /// The components of a run, the producer first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn components_of(&self, run: ProcessRunId) -> Result<Vec<Component>, Error> {
        let of_run = "WHERE process_run_id = $1 ORDER BY component_role";
        self.database
            .view("v_process_component", of_run, vec![run.into()])
            .await
    }
}
