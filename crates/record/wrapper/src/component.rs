//! COMPONENT: one row per component, producer or verifier, of a run that was recorded before.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::{
    Wrapper,
    database::{Call, Idempotency},
    error::Error,
    header::{SOURCE_SYSTEM, Timing},
    refusal_log::RefusalContext,
    request_builder::description,
    types::{
        Actor, ComponentRole, ComponentRunId, CorrelationId, DotCode, EvidenceType, IdempotencyKey,
        LeaseToken, ProcessRunId, StoredStatus, Verdict,
    },
};

description! {
    /// A component that is to be recorded by itself, for callers that do their own orchestration. Pairs
    /// go through [`Wrapper::observe_pair`].
    pub struct ComponentCall {
        required {
            /// The run that it is a part of.
            process_run_id: ProcessRunId,
            /// The DOT that it is an execution of.
            dot_code: DotCode,
            /// Which part of the pair it is.
            component_role: ComponentRole,
            /// The correlation of the run's header.
            correlation_id: CorrelationId,
        }
        optional {
            /// The actor; by default the wrapper's.
            actor: Actor,
            /// The idempotency key.
            idempotency_key: IdempotencyKey,
            /// The component's id, if the caller minted one; by default a new one.
            component_run_id: ComponentRunId,
            /// The run that its run is a part of.
            parent_run_id: ProcessRunId,
            /// An event code of the caller's own.
            event_code: String,
            /// The job of a queue that it came from.
            queue_job_id: Uuid,
            /// Where the input is, at most 2 000 characters.
            input_ref: String,
            /// Where the output is.
            output_ref: String,
            /// Where the cause of a failure is described.
            error_ref: String,
            /// The receipt that the DOT was really called. `DRY_RUN`, `REAL_RUN` and verdicts need one.
            invocation_id: Uuid,
            /// The verifier's verdict.
            verdict: Verdict,
            /// The proof that one holds the run's lease, where the run has one.
            lease_token: LeaseToken,
            /// The digest of the output.
            output_digest: String,
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

impl Wrapper {
    /// Records a component: `fn_process_component_observe`. Returns its id, the first call's where the
    /// idempotency key was used before.
    ///
    /// # Errors
    /// Refused with any code of the recording functions, e.g. `run_unknown`, `correlation_mismatch`,
    /// `role_invalid`, `invocation_required`, `run_concluded`, `idempotency_conflict`, `id_in_use`.
    pub async fn observe_component(&self, call: &ComponentCall) -> Result<ComponentRunId, Error> {
        let actor = self.actor_or_default(call.actor.as_ref());
        let about = RefusalContext {
            actor,
            dot_code: Some(&call.dot_code),
            correlation: Some(&call.correlation_id),
            ..RefusalContext::default()
        };
        let sql = Call::to("fn_process_component_observe")
            .with("p_process_run_id", call.process_run_id)
            .with("p_dot_code", &call.dot_code)
            .with("p_component_role", call.component_role)
            .with("p_correlation_id", &call.correlation_id)
            .with("p_actor", actor)
            .with("p_evidence_type", call.evidence_type)
            .with("p_status", call.status)
            .with("p_idempotency_key", call.idempotency_key.as_ref())
            // Minted here unless the caller did: after a lost result the id finds the component.
            .with(
                "p_component_run_id",
                call.component_run_id.unwrap_or_else(ComponentRunId::mint),
            )
            .with("p_parent_run_id", call.parent_run_id)
            .with("p_event_code", &call.event_code)
            .with("p_queue_job_id", call.queue_job_id)
            .with("p_input_ref", &call.input_ref)
            .with("p_output_ref", &call.output_ref)
            .with("p_error_ref", &call.error_ref)
            .with("p_evidence_ref", &call.evidence_ref)
            .with("p_source_system", call.source_system.as_str())
            .with("p_started_at", call.started_at)
            .with("p_ended_at", call.ended_at)
            .with("p_invocation_id", call.invocation_id)
            .with("p_verdict", call.verdict)
            .with("p_lease_token", call.lease_token)
            .with("p_output_digest", &call.output_digest)
            .with_idempotency(Idempotency::by_key(call.idempotency_key.as_ref()));
        let outcome = self.database.value(&sql).await;
        self.recording_refusal(about, outcome).await
    }
}
