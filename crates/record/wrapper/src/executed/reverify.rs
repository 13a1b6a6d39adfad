//! Runs that verify an earlier output again, and what became of outputs.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{BegunRun, RunAwaitingVerifier};
use crate::{
    Wrapper,
    database::{Call, row},
    error::Error,
    lease::{DEFAULT_LEASE_TTL, whole_seconds},
    refusal_log::RefusalContext,
    request_builder::description,
    types::{
        Actor, CorrelationId, DotCode, LeaseToken, ProcessRunId, StoredStatus, Verdict, text_enum,
    },
};

description! {
    /// The arguments for a run that verifies an earlier output again.
    pub struct ReverifyCall {
        required {
            /// The run whose output is verified again.
            reverifies: ProcessRunId,
            /// The process that will call the verifier: the lease's holder.
            runner: Actor,
        }
        optional {
            /// The correlation id; by default a new one.
            correlation_id: CorrelationId,
            /// The actor; by default the wrapper's.
            actor: Actor,
            /// The run's id, if the caller minted one; by default a new one.
            process_run_id: ProcessRunId,
            /// The digest of the contract that the verifier will be called by. Refused where it is another by now.
            contract_sha256: String,
            /// The holder's process, for programs on its machine.
            holder_process: String,
        }
        defaulted {
            /// A JSON object of at most 64 KiB.
            evidence_ref: Json = json!({}),
            /// The lease's time to live unless it is renewed, from 1 second to 24 hours.
            lease_ttl: Duration = DEFAULT_LEASE_TTL,
        }
    }
}

row! {
    /// The row of `fn_process_run_reverify_begin`.
    struct ReverifyRow {
        /// The run.
        process_run_id: ProcessRunId,
        /// The lease's token.
        lease_token: LeaseToken,
        /// The verifier's receipt.
        verifier_invocation_id: Uuid,
        /// The pair's producer, which is not called.
        dot_code: DotCode,
        /// The verifier.
        verifier_dot_code: DotCode,
        /// The mode of the contract that the verifier is called by.
        contract_mode: String,
        /// The lease that it holds.
        lease_name: String,
    }
}

text_enum! {
    /// What became of an output.
    pub enum OutputEventKind {
        /// Its files are being removed, or were.
        Pruned,
        /// It lies elsewhere now.
        Moved,
        /// Nothing was found in its place.
        Missing,
        /// Something else was found in its place.
        Changed,
    }
}

row! {
    /// What became of an output.
    pub struct OutputEvent {
        /// The event.
        pub output_event_id: Uuid,
        /// The run whose output it is.
        pub process_run_id: ProcessRunId,
        /// What became of it.
        pub kind: OutputEventKind,
        /// Where it was.
        pub output_ref: String,
        /// Where it was moved to.
        pub moved_to: Option<String>,
        /// The digest of what was found there.
        pub found_digest: Option<String>,
        /// The reverification that found it.
        pub found_by: Option<ProcessRunId>,
        /// Who says so.
        pub actor: Actor,
        /// The login that recorded it.
        pub recorded_by: String,
        /// When it was recorded.
        pub recorded_at: Timestamp,
    }
}

row! {
    /// A run that verified an output again.
    pub struct Reverification {
        /// The run whose output it is.
        pub reverifies: ProcessRunId,
        /// The run that verified it again.
        pub process_run_id: ProcessRunId,
        /// Its status.
        pub status: StoredStatus,
        /// Its verdict; none where only the digest was compared.
        pub verdict: Option<Verdict>,
        /// Who did it.
        pub actor: Actor,
        /// The login that recorded it.
        pub recorded_by: String,
        /// When it began.
        pub created_at: Timestamp,
        /// When it was concluded.
        pub concluded_at: Option<Timestamp>,
    }
}

/// What is to be recorded of an output.
#[derive(Clone, Debug)]
pub enum OutputChange {
    /// Its files are about to be removed.
    Pruned,
    /// It lies at this place now.
    Moved(String),
    /// The reverification found nothing in its place.
    Missing(ProcessRunId),
    /// The reverification found this digest in its place.
    Changed(ProcessRunId, String),
}

impl OutputChange {
    fn kind(&self) -> OutputEventKind {
        match self {
            Self::Pruned => OutputEventKind::Pruned,
            Self::Moved(_) => OutputEventKind::Moved,
            Self::Missing(_) => OutputEventKind::Missing,
            Self::Changed(..) => OutputEventKind::Changed,
        }
    }
}

impl Wrapper {
    /// Begins a run that verifies an earlier output again: `fn_process_run_reverify_begin`. When this returns, the
    /// header and the verifier's open receipt are committed, and the pair's lease is held. Returns the mode of the
    /// contract that the verifier is called by, too.
    ///
    /// # Errors
    /// Refused as `run_unknown`, `no_output`, `no_execute`, `contract_missing`, `contract_changed`, `preflight_blocked`,
    /// `lease_held`, and with the codes of the recording functions. [`Error::NotPermitted`] for a login that is no runner.
    pub async fn begin_reverification(
        &self,
        call: &ReverifyCall,
    ) -> Result<(RunAwaitingVerifier, String), Error> {
        let correlation_id =
            CorrelationId::resolve(call.correlation_id.as_ref(), None).into_owned();
        let actor = self.actor_or_default(call.actor.as_ref());
        let about = RefusalContext {
            actor,
            correlation: Some(&correlation_id),
            ..RefusalContext::default()
        };
        let sql = Call::to("fn_process_run_reverify_begin")
            .with("p_reverifies", call.reverifies)
            .with("p_correlation_id", &correlation_id)
            .with("p_actor", actor)
            .with("p_runner", &call.runner)
            .with(
                "p_process_run_id",
                call.process_run_id.unwrap_or_else(ProcessRunId::mint),
            )
            .with("p_evidence_ref", &call.evidence_ref)
            .with("p_lease_ttl_seconds", whole_seconds(call.lease_ttl))
            .with("p_contract_sha256", &call.contract_sha256)
            .with("p_holder_process", &call.holder_process);
        let outcome: Result<ReverifyRow, _> = self.database.row(&sql).await;
        let row = self.recording_refusal(about, outcome).await?;
        let run = BegunRun {
            wrapper: self.clone(),
            process_run_id: row.process_run_id,
            correlation_id,
            producer: row.dot_code,
            actor: actor.cloned(),
            runner: call.runner.clone(),
            token: row.lease_token,
            lease_name: row.lease_name,
            attempt: 1,
            // It has none.
            producer_invocation_id: Uuid::nil(),
        };
        let awaiting =
            RunAwaitingVerifier::of(run, row.verifier_dot_code, row.verifier_invocation_id);
        Ok((awaiting, row.contract_mode))
    }

    /// Records what became of a run's output: `fn_process_output_event_record`.
    ///
    /// # Errors
    /// Refused as `no_output` or `output_event_invalid`; [`Error::NotPermitted`] for a login that is neither a runner
    /// nor an operator.
    pub async fn record_output_change(
        &self,
        run: ProcessRunId,
        change: &OutputChange,
        actor: Option<&Actor>,
    ) -> Result<(), Error> {
        let actor = self.actor_or_default(actor);
        let (moved_to, found_digest, found_by) = match change {
            OutputChange::Pruned => (None, None, None),
            OutputChange::Moved(place) => (Some(place.as_str()), None, None),
            OutputChange::Missing(by) => (None, None, Some(*by)),
            OutputChange::Changed(by, digest) => (None, Some(digest.as_str()), Some(*by)),
        };
        let sql = Call::to("fn_process_output_event_record")
            .with("p_process_run_id", run)
            .with("p_kind", change.kind().as_ref())
            .with("p_actor", actor)
            .with("p_moved_to", moved_to)
            .with("p_found_digest", found_digest)
            .with("p_found_by", found_by);
        let about = RefusalContext {
            actor,
            ..RefusalContext::default()
        };
        let outcome: Result<Uuid, _> = self.database.value(&sql).await;
        self.recording_refusal(about, outcome).await.map(drop)
    }

    /// What became of a run's output, the newest last.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn output_events_of(&self, run: ProcessRunId) -> Result<Vec<OutputEvent>, Error> {
        let of_run = "WHERE process_run_id = $1 ORDER BY recorded_at, output_event_id";
        self.database
            .view("v_process_output_event", of_run, vec![run.into()])
            .await
    }

    /// The runs that verified a run's output again, the newest last.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn reverifications_of(
        &self,
        run: ProcessRunId,
    ) -> Result<Vec<Reverification>, Error> {
        let of_run = "WHERE reverifies = $1 ORDER BY created_at, process_run_id";
        self.database
            .view("v_process_reverification", of_run, vec![run.into()])
            .await
    }
}
