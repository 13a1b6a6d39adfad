//! The first transaction of an executed run.

use std::time::Duration;

use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::{
    Wrapper,
    database::{Call, row},
    error::Error,
    lease::{DEFAULT_LEASE_TTL, Lease, whole_seconds},
    refusal_log::RefusalContext,
    request_builder::description,
    types::{
        Actor, CandidateCode, CorrelationId, DotCode, EvidenceType, IdempotencyKey, LeaseToken,
        ProcessRunId,
    },
};

description! {
    /// A run that is to be executed.
    pub struct BeginCall {
        required {
            /// The pair's producer.
            dot_code: DotCode,
            /// What the run is evidence for.
            process_candidate_code: CandidateCode,
            /// `DRY_RUN` or `REAL_RUN`.
            mode: EvidenceType,
            /// What will call the tools, e.g. a host and a process: the lease's holder.
            runner: Actor,
        }
        optional {
            /// What joins everything of the run. Unless said: derived from the idempotency key, else new.
            correlation_id: CorrelationId,
            /// Who acts; the wrapper's actor unless said.
            actor: Actor,
            /// The name of this call. A second call under it is told the first one's run and gets no receipt.
            idempotency_key: IdempotencyKey,
            /// The run's id, if the caller minted one; a new one unless said.
            process_run_id: ProcessRunId,
            /// The run that this one is a part of.
            parent_run_id: ProcessRunId,
            /// What the run is given, at most 2 000 characters.
            input_ref: String,
            /// Its digest, where it is known.
            input_digest: String,
        }
        defaulted {
            /// A JSON object of at most 64 KiB.
            evidence_ref: Json = json!({}),
            /// How long the lease lives unless it is renewed, from 1 second to 24 hours.
            lease_ttl: Duration = DEFAULT_LEASE_TTL,
        }
    }
}

row! {
    /// The row that `fn_process_run_begin` returns, and `fn_process_run_begin_batch` for each run.
    struct BeginRow {
        /// The run.
        process_run_id: ProcessRunId,
        /// The proof that one holds its lease; none where the key was used before.
        lease_token: Option<LeaseToken>,
        /// The producer's receipt; none as above.
        producer_invocation_id: Option<Uuid>,
        /// Whether this call began it.
        created: bool,
    }
}

/// What came of beginning a run.
#[derive(Debug)]
pub enum BeginOutcome {
    /// It is begun, and its producer may be called.
    Begun(BegunRun),
    /// The key was used before: this is that call's run, and nothing of it may be called here.
    Existing(ProcessRunId),
}

/// A run that was begun and not concluded: its lease is held, and its producer's receipt is open.
///
/// Dropping it concludes nothing. Its lease runs out then, and reaping says that nobody knows what became of it.
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
    producer_invocation_id: Uuid,
}

impl BegunRun {
    /// The run.
    pub fn process_run_id(&self) -> ProcessRunId {
        self.process_run_id
    }

    /// What joins everything of it.
    pub fn correlation_id(&self) -> &CorrelationId {
        &self.correlation_id
    }

    /// The producer's receipt: it may be called now, once.
    pub fn producer_invocation_id(&self) -> Uuid {
        self.producer_invocation_id
    }

    /// The run's lease, to be renewed for as long as something is called.
    pub fn lease(&self) -> Lease {
        Lease::of_run(&self.producer, self.runner.clone(), self.token)
    }
}

impl Wrapper {
    /// Begins an executed run: `fn_process_run_begin`. Gates, preflight and lease are passed, the header says `started`, and
    /// the producer's receipt is open; all of it committed when this returns.
    ///
    /// # Errors
    /// Refused with any code of the recording functions, and as `mode_invalid`, `mode_not_allowed`, `contract_missing`,
    /// `no_execute`, `real_run_disabled`, `preflight_blocked` or `lease_held`; [`Error::NotPermitted`] for whoever is no
    /// runner. Where the answer is lost it is not known whether the run was begun. If it was, it is reaped when its lease
    /// runs out: nothing of it was called.
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
            .with("p_lease_ttl_seconds", whole_seconds(call.lease_ttl));
        let together = match &call.idempotency_key {
            // Whether a key was used before is asked of each by itself.
            Some(_) => Ok(None),
            None => {
                self.database
                    .call_batched("fn_process_run_begin_batch", &sql)
                    .await
            }
        };
        let outcome: Result<BeginRow, _> = match together {
            Ok(Some(row)) => Ok(row),
            Ok(None) => self.database.row(&sql).await,
            Err(error) => Err(error),
        };
        let row = self.recording_refusal(about, outcome).await?;
        let (Some(token), Some(producer_invocation_id)) =
            (row.lease_token, row.producer_invocation_id)
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
            producer_invocation_id,
        }))
    }
}
