//! Claims requests and finishes them.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    Wrapper,
    database::{Call, Value, row},
    error::Error,
    executed::BeginCall,
    lease::whole_seconds,
    types::{
        Actor, CandidateCode, ClaimToken, CorrelationId, DotCode, EvidenceType, IdempotencyKey,
        ProcessRunId, RequestId,
    },
};

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
        attempt: i32,
    }
}

/// A request that this worker claimed. Dropping it does not release the claim: it expires, and another worker claims
/// the request.
#[derive(Clone, Debug)]
#[must_use = "a claim that is not finished runs out"]
pub struct ClaimedRequest(ClaimRow);

impl ClaimedRequest {
    /// The request.
    pub fn request_id(&self) -> RequestId {
        self.0.request_id
    }

    /// When the claim expires unless it is renewed, by the database's clock.
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

    /// The candidate of the run.
    pub fn process_candidate_code(&self) -> &CandidateCode {
        &self.0.process_candidate_code
    }

    /// `DRY_RUN` or `REAL_RUN`.
    pub fn mode(&self) -> EvidenceType {
        self.0.mode
    }

    /// The correlation id of the run's records.
    pub fn correlation_id(&self) -> &CorrelationId {
        &self.0.correlation_id
    }

    /// The actor that made the request.
    pub fn actor(&self) -> &Actor {
        &self.0.actor
    }

    /// The input of the run.
    pub fn input_ref(&self) -> Option<&str> {
        self.0.input_ref.as_deref()
    }

    /// Its digest.
    pub fn input_digest(&self) -> Option<&str> {
        self.0.input_digest.as_deref()
    }

    /// When the request was made.
    pub fn requested_at(&self) -> Timestamp {
        self.0.requested_at
    }

    /// The number of claims, including this one.
    pub fn claims(&self) -> i32 {
        self.0.claims
    }

    /// Which attempt the claim is for, from 1.
    pub fn attempt(&self) -> i32 {
        self.0.attempt
    }

    /// The call that begins the run: the requested arguments, and the key that allows one run per request.
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

/// The outcome of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestEnd {
    /// The request's concluded run.
    Concluded(ProcessRunId),
    /// No run could be begun; the code names the reason.
    Refused(String),
    /// As `Refused`, for a transient reason: the request is queued again for the given time.
    Retry {
        /// The reason.
        refusal_code: String,
        /// The delay, at most 24 hours.
        after: Duration,
    },
}

impl Wrapper {
    /// Claims the request that is due for longest, of those with the lowest priority number, whose lease is free, in a
    /// mode that the gates allow now. A non-empty `modes` restricts the modes. `labels` are those of this worker: a
    /// contract may require some. None where there is no such request.
    ///
    /// Begin the run with [`ClaimedRequest::begin_call`], and renew the claim during the run. Where the result is lost,
    /// the request is claimed again after the claim expired.
    ///
    /// # Errors
    /// Refused as `holder_required`, `ttl_invalid` or `mode_invalid`; [`Error::NotPermitted`] for a login that is no
    /// runner.
    pub async fn claim_request(
        &self,
        runner: &Actor,
        ttl: Duration,
        modes: &[EvidenceType],
        labels: &[String],
    ) -> Result<Option<ClaimedRequest>, Error> {
        let modes: Vec<String> = modes.iter().map(ToString::to_string).collect();
        let call = Call::to("fn_dot_run_request_claim")
            .with("p_runner", runner)
            .with("p_ttl_seconds", whole_seconds(ttl))
            .with(
                "p_modes",
                Value::Texts(Some(modes).filter(|modes| !modes.is_empty())),
            )
            .with("p_labels", Value::Texts(Some(labels.to_vec())));
        let claimed = self.database.rows::<ClaimRow>(&call).await?;
        Ok(claimed.into_iter().next().map(ClaimedRequest))
    }

    /// Extends a claim from now. Returns false where this worker no longer holds it. The run continues while its own
    /// lease is held, and the request ends with it.
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
            .idempotent();
        self.database.value(&call).await
    }

    /// Finishes a claim. Returns false where another worker took it over, which then finishes it.
    ///
    /// A request whose run was begun ends with that run, whatever outcome is passed here.
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
            RequestEnd::Concluded(run) => call.with("p_process_run_id", *run).idempotent(),
            RequestEnd::Refused(code) => call.with("p_refusal_code", code.as_str()).idempotent(),
            RequestEnd::Retry {
                refusal_code,
                after,
            } => call
                .with("p_refusal_code", refusal_code.as_str())
                .with("p_retry_after_seconds", whole_seconds(*after)),
        };
        self.database.value(&call).await
    }
}

fn of_claim(function: &'static str, claim: &ClaimedRequest) -> Call {
    Call::to(function)
        .with("p_request_id", claim.0.request_id)
        .with("p_claim_token", claim.0.claim_token)
}
