//! The whole pair in one round trip and one transaction: gates, preflight, lease, header, producer,
//! verifier, events and release, all inside `fn_process_pair_observe`. [`steps`](crate::steps) is the
//! same, layer by layer.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::{
    Wrapper,
    database::{Call, Idempotency, row},
    error::Error,
    lease::{DEFAULT_LEASE_TTL, whole_seconds},
    refusal_log::RefusalContext,
    request_builder::description,
    types::{
        Actor, CandidateCode, ComponentRunId, CorrelationId, DotCode, EvidenceType, IdempotencyKey,
        ProcessRunId, StoredStatus, WrapperStatus,
    },
};

description! {
    /// The arguments for recording one run of one pair.
    pub struct PairCall {
        required {
            /// The pair's producer. The registry supplies its verifier.
            dot_code: DotCode,
            /// The candidate of the run.
            process_candidate_code: CandidateCode,
        }
        optional {
            /// The correlation id. By default derived from the idempotency key, so that a retry is the same call; else
            /// new.
            correlation_id: CorrelationId,
            /// The actor; by default the wrapper's.
            actor: Actor,
            /// The idempotency key.
            idempotency_key: IdempotencyKey,
            /// The run's id, if the caller minted one; by default a new one.
            process_run_id: ProcessRunId,
            /// The parent run.
            parent_run_id: ProcessRunId,
            /// Where the input is, at most 2 000 characters.
            input_ref: String,
            /// Where the output is.
            output_ref: String,
            /// Where the cause of a failure is described.
            error_ref: String,
        }
        defaulted {
            /// The wrapper status.
            wrapper_status: WrapperStatus = WrapperStatus::default(),
            /// The claimed evidence type.
            evidence_type: EvidenceType = EvidenceType::default(),
            /// Whether nothing was meant to change; contradicts `REAL_RUN`.
            dry_run: bool = true,
            /// A JSON object of at most 64 KiB. The wrapper's own tags win over the caller's.
            evidence_ref: Json = json!({}),
            /// How long the lease may be held, from 1 second to 24 hours.
            lease_ttl: Duration = DEFAULT_LEASE_TTL,
            /// Whether the input may have a password in its address.
            allow_secret_input: bool = false,
        }
    }
}

row! {
    /// The row that `fn_process_pair_observe` returns.
    pub struct PairRow {
        /// The run.
        pub process_run_id: ProcessRunId,
        /// The producer's component. None where the key's first call recorded only a header, and this component is not
        /// recorded yet.
        pub producer_component_run_id: Option<ComponentRunId>,
        /// Its verifier's component; none as for the producer's.
        pub verifier_component_run_id: Option<ComponentRunId>,
        /// The header's status.
        pub status: StoredStatus,
        /// The stored evidence type.
        pub evidence_type: EvidenceType,
        /// Whether this call wrote it; false: the key's first call did.
        pub created: bool,
        /// How many events went into the outbox.
        pub events_emitted: i32,
        /// Where the output is.
        pub output_ref: Option<String>,
        /// Where the cause of a failure is described.
        pub error_ref: Option<String>,
    }
}

/// One recorded run of one pair: the returned row, and the correlation id.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PairRecord {
    /// The correlation id of the run's records.
    pub correlation_id: CorrelationId,
    /// The returned row.
    #[serde(flatten)]
    pub row: PairRow,
}

impl std::ops::Deref for PairRecord {
    type Target = PairRow;

    fn deref(&self) -> &PairRow {
        &self.row
    }
}

impl PairCall {
    pub(crate) fn correlation(&self) -> CorrelationId {
        CorrelationId::resolve(self.correlation_id.as_ref(), self.idempotency_key.as_ref())
            .into_owned()
    }

    /// The key, unless it is blank, which counts as none.
    pub(crate) fn key(&self) -> Option<&IdempotencyKey> {
        IdempotencyKey::non_blank(self.idempotency_key.as_ref())
    }
}

impl Wrapper {
    /// Records one run of one pair: one call, one round trip, one transaction.
    ///
    /// A call with an idempotency key can be repeated: the second call returns the first one's ids with `created`
    /// false, even while the lease is held or a preflight check blocks.
    ///
    /// # Errors
    /// Refused with any code of the recording functions, in their order of precedence: malformed
    /// arguments, `unknown_dot`, `not_a_producer`, `pair_incomplete`, `idempotency_conflict`,
    /// `real_run_disabled`, `no_execute`, `invocation_required`, `preflight_blocked`, `lease_held`. A
    /// refused call leaves no row behind but the one in `dot_refusal`, and no lease.
    pub async fn observe_pair(&self, call: &PairCall) -> Result<PairRecord, Error> {
        let correlation_id = call.correlation();
        let actor = self.actor_or_default(call.actor.as_ref());
        let about = RefusalContext {
            actor,
            dot_code: Some(&call.dot_code),
            candidate: Some(&call.process_candidate_code),
            correlation: Some(&correlation_id),
        };
        let sql = Call::to("fn_process_pair_observe")
            .with("p_dot_code", &call.dot_code)
            .with("p_process_candidate_code", &call.process_candidate_code)
            .with("p_correlation_id", &correlation_id)
            .with("p_actor", actor)
            .with("p_wrapper_status", call.wrapper_status)
            .with("p_evidence_type", call.evidence_type)
            .with("p_dry_run", call.dry_run)
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
            .with("p_lease_ttl_seconds", whole_seconds(call.lease_ttl))
            .with("p_allow_secret_input", call.allow_secret_input)
            .with_idempotency(Idempotency::by_key(call.idempotency_key.as_ref()));
        let outcome = self.database.row(&sql).await;
        let row = self.recording_refusal(about, outcome).await?;
        Ok(PairRecord {
            correlation_id,
            row,
        })
    }
}
