//! Requests: runs that somebody asks for and a worker claims, at most one run a request.
//!
//! ```text
//! waiting ─ claimed ─ finished    concluded: its run has its conclusion
//!    │  ▲      │                  refused:   no run was begun, and none will be
//!    │  └──────┘ later            gave_up:   its workers died of it, time and again
//!    └─ cancelled
//! ```
//! The run is begun under the key `request:<request_id>` ([`ClaimedRequest::begin_call`]). So whoever claims a request after
//! its worker died finds the run that was begun, and does not call its tool again.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::{AsRefStr, Display, EnumString, VariantArray};

use crate::{
    Wrapper,
    database::{Call, Interval, Repeat, Value, row},
    description::description,
    error::Error,
    executed::BeginCall,
    lease::whole_seconds,
    refusal_log::About,
    vocabulary::{
        Actor, CandidateCode, ClaimToken, CorrelationId, DotCode, EvidenceType, IdempotencyKey,
        ProcessRunId, RequestId, StoredStatus, Verdict, read_from_text_column,
    },
};

description! {
    /// A run that is asked for.
    pub struct RunRequest {
        required {
            /// The pair's producer.
            dot_code: DotCode,
            /// What the run is evidence for.
            process_candidate_code: CandidateCode,
            /// `DRY_RUN` or `REAL_RUN`.
            mode: EvidenceType,
        }
        optional {
            /// What joins everything of the run. Unless said: derived from the idempotency key, else new.
            correlation_id: CorrelationId,
            /// Who asks; the wrapper's actor unless said.
            actor: Actor,
            /// The name of this request. The same request under the same name is the first one.
            idempotency_key: IdempotencyKey,
            /// The request's id, if the caller minted one; a new one unless said.
            request_id: RequestId,
            /// What the run is given, at most 2 000 characters.
            input_ref: String,
            /// Its digest, where it is known.
            input_digest: String,
        }
        defaulted {
            /// From when on it may be claimed.
            due: Due = Due::Now,
        }
    }
}

/// From when on a request may be claimed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Due {
    /// From the moment of the call.
    #[default]
    Now,
    /// From this time on.
    At(Timestamp),
    /// So long after the moment of the call, by the database's clock.
    In(Duration),
}

impl From<Due> for Value {
    fn from(due: Due) -> Self {
        match due {
            Due::Now => Self::Time(None),
            Due::At(time) => Self::Time(Some(time)),
            Due::In(time) => Self::FromNow(Some(Interval::from(time).to_sql_text())),
        }
    }
}

/// Declares words of the contract that stand in a text column.
macro_rules! words {
    ($(#[$documentation:meta])* pub enum $name:ident { $( $(#[$word_documentation:meta])* $word:ident, )+ }) => {
        $(#[$documentation])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr, Display, EnumString, VariantArray, Serialize, Deserialize,
        )]
        #[strum(serialize_all = "snake_case")]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $( $(#[$word_documentation])* $word, )+ }

        read_from_text_column!($name);
    };
}

words! {
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

words! {
    /// How a request was finished.
    pub enum RequestOutcome {
        /// Its run has its conclusion.
        Concluded,
        /// It was refused, and no run was begun.
        Refused,
        /// Its workers died before they began its run, time and again.
        GaveUp,
    }
}

row! {
    /// One request as it stands now.
    pub struct RunRequestRecord {
        /// Its id.
        pub request_id: RequestId,
        /// The producer of the pair.
        pub dot_code: DotCode,
        /// What the run is evidence for.
        pub process_candidate_code: CandidateCode,
        /// `DRY_RUN` or `REAL_RUN`.
        pub mode: EvidenceType,
        /// What joins everything of the run.
        pub correlation_id: CorrelationId,
        /// What the run is given.
        pub input_ref: Option<String>,
        /// Its digest.
        pub input_digest: Option<String>,
        /// The name of the request.
        pub idempotency_key: Option<IdempotencyKey>,
        /// Who asked, as the caller said.
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
        /// How it was finished.
        pub outcome: Option<RequestOutcome>,
        /// Why it was refused; while it waits, why the last try was.
        pub refusal_code: Option<String>,
        /// Who cancelled it, as the caller said.
        pub cancelled_by: Option<String>,
        /// The login that cancelled it.
        pub cancelled_recorded_by: Option<String>,
        /// Why it was cancelled.
        pub cancel_reason: Option<String>,
        /// When it was finished or cancelled.
        pub finished_at: Option<Timestamp>,
    }
}

row! {
    /// The row that `fn_dot_run_request_claim` returns.
    struct ClaimRow {
        request_id: RequestId,
        claim_token: ClaimToken,
        claimed_until: Timestamp,
        run_key: IdempotencyKey,
        dot_code: DotCode,
        process_candidate_code: CandidateCode,
        mode: EvidenceType,
        correlation_id: CorrelationId,
        actor: Actor,
        input_ref: Option<String>,
        input_digest: Option<String>,
        requested_at: Timestamp,
        claims: i32,
    }
}

/// A request that this worker has claimed. Dropping it gives nothing back: the claim runs out, and another worker takes it
/// over.
#[derive(Clone, Debug)]
#[must_use = "a claim that is not finished runs out"]
pub struct ClaimedRequest(ClaimRow);

impl ClaimedRequest {
    /// The request.
    pub fn request_id(&self) -> RequestId {
        self.0.request_id
    }

    /// Until when the claim counts unless it is renewed, by the database's clock.
    pub fn claimed_until(&self) -> Timestamp {
        self.0.claimed_until
    }

    /// The idempotency key under which its run is begun, `request:<request_id>`.
    pub fn run_key(&self) -> &IdempotencyKey {
        &self.0.run_key
    }

    /// The producer of the pair.
    pub fn dot_code(&self) -> &DotCode {
        &self.0.dot_code
    }

    /// What the run is evidence for.
    pub fn process_candidate_code(&self) -> &CandidateCode {
        &self.0.process_candidate_code
    }

    /// `DRY_RUN` or `REAL_RUN`.
    pub fn mode(&self) -> EvidenceType {
        self.0.mode
    }

    /// What joins everything of the run.
    pub fn correlation_id(&self) -> &CorrelationId {
        &self.0.correlation_id
    }

    /// Who asked.
    pub fn actor(&self) -> &Actor {
        &self.0.actor
    }

    /// What the run is given.
    pub fn input_ref(&self) -> Option<&str> {
        self.0.input_ref.as_deref()
    }

    /// Its digest.
    pub fn input_digest(&self) -> Option<&str> {
        self.0.input_digest.as_deref()
    }

    /// When it was asked for.
    pub fn requested_at(&self) -> Timestamp {
        self.0.requested_at
    }

    /// How often it was claimed, this time included.
    pub fn claims(&self) -> i32 {
        self.0.claims
    }

    /// The beginning of its run: what was asked for, under the key that allows one run a request.
    pub fn begin_call(&self, runner: impl Into<Actor>) -> BeginCall {
        let asked = &self.0;
        let mut call = BeginCall::new(
            asked.dot_code.clone(),
            asked.process_candidate_code.clone(),
            asked.mode,
            runner,
        )
        .correlation_id(asked.correlation_id.clone())
        .actor(asked.actor.clone())
        .idempotency_key(asked.run_key.clone());
        call.input_ref.clone_from(&asked.input_ref);
        call.input_digest.clone_from(&asked.input_digest);
        call
    }
}

/// What came of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestEnd {
    /// The request's run, which is concluded.
    Concluded(ProcessRunId),
    /// No run could be begun, for the reason that this code names.
    Refused(String),
    /// The same, but it may pass: the request waits again for so long.
    Later {
        /// Why not now.
        refusal_code: String,
        /// How long to wait, at most 24 hours.
        after: Duration,
    },
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
    /// Asks for a run: `fn_dot_run_request`. The gates may be closed; the request then waits for them.
    ///
    /// # Errors
    /// Refused as `mode_invalid`, `mode_not_allowed`, `unknown_dot`, `not_a_producer`, `pair_incomplete`,
    /// `contract_missing`, `idempotency_conflict`, `id_in_use`, `time_invalid`, or for a text that is missing or too long;
    /// [`Error::NotPermitted`] for whoever is neither runner nor operator.
    pub async fn request_run(&self, request: &RunRequest) -> Result<RequestId, Error> {
        let correlation = CorrelationId::settle(
            request.correlation_id.as_ref(),
            request.idempotency_key.as_ref(),
        );
        let actor = self.actor_of(request.actor.as_ref());
        let call = Call::to("fn_dot_run_request")
            .with("p_dot_code", &request.dot_code)
            .with("p_process_candidate_code", &request.process_candidate_code)
            .with("p_correlation_id", &*correlation)
            .with("p_actor", actor)
            .with("p_mode", request.mode)
            .with("p_idempotency_key", request.idempotency_key.as_ref())
            .with("p_input_ref", &request.input_ref)
            .with("p_input_digest", &request.input_digest)
            .with("p_not_before", request.due)
            .with(
                "p_request_id",
                request.request_id.unwrap_or_else(RequestId::mint),
            )
            .repeating(Repeat::by_key(request.idempotency_key.as_ref()));
        let about = About {
            actor,
            dot_code: Some(&request.dot_code),
            candidate: Some(&request.process_candidate_code),
            correlation: Some(&correlation),
            ..About::default()
        };
        let outcome = self.database.value(&call).await;
        self.noting_refusal(about, outcome).await
    }

    /// Claims what has been due for longest, of a pair that nobody is at, in a mode that the gates allow now and, where
    /// `modes` is not empty, in one of these. None: there is nothing to do.
    ///
    /// The run is begun with [`ClaimedRequest::begin_call`], and the claim renewed while it lasts. Where the answer is lost,
    /// what was claimed is claimed again once the claim ran out.
    ///
    /// # Errors
    /// Refused as `holder_required`, `ttl_invalid` or `mode_invalid`; [`Error::NotPermitted`] for whoever is no runner.
    pub async fn claim_request(
        &self,
        runner: &Actor,
        ttl: Duration,
        modes: &[EvidenceType],
    ) -> Result<Option<ClaimedRequest>, Error> {
        let modes: Vec<String> = modes.iter().map(ToString::to_string).collect();
        let call = Call::to("fn_dot_run_request_claim")
            .with("p_runner", runner)
            .with("p_ttl_seconds", whole_seconds(ttl))
            .with(
                "p_modes",
                Value::Texts(Some(modes).filter(|modes| !modes.is_empty())),
            );
        let claimed = self.database.rows::<ClaimRow>(&call).await?;
        Ok(claimed.into_iter().next().map(ClaimedRequest))
    }

    /// Lets a claim live so long from now. False: it is not this worker's any more. Its run goes on as long as its own lease
    /// is held; the request ends with it.
    ///
    /// # Errors
    /// Refused as `ttl_invalid`.
    pub async fn renew_request(
        &self,
        claim: &ClaimedRequest,
        ttl: Duration,
    ) -> Result<bool, Error> {
        let call = of_claim("fn_dot_run_request_renew", claim)
            .with("p_ttl_seconds", whole_seconds(ttl))
            .harmless();
        self.database.value(&call).await
    }

    /// Says what came of a claim. False: it was taken over, and what came of it is for another worker to say.
    ///
    /// A request whose run was begun ends with that run, whatever is said here.
    ///
    /// # Errors
    /// Refused as `run_unknown` where the run is not the request's, `status_invalid` where it is not concluded yet.
    pub async fn finish_request(
        &self,
        claim: &ClaimedRequest,
        end: &RequestEnd,
    ) -> Result<bool, Error> {
        let call = of_claim("fn_dot_run_request_finish", claim);
        let call = match end {
            RequestEnd::Concluded(run) => call.with("p_process_run_id", *run).harmless(),
            RequestEnd::Refused(code) => call.with("p_refusal_code", code.as_str()).harmless(),
            RequestEnd::Later {
                refusal_code,
                after,
            } => call
                .with("p_refusal_code", refusal_code.as_str())
                .with("p_retry_after_seconds", whole_seconds(*after)),
        };
        self.database.value(&call).await
    }

    /// Takes a request back that nobody is at. False: there was nothing to take back; a worker has it, or it has ended.
    ///
    /// # Errors
    /// Refused as `actor_required` or `reason_required`; [`Error::NotPermitted`] for whoever is neither runner nor operator.
    pub async fn cancel_request(
        &self,
        request: RequestId,
        actor: Option<&Actor>,
        reason: &str,
    ) -> Result<bool, Error> {
        let call = Call::to("fn_dot_run_request_cancel")
            .with("p_request_id", request)
            .with("p_actor", self.actor_of(actor))
            .with("p_reason", reason);
        self.database.value(&call).await
    }

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
}

fn of_claim(function: &'static str, claim: &ClaimedRequest) -> Call {
    Call::to(function)
        .with("p_request_id", claim.0.request_id)
        .with("p_claim_token", claim.0.claim_token)
}
