//! HEADER: one row per run. A header alone is no evidence: counts and rungs come from components.

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::{
    Wrapper,
    database::{Call, Idempotency, Value},
    error::Error,
    refusal_log::RefusalContext,
    request_builder::description,
    types::{
        Actor, CandidateCode, CorrelationId, DotCode, EvidenceType, IdempotencyKey, ProcessRunId,
        StoredStatus,
    },
};

/// The contract's default source system.
pub(crate) const SOURCE_SYSTEM: &str = "dot_exec_wrapper";

description! {
    /// A header that is to be recorded by itself, for callers that do their own orchestration. Pairs go
    /// through [`Wrapper::observe_pair`].
    pub struct HeaderCall {
        required {
            /// The candidate of the run.
            process_candidate_code: CandidateCode,
        }
        optional {
            /// The producer of the run.
            dot_code: DotCode,
            /// The correlation id. By default derived from the idempotency key, else new.
            correlation_id: CorrelationId,
            /// The actor; by default the wrapper's.
            actor: Actor,
            /// The idempotency key.
            idempotency_key: IdempotencyKey,
            /// The run's id, if the caller minted one; by default a new one.
            process_run_id: ProcessRunId,
            /// The parent run.
            parent_run_id: ProcessRunId,
            /// The process definition that it follows.
            process_definition_code: String,
            /// An event code of the caller's own.
            event_code: String,
            /// Where the input is, at most 2 000 characters.
            input_ref: String,
            /// Where the output is.
            output_ref: String,
            /// Where the cause of a failure is described.
            error_ref: String,
        }
        defaulted {
            /// The claimed evidence type.
            evidence_type: EvidenceType = EvidenceType::default(),
            /// Its stored status.
            status: StoredStatus = StoredStatus::default(),
            /// The system that it comes from.
            source_system: String = SOURCE_SYSTEM.to_owned(),
            /// A JSON object of at most 64 KiB.
            evidence_ref: Json = json!({}),
            /// When it began.
            started_at: Timing = Timing::Unknown,
            /// When it ended.
            ended_at: Timing = Timing::Unknown,
        }
    }
}

/// A recorded time: none, a known one, or the time of the call by the database's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timing {
    /// None.
    #[default]
    Unknown,
    /// This one.
    At(Timestamp),
    /// When the database carries the call out.
    Now,
}

impl Timing {
    pub(crate) fn or_now_if(known: bool) -> Self {
        if known { Self::Now } else { Self::Unknown }
    }
}

impl From<Timestamp> for Timing {
    fn from(time: Timestamp) -> Self {
        Self::At(time)
    }
}

impl From<Timing> for Value {
    fn from(moment: Timing) -> Self {
        match moment {
            Timing::Unknown => Value::Time(None),
            Timing::At(time) => Value::Time(Some(time)),
            Timing::Now => Value::DatabaseClock(true),
        }
    }
}

/// The returned row of a header.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct HeaderRecord {
    /// The run: the first call's where the idempotency key was used before.
    pub process_run_id: ProcessRunId,
    /// The correlation that joins everything of the run.
    pub correlation_id: CorrelationId,
}

impl Wrapper {
    /// Records a header: `fn_process_run_observe`.
    ///
    /// # Errors
    /// Refused with any code of the recording functions, e.g. `candidate_required`, `unknown_dot`,
    /// `real_run_disabled`, `no_execute`, `preflight_blocked`, `idempotency_conflict`, `id_in_use`.
    pub async fn observe_run(&self, call: &HeaderCall) -> Result<HeaderRecord, Error> {
        let correlation =
            CorrelationId::resolve(call.correlation_id.as_ref(), call.idempotency_key.as_ref());
        let actor = self.actor_or_default(call.actor.as_ref());
        let about = RefusalContext {
            actor,
            dot_code: call.dot_code.as_ref(),
            candidate: Some(&call.process_candidate_code),
            correlation: Some(&correlation),
        };
        let sql = Call::to("fn_process_run_observe")
            .with("p_process_candidate_code", &call.process_candidate_code)
            .with("p_correlation_id", &*correlation)
            .with("p_actor", actor)
            .with("p_evidence_type", call.evidence_type)
            .with("p_status", call.status)
            .with("p_idempotency_key", call.idempotency_key.as_ref())
            // Minted here unless the caller did: after a lost result the id finds the run.
            .with(
                "p_process_run_id",
                call.process_run_id.unwrap_or_else(ProcessRunId::mint),
            )
            .with("p_parent_run_id", call.parent_run_id)
            .with("p_input_ref", &call.input_ref)
            .with("p_output_ref", &call.output_ref)
            .with("p_error_ref", &call.error_ref)
            .with("p_evidence_ref", &call.evidence_ref)
            .with("p_source_system", call.source_system.as_str())
            .with("p_event_code", &call.event_code)
            .with("p_started_at", call.started_at)
            .with("p_ended_at", call.ended_at)
            .with("p_process_definition_code", &call.process_definition_code)
            .with("p_dot_code", call.dot_code.as_ref())
            .with_idempotency(Idempotency::by_key(call.idempotency_key.as_ref()));
        let outcome = self.database.value(&sql).await;
        let process_run_id = self.recording_refusal(about, outcome).await?;
        Ok(HeaderRecord {
            process_run_id,
            correlation_id: correlation.into_owned(),
        })
    }
}
