//! Runs: header, effective status, verdict and both sides, one row each.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;

use super::run_filter::{RunCursor, RunFilter};
use crate::{
    Wrapper,
    database::{Interval, Value, row},
    error::Error,
    types::{
        Actor, CandidateCode, ComponentRunId, CorrelationId, DotCode, EvidenceType, IdempotencyKey,
        ProcessRunId, StoredStatus, Verdict,
    },
};

row! {
    /// One run.
    pub struct Run {
        /// Its id.
        pub process_run_id: ProcessRunId,
        /// The producer that its header names.
        pub dot_code: Option<DotCode>,
        /// What it is evidence for.
        pub process_candidate_code: CandidateCode,
        /// The process definition that it follows.
        pub process_definition_code: Option<String>,
        /// What joins everything of it.
        pub correlation_id: CorrelationId,
        /// The run that it is a part of.
        pub parent_run_id: Option<ProcessRunId>,
        /// An event code of the caller's own.
        pub event_code: Option<String>,
        /// The status that holds: the conclusion's where there is one, else the header's.
        pub status: StoredStatus,
        /// The status that its header was written with.
        pub header_status: StoredStatus,
        /// The output of its conclusion.
        pub verdict: Option<Verdict>,
        /// What kind of evidence its rows show: the producer's component, else the verifier's, else the mode of its
        /// open receipt.
        pub evidence_type: EvidenceType,
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
        /// The producer's code, once its component is recorded.
        pub producer_dot_code: Option<DotCode>,
        /// The producer's component.
        pub producer_component_run_id: Option<ComponentRunId>,
        /// The producer's status.
        pub producer_status: Option<StoredStatus>,
        /// What kind of evidence the producer's component is.
        pub producer_evidence_type: Option<EvidenceType>,
        /// The verifier's code, once its component is recorded.
        pub verifier_dot_code: Option<DotCode>,
        /// The verifier's component.
        pub verifier_component_run_id: Option<ComponentRunId>,
        /// The verifier's status.
        pub verifier_status: Option<StoredStatus>,
        /// What kind of evidence the verifier's component is.
        pub verifier_evidence_type: Option<EvidenceType>,
        /// How long it took.
        pub duration: Option<Interval>,
        /// How long ago it was recorded.
        pub age: Interval,
        /// The lease that it is bound to.
        pub lease_name: Option<String>,
        /// Who holds that lease now.
        pub lease_holder: Option<String>,
        /// When it was concluded.
        pub concluded_at: Option<Timestamp>,
        /// What kind of evidence its header claims to be. Nothing counts by it.
        pub header_evidence_type: EvidenceType,
        /// How many warnings its calls left.
        pub warnings: i32,
        /// Who called its tools.
        pub runner: Option<Actor>,
        /// Which attempt under its key it is, from 1.
        pub attempt: i32,
        /// The run of the first attempt. None: it is the first.
        pub attempt_of: Option<ProcessRunId>,
        /// What somebody found out about it: `yes`, `no` or `partly`.
        pub happened: Option<String>,
        /// Who stopped it while it was under way.
        pub stopped_by: Option<Actor>,
        /// Why that person stopped it.
        pub stop_reason: Option<String>,
        /// When it was stopped.
        pub stopped_at: Option<Timestamp>,
        /// What its producer's output is: `file`, `stdout`, `path` or `reference`. A reference's digest is of the
        /// message that says where the work is, and not of the work.
        pub output_kind: Option<String>,
        /// The run whose output it verified again.
        pub reverifies: Option<ProcessRunId>,
        /// What became of its output last: `pruned`, `moved`, `missing` or `changed`.
        pub output_state: Option<String>,
        /// Where its output was moved to.
        pub output_moved_to: Option<String>,
    }
}

impl Run {
    /// Whether its output is elsewhere, and only a message that says where was digested.
    pub fn is_reference(&self) -> bool {
        self.output_kind.as_deref() == Some("reference")
    }

    /// Whether it is only a header: no component, and not begun under a lease. Nothing ran, whatever its status.
    pub fn is_header_only(&self) -> bool {
        self.producer_component_run_id.is_none()
            && self.verifier_component_run_id.is_none()
            && self.lease_name.is_none()
    }
}

/// One page of runs, the newest first.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<Run>,
    /// Where the next page begins; none: this was the last.
    pub next_page: Option<RunCursor>,
}

impl Wrapper {
    /// One page of runs, the newest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn runs(&self, filter: &RunFilter, limit: u32) -> Result<RunPage, Error> {
        let mut conditions = filter.conditions();
        // One more than asked for tells whether there is a next page.
        let limit_and_one = conditions.parameter(i64::from(limit) + 1);
        let rest = format!(
            "{} ORDER BY created_at DESC, process_run_id DESC LIMIT {limit_and_one}",
            conditions.where_clause()
        );
        let mut runs: Vec<Run> = self
            .database
            .view("v_process_run", &rest, conditions.values)
            .await?;
        let has_more = runs.len() > limit as usize;
        runs.truncate(limit as usize);
        let next_page = runs.last().filter(|_| has_more).map(|run| RunCursor {
            created_at: run.created_at,
            process_run_id: run.process_run_id,
        });
        Ok(RunPage { runs, next_page })
    }

    /// One run; none: there is no such id.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn run(&self, run: ProcessRunId) -> Result<Option<Run>, Error> {
        let found = self
            .database
            .view(
                "v_process_run",
                "WHERE process_run_id = $1",
                vec![run.into()],
            )
            .await?;
        Ok(found.into_iter().next())
    }

    /// Those of these runs that the ledger has, in no order.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn runs_of_ids(&self, runs: &[ProcessRunId]) -> Result<Vec<Run>, Error> {
        let ids = runs.iter().map(ToString::to_string).collect();
        self.database
            .view(
                "v_process_run",
                "WHERE process_run_id = ANY ($1::uuid[])",
                vec![Value::Texts(Some(ids))],
            )
            .await
    }

    /// The runs whose ids lie between these two, both included: those of a common beginning. At most `limit`, in the
    /// order of their ids.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn runs_between(
        &self,
        first: ProcessRunId,
        last: ProcessRunId,
        limit: u32,
    ) -> Result<Vec<Run>, Error> {
        self.database
            .view(
                "v_process_run",
                "WHERE process_run_id BETWEEN $1 AND $2 ORDER BY process_run_id LIMIT $3",
                vec![first.into(), last.into(), Value::Bigint(limit.into())],
            )
            .await
    }

    /// The runs of a correlation, the oldest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn runs_of_correlation(
        &self,
        correlation: &CorrelationId,
    ) -> Result<Vec<Run>, Error> {
        let joined = "WHERE correlation_id = $1 ORDER BY created_at, process_run_id";
        self.database
            .view("v_process_run", joined, vec![correlation.into()])
            .await
    }

    /// The run that an idempotency key was used for.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn run_of_key(&self, key: &IdempotencyKey) -> Result<Option<Run>, Error> {
        let found = self
            .database
            .view(
                "v_process_run",
                "WHERE idempotency_key = $1 ORDER BY attempt DESC LIMIT 1",
                vec![key.into()],
            )
            .await?;
        Ok(found.into_iter().next())
    }
}
