//! The first transaction of an executed run.

use std::time::Duration;

use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::{
    Wrapper,
    database::{Call, row},
    error::Error,
    lease::{DEFAULT_LEASE_TTL, Lease, whole_seconds},
    refusal::RefusalKind,
    refusal_log::RefusalContext,
    request_builder::description,
    types::{
        Actor, CandidateCode, CorrelationId, DotCode, EvidenceType, IdempotencyKey, LeaseToken,
        ProcessRunId,
    },
};

description! {
    /// The arguments for a run to execute.
    pub struct BeginCall {
        required {
            /// The pair's producer.
            dot_code: DotCode,
            /// The candidate of the run.
            process_candidate_code: CandidateCode,
            /// `DRY_RUN` or `REAL_RUN`.
            mode: EvidenceType,
            /// The process that will call the tools, e.g. host and process id: the lease's holder.
            runner: Actor,
        }
        optional {
            /// The correlation id. By default derived from the idempotency key, else new.
            correlation_id: CorrelationId,
            /// The actor; by default the wrapper's.
            actor: Actor,
            /// The idempotency key. A second call with it receives the first run and no receipt.
            idempotency_key: IdempotencyKey,
            /// The run's id, if the caller minted one; by default a new one.
            process_run_id: ProcessRunId,
            /// The parent run.
            parent_run_id: ProcessRunId,
            /// The input, at most 2 000 characters.
            input_ref: String,
            /// Its digest, where it is known.
            input_digest: String,
            /// The digest of the producer's contract that the caller prepared. Another contract in force refuses the
            /// call.
            producer_contract_sha256: String,
            /// The same of the verifier's contract.
            verifier_contract_sha256: String,
            /// The caller's process, for programs on its machine: they can tell that it ended.
            holder_process: String,
        }
        defaulted {
            /// A JSON object of at most 64 KiB.
            evidence_ref: Json = json!({}),
            /// The lease's time to live unless it is renewed, from 1 second to 24 hours.
            lease_ttl: Duration = DEFAULT_LEASE_TTL,
            /// What to do where the key was used before.
            on_earlier: OnEarlier = OnEarlier::Return,
            /// Whether the input may have a password in its address.
            allow_secret_input: bool = false,
            /// Whether the caller waits and calls again: a refusal that may pass is then not recorded.
            calls_again: bool = false,
        }
    }
}

/// What a call with a used key asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnEarlier {
    /// The newest attempt under that key.
    #[default]
    Return,
    /// The next attempt, where the last one did not pass and the contract allows another.
    Retry,
}

impl OnEarlier {
    fn as_sql(self) -> &'static str {
        match self {
            Self::Return => "return",
            Self::Retry => "retry",
        }
    }
}

row! {
    /// The row of `fn_process_run_begin`.
    struct BeginRow {
        /// The run.
        process_run_id: ProcessRunId,
        /// The lease's token; None where the key was used before.
        lease_token: Option<LeaseToken>,
        /// The producer's receipt; None where the key was used before.
        producer_invocation_id: Option<Uuid>,
        /// Whether this call began it.
        created: bool,
        /// Which attempt under its key it is; None where the key was used before.
        attempt: Option<i32>,
        /// The lease that it holds; None where the key was used before.
        lease_name: Option<String>,
    }
}

/// The outcome of beginning a run.
#[derive(Debug)]
pub enum BeginOutcome {
    /// The run is begun, and its producer may be called.
    Begun(BegunRun),
    /// The key was used before: this is the run of that call, and this caller may call no tool.
    Existing(ProcessRunId),
}

/// A run that was begun and not concluded: its lease is held, and its producer's receipt is open.
///
/// Dropping it does not conclude the run. The lease then expires, and reaping records the outcome as unknown.
#[derive(Clone, Debug)]
#[must_use = "a run that is not concluded is reaped as stuck"]
pub struct BegunRun {
    pub(super) wrapper: Wrapper,
    pub(super) process_run_id: ProcessRunId,
    pub(super) correlation_id: CorrelationId,
    pub(super) producer: DotCode,
    pub(super) actor: Option<Actor>,
    pub(super) runner: Actor,
    pub(super) token: LeaseToken,
    lease_name: String,
    attempt: i32,
    producer_invocation_id: Uuid,
}

impl BegunRun {
    /// The run.
    pub fn process_run_id(&self) -> ProcessRunId {
        self.process_run_id
    }

    /// The correlation id of the run's records.
    pub fn correlation_id(&self) -> &CorrelationId {
        &self.correlation_id
    }

    /// Which attempt under its key it is, from 1.
    pub fn attempt(&self) -> i32 {
        self.attempt
    }

    /// The producer's receipt: the producer may be called now, once.
    pub fn producer_invocation_id(&self) -> Uuid {
        self.producer_invocation_id
    }

    /// The run's lease, to be renewed during calls.
    pub fn lease(&self) -> Lease {
        Lease::of_run(self.lease_name.clone(), self.runner.clone(), self.token)
    }
}

impl Wrapper {
    /// Begins an executed run: `fn_process_run_begin`. When this returns, the header with status `started` and the
    /// producer's open receipt are committed, and the lease is held.
    ///
    /// # Errors
    /// Refused with any code of the recording functions, and as `mode_invalid`, `mode_not_allowed`, `contract_missing`,
    /// `no_execute`, `real_run_disabled`, `preflight_blocked` or `lease_held`. [`Error::NotPermitted`] for a login that
    /// is no runner. Where the result is lost, the run may have been begun. It is then reaped after its lease expired;
    /// no tool of it was called.
    pub async fn begin_run(&self, call: &BeginCall) -> Result<BeginOutcome, Error> {
        let correlation_id =
            CorrelationId::resolve(call.correlation_id.as_ref(), call.idempotency_key.as_ref())
                .into_owned();
        let actor = self.actor_or_default(call.actor.as_ref());
        let about = RefusalContext {
            actor,
            dot_code: Some(&call.dot_code),
            candidate: Some(&call.process_candidate_code),
            correlation: Some(&correlation_id),
        };
        let process_run_id = call.process_run_id.unwrap_or_else(ProcessRunId::mint);
        let sql = Call::to("fn_process_run_begin")
            .with("p_dot_code", &call.dot_code)
            .with("p_process_candidate_code", &call.process_candidate_code)
            .with("p_correlation_id", &correlation_id)
            .with("p_actor", actor)
            .with("p_mode", call.mode)
            .with("p_runner", &call.runner)
            .with("p_idempotency_key", call.idempotency_key.as_ref())
            .with("p_process_run_id", process_run_id)
            .with("p_parent_run_id", call.parent_run_id)
            .with("p_input_ref", &call.input_ref)
            .with("p_input_digest", &call.input_digest)
            .with("p_evidence_ref", &call.evidence_ref)
            .with("p_lease_ttl_seconds", whole_seconds(call.lease_ttl))
            .with("p_on_earlier", call.on_earlier.as_sql())
            .with("p_producer_contract_sha256", &call.producer_contract_sha256)
            .with("p_verifier_contract_sha256", &call.verifier_contract_sha256)
            .with("p_holder_process", &call.holder_process)
            .with("p_allow_secret_input", call.allow_secret_input);
        let outcome: Result<BeginRow, _> = self.database.row(&sql).await;
        let row = match outcome {
            Err(Error::Refused(refusal))
                if call.calls_again && refusal.kind() == RefusalKind::Lease =>
            {
                return Err(Error::Refused(refusal));
            }
            outcome => self.recording_refusal(about, outcome).await?,
        };
        let (Some(token), Some(producer_invocation_id), Some(lease_name)) =
            (row.lease_token, row.producer_invocation_id, row.lease_name)
        else {
            return Ok(BeginOutcome::Existing(row.process_run_id));
        };
        Ok(BeginOutcome::Begun(BegunRun {
            wrapper: self.clone(),
            process_run_id: row.process_run_id,
            correlation_id,
            producer: call.dot_code.clone(),
            actor: actor.cloned(),
            runner: call.runner.clone(),
            token,
            lease_name,
            attempt: row.attempt.unwrap_or(1),
            producer_invocation_id,
        }))
    }
}
