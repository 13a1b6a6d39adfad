//! Where requests stand.

use jiff::Timestamp;

use crate::{
    Wrapper,
    database::{Interval, Value, row},
    error::Error,
    types::{
        Actor, CandidateCode, CorrelationId, DotCode, EvidenceType, IdempotencyKey, ProcessRunId,
        RequestId, StoredStatus, Verdict, text_enum,
    },
};

text_enum! {
    /// Where a request stands.
    pub enum RequestState {
        /// For a worker, for the gates, or for its time.
        Waiting,
        /// A worker has it, or died with it.
        Claimed,
        /// It has its outcome.
        Finished,
        /// It was taken back before a run was begun.
        Cancelled,
    }
}

text_enum! {
    /// How a request was finished.
    pub enum RequestOutcome {
        /// Its run has its conclusion.
        Concluded,
        /// It was refused, and no run was begun.
        Refused,
        /// Its workers died before they began its run, time and again.
        Abandoned,
    }
}

row! {
    /// One request as it stands now.
    pub struct RunRequestRecord {
        /// Its id.
        pub request_id: RequestId,
        /// The producer of the pair.
        pub dot_code: DotCode,
        /// The candidate of the run.
        pub process_candidate_code: CandidateCode,
        /// `DRY_RUN` or `REAL_RUN`.
        pub mode: EvidenceType,
        /// The correlation id of the run's records.
        pub correlation_id: CorrelationId,
        /// What the run is given.
        pub input_ref: Option<String>,
        /// Its digest.
        pub input_digest: Option<String>,
        /// The name of the request.
        pub idempotency_key: Option<IdempotencyKey>,
        /// The actor of the request, as the caller named it.
        pub actor: Actor,
        /// The login that asked.
        pub recorded_by: String,
        /// When.
        pub requested_at: Timestamp,
        /// From when on it may be claimed.
        pub not_before: Timestamp,
        /// Where it stands.
        pub state: RequestState,
        /// The worker that claimed it last.
        pub claimed_by: Option<String>,
        /// Until when that claim counts, or counted.
        pub claimed_until: Option<Timestamp>,
        /// How often it was claimed.
        pub claims: i32,
        /// How many of these claims ran out before a run was begun.
        pub claims_lost: i32,
        /// Its run, from the moment that it was begun.
        pub process_run_id: Option<ProcessRunId>,
        /// The status that its run has now.
        pub run_status: Option<StoredStatus>,
        /// What its run's conclusion says of the output.
        pub run_verdict: Option<Verdict>,
        /// How many warnings its calls left.
        pub run_warnings: Option<i32>,
        /// How it was finished.
        pub outcome: Option<RequestOutcome>,
        /// Why it was refused; while it waits, why the last try was.
        pub refusal_code: Option<String>,
        /// The actor of the cancellation, as the caller named it.
        pub cancelled_by: Option<String>,
        /// The login that cancelled it.
        pub cancelled_recorded_by: Option<String>,
        /// Why it was cancelled.
        pub cancel_reason: Option<String>,
        /// When it was finished or cancelled.
        pub finished_at: Option<Timestamp>,
        /// The lease that its run needs.
        pub lease_name: String,
        /// 0 is claimed first, 9 last.
        pub priority: i16,
        /// How many attempts it has.
        pub max_attempts: i32,
        /// The pause before the second attempt.
        pub backoff: Interval,
        /// How many attempts were begun.
        pub attempt: i32,
        /// Attempts that a worker stopped because it was stopped itself.
        pub stops: i32,
        /// The run of the last attempt, while it waits for the next.
        pub last_run_id: Option<ProcessRunId>,
    }
}

/// Which requests to list. Everything that is set has to hold.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RunRequestFilter {
    /// Only those that stand so.
    pub state: Option<RequestState>,
    /// Only those of this producer.
    pub dot_code: Option<DotCode>,
    /// Only those of this candidate.
    pub process_candidate_code: Option<CandidateCode>,
}

impl Wrapper {
    /// The requests, the newest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn run_requests(
        &self,
        filter: &RunRequestFilter,
        limit: u32,
    ) -> Result<Vec<RunRequestRecord>, Error> {
        let mut values = Vec::new();
        let mut conditions = Vec::new();
        for (column, value) in [
            ("state", filter.state.map(|state| state.to_string())),
            (
                "dot_code",
                filter.dot_code.as_ref().map(ToString::to_string),
            ),
            (
                "process_candidate_code",
                filter
                    .process_candidate_code
                    .as_ref()
                    .map(ToString::to_string),
            ),
        ] {
            if let Some(value) = value {
                values.push(Value::from(value));
                conditions.push(format!("{column} = ${}", values.len()));
            }
        }
        values.push(Value::Bigint(limit.into()));
        let rest = format!(
            "{}{} ORDER BY requested_at DESC, request_id DESC LIMIT ${}",
            if conditions.is_empty() { "" } else { "WHERE " },
            conditions.join(" AND "),
            values.len()
        );
        self.database.view("v_dot_run_request", &rest, values).await
    }

    /// One request; none: there is no such id.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn run_request(&self, request: RequestId) -> Result<Option<RunRequestRecord>, Error> {
        let found = self
            .database
            .view(
                "v_dot_run_request",
                "WHERE request_id = $1",
                vec![request.into()],
            )
            .await?;
        Ok(found.into_iter().next())
    }

    /// The requests whose ids lie between these two, both included: those of a common beginning. At most `limit`, in
    /// the order of their ids.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn run_requests_between(
        &self,
        first: RequestId,
        last: RequestId,
        limit: u32,
    ) -> Result<Vec<RunRequestRecord>, Error> {
        self.database
            .view(
                "v_dot_run_request",
                "WHERE request_id BETWEEN $1 AND $2 ORDER BY request_id LIMIT $3",
                vec![first.into(), last.into(), Value::Bigint(limit.into())],
            )
            .await
    }
}
