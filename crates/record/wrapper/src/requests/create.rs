//! Asking for a run, and taking that back.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    Wrapper,
    database::{Call, Idempotency, Interval, Value},
    error::Error,
    refusal_log::RefusalContext,
    request_builder::description,
    types::{
        Actor, CandidateCode, CorrelationId, DotCode, EvidenceType, IdempotencyKey, RequestId,
    },
};

/// The pause before the second attempt of a request, as in the contract.
pub const DEFAULT_BACKOFF: Duration = Duration::from_secs(600);

description! {
    /// A run that is asked for.
    pub struct RunRequest {
        required {
            /// The pair's producer.
            dot_code: DotCode,
            /// The candidate of the run.
            process_candidate_code: CandidateCode,
            /// `DRY_RUN` or `REAL_RUN`.
            mode: EvidenceType,
        }
        optional {
            /// The correlation id. By default derived from the idempotency key, else new.
            correlation_id: CorrelationId,
            /// The actor; by default the wrapper's.
            actor: Actor,
            /// The name of this request. The same request under the same name is the first one.
            idempotency_key: IdempotencyKey,
            /// The request's id, if the caller minted one; by default a new one.
            request_id: RequestId,
            /// What the run is given, at most 2 000 characters.
            input_ref: String,
            /// Its digest, where it is known.
            input_digest: String,
        }
        defaulted {
            /// From when on it may be claimed.
            due: Schedule = Schedule::Now,
            /// 0 is claimed first, 9 last.
            priority: i32 = 5,
            /// How many attempts it has, from 1 to 100.
            max_attempts: i32 = 1,
            /// The pause before the second attempt, doubled for each one after it; at most a day.
            backoff: Duration = DEFAULT_BACKOFF,
            /// Whether the input may have a password in its address.
            allow_secret_input: bool = false,
        }
    }
}

/// From when on a request may be claimed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Schedule {
    /// From the moment of the call.
    #[default]
    Now,
    /// From this time on.
    At(Timestamp),
    /// So long after the moment of the call, by the database's clock.
    In(Duration),
}

impl From<Schedule> for Value {
    fn from(due: Schedule) -> Self {
        match due {
            Schedule::Now => Self::Time(None),
            Schedule::At(time) => Self::Time(Some(time)),
            Schedule::In(time) => Self::FromNow(Some(Interval::from(time).to_sql_text())),
        }
    }
}

impl Wrapper {
    /// Asks for a run: `fn_dot_run_request`. The gates may be closed; the request then waits for them.
    ///
    /// # Errors
    /// Refused as `mode_invalid`, `mode_not_allowed`, `unknown_dot`, `not_a_producer`, `pair_incomplete`,
    /// `contract_missing`, `idempotency_conflict`, `id_in_use`, `time_invalid`, or for a text that is missing or too
    /// long; [`Error::NotPermitted`] for a login that is neither runner nor operator.
    pub async fn request_run(&self, request: &RunRequest) -> Result<RequestId, Error> {
        let correlation = CorrelationId::resolve(
            request.correlation_id.as_ref(),
            request.idempotency_key.as_ref(),
        );
        let actor = self.actor_or_default(request.actor.as_ref());
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
            .with("p_priority", request.priority)
            .with("p_max_attempts", request.max_attempts)
            .with(
                "p_backoff",
                Value::Interval(Interval::from(request.backoff).to_sql_text()),
            )
            .with("p_allow_secret_input", request.allow_secret_input)
            .with(
                "p_request_id",
                request.request_id.unwrap_or_else(RequestId::mint),
            )
            .with_idempotency(Idempotency::by_key(request.idempotency_key.as_ref()));
        let about = RefusalContext {
            actor,
            dot_code: Some(&request.dot_code),
            candidate: Some(&request.process_candidate_code),
            correlation: Some(&correlation),
        };
        let outcome = self.database.value(&call).await;
        self.recording_refusal(about, outcome).await
    }

    /// Cancels a request that no worker has claimed. Returns false where a worker has it, or it has finished.
    ///
    /// # Errors
    /// Refused as `actor_required` or `reason_required`; [`Error::NotPermitted`] for a login that is neither runner nor
    /// operator.
    pub async fn cancel_request(
        &self,
        request: RequestId,
        actor: Option<&Actor>,
        reason: &str,
    ) -> Result<bool, Error> {
        let call = Call::to("fn_dot_run_request_cancel")
            .with("p_request_id", request)
            .with("p_actor", self.actor_or_default(actor))
            .with("p_reason", reason);
        self.database.value(&call).await
    }
}
