//! The second and the third transaction of an executed run, and the ways to end one early.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::BegunRun;
use crate::{
    database::Call,
    error::Error,
    header::Timing,
    refusal_log::RefusalContext,
    request_builder::description,
    types::{
        ComponentRole, ComponentRunId, DotCode, EvidenceType, ProcessRunId, StoredStatus, Verdict,
    },
};

description! {
    /// The result of one call, for its component's row.
    pub struct CallRecord {
        required {
            /// The component's id, minted before the call.
            component_run_id: ComponentRunId,
            /// The status of the call: `step_completed`, `failed`, `cancelled` or `stuck`.
            status: StoredStatus,
            /// The evidence type: the receipt's mode, or `SIMULATED_DRY_RUN` where the tool reported a mock.
            evidence_type: EvidenceType,
        }
        optional {
            /// The verifier's verdict.
            verdict: Verdict,
            /// The input.
            input_ref: String,
            /// The location of the output.
            output_ref: String,
            /// The digest of the output.
            output_digest: String,
            /// Where the cause of a failure is described.
            error_ref: String,
        }
        defaulted {
            /// A JSON object of at most 64 KiB.
            evidence_ref: Json = json!({}),
            /// When the call began.
            started_at: Timing = Timing::Unknown,
            /// When it ended.
            ended_at: Timing = Timing::Unknown,
        }
    }
}

description! {
    /// The conclusion of a run.
    pub struct Conclusion {
        required {
            /// `completed`, `failed`, `stuck` or `cancelled`.
            status: StoredStatus,
        }
        optional {
            /// The location of the run's output.
            output_ref: String,
            /// Where the cause of a failure is described.
            error_ref: String,
        }
        defaulted {
            /// A JSON object of at most 64 KiB.
            evidence_ref: Json = json!({}),
        }
    }
}

/// A run whose producer completed: the row is committed, and its verifier's receipt is open.
#[derive(Clone, Debug)]
#[must_use = "a run that is not concluded is reaped as stuck"]
pub struct RunAwaitingVerifier {
    run: BegunRun,
    verifier: DotCode,
    verifier_invocation_id: Uuid,
}

impl BegunRun {
    /// Records the producer's call and opens the verifier's receipt, in one transaction:
    /// `fn_process_run_record_producer`. The receipt has the digest that this row commits.
    ///
    /// # Errors
    /// Refused with any code of `fn_process_component_observe` and `fn_dot_invocation_begin`: `no_execute` where a gate
    /// closed meanwhile, `lease_lost`, `run_concluded`, `invocation_mismatch`. The producer's call can then still be
    /// recorded alone, with [`BegunRun::conclude_after_producer`].
    pub async fn record_producer(
        &self,
        record: &CallRecord,
        verifier: &DotCode,
    ) -> Result<RunAwaitingVerifier, Error> {
        let call = self
            .component_call(
                "fn_process_run_record_producer",
                record,
                &self.producer,
                self.producer_invocation_id(),
            )
            .with("p_verifier_dot_code", verifier)
            .with("p_runner", &self.runner);
        let outcome = self.wrapper.database.value::<Uuid>(&call).await;
        let verifier_invocation_id = self.recording_refusal(outcome).await?;
        Ok(RunAwaitingVerifier {
            run: self.clone(),
            verifier: verifier.clone(),
            verifier_invocation_id,
        })
    }

    /// Records the producer's call and concludes the run without a verifier call, in one transaction
    /// (`fn_process_run_record_verifier_and_conclude`).
    ///
    /// # Errors
    /// Refused with any code of `fn_process_component_observe` and `fn_process_run_conclude`.
    pub async fn conclude_after_producer(
        &self,
        record: &CallRecord,
        conclusion: &Conclusion,
    ) -> Result<(), Error> {
        self.finish(
            record,
            &self.producer,
            ComponentRole::Producer,
            self.producer_invocation_id(),
            conclusion,
        )
        .await
    }

    /// Concludes the run without a further record of its calls: a call with an open receipt stays unknown.
    ///
    /// # Errors
    /// Refused as `lease_lost`, `run_concluded` or `status_invalid`.
    pub async fn conclude(&self, conclusion: &Conclusion) -> Result<(), Error> {
        let call = self.conclusion(conclusion);
        let outcome = self.wrapper.database.value::<ProcessRunId>(&call).await;
        self.recording_refusal(outcome).await.map(drop)
    }

    async fn finish(
        &self,
        record: &CallRecord,
        dot_code: &DotCode,
        role: ComponentRole,
        invocation_id: Uuid,
        conclusion: &Conclusion,
    ) -> Result<(), Error> {
        let call = self
            .component_call(
                "fn_process_run_record_verifier_and_conclude",
                record,
                dot_code,
                invocation_id,
            )
            .with("p_run_dot_code", &self.producer)
            .with("p_component_role", role)
            .with("p_verdict", record.verdict)
            .with("p_run_status", conclusion.status)
            .with("p_run_output_ref", &conclusion.output_ref)
            .with("p_run_error_ref", &conclusion.error_ref)
            .with("p_run_evidence_ref", &conclusion.evidence_ref);
        let outcome = self.wrapper.database.value::<ProcessRunId>(&call).await;
        self.recording_refusal(outcome).await.map(drop)
    }

    /// The arguments of the last call for both functions.
    fn component_call(
        &self,
        function: &'static str,
        record: &CallRecord,
        dot_code: &DotCode,
        invocation_id: Uuid,
    ) -> Call {
        // No idempotency key: a receipt is used once, and another caller could use up a key that it can guess.
        Call::to(function)
            .with("p_process_run_id", self.process_run_id)
            .with("p_dot_code", dot_code)
            .with("p_correlation_id", &self.correlation_id)
            .with("p_actor", self.actor.as_ref())
            .with("p_evidence_type", record.evidence_type)
            .with("p_status", record.status)
            .with("p_component_run_id", record.component_run_id)
            .with("p_input_ref", &record.input_ref)
            .with("p_output_ref", &record.output_ref)
            .with("p_error_ref", &record.error_ref)
            .with("p_evidence_ref", &record.evidence_ref)
            .with("p_started_at", record.started_at)
            .with("p_ended_at", record.ended_at)
            .with("p_invocation_id", invocation_id)
            .with("p_lease_token", self.token)
            .with("p_output_digest", &record.output_digest)
    }

    fn conclusion(&self, conclusion: &Conclusion) -> Call {
        Call::to("fn_process_run_conclude")
            .with("p_process_run_id", self.process_run_id)
            .with("p_lease_token", self.token)
            .with("p_actor", self.actor.as_ref())
            .with("p_status", conclusion.status)
            .with("p_output_ref", &conclusion.output_ref)
            .with("p_error_ref", &conclusion.error_ref)
            .with("p_evidence_ref", &conclusion.evidence_ref)
    }

    async fn recording_refusal<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        let about = RefusalContext {
            actor: self.actor.as_ref(),
            dot_code: Some(&self.producer),
            correlation: Some(&self.correlation_id),
            ..RefusalContext::default()
        };
        self.wrapper.recording_refusal(about, outcome).await
    }
}

impl RunAwaitingVerifier {
    pub(super) fn of(run: BegunRun, verifier: DotCode, verifier_invocation_id: Uuid) -> Self {
        Self {
            run,
            verifier,
            verifier_invocation_id,
        }
    }

    /// The run.
    pub fn run(&self) -> &BegunRun {
        &self.run
    }

    /// The verifier's receipt: the verifier may be called now, once.
    pub fn verifier_invocation_id(&self) -> Uuid {
        self.verifier_invocation_id
    }

    /// Records the verifier's call with its verdict and concludes the run, in one transaction:
    /// `fn_process_run_record_verifier_and_conclude`.
    ///
    /// # Errors
    /// Refused with any code of `fn_process_component_observe` and `fn_process_run_conclude`.
    pub async fn conclude_after_verifier(
        &self,
        record: &CallRecord,
        conclusion: &Conclusion,
    ) -> Result<(), Error> {
        self.run
            .finish(
                record,
                &self.verifier,
                ComponentRole::Verifier,
                self.verifier_invocation_id,
                conclusion,
            )
            .await
    }
}
