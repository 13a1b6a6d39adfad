//! The options of one run.

use std::time::Duration;

use dotwrap_wrapper::{
    Actor, BeginCall, CorrelationId, DEFAULT_LEASE_TTL, IdempotencyKey, OnEarlier, ProcessRunId,
};

use dotwrap_invoke::Mode;
use dotwrap_wrapper::{CandidateCode, DotCode};
use serde_json::Value as Json;

use crate::holder;

/// The options of one run. Omitted options take the wrapper's defaults.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The input: a path, an address or a name.
    pub input_ref: Option<String>,
    /// The digest of the input, where it is known.
    pub input_digest: Option<String>,
    /// The idempotency key. A second call with it returns the first run and calls no tool.
    pub idempotency_key: Option<IdempotencyKey>,
    /// The correlation id of the run's records.
    pub correlation_id: Option<CorrelationId>,
    /// The actor; by default the wrapper's.
    pub actor: Option<Actor>,
    /// The run's id, if the caller minted one.
    pub process_run_id: Option<ProcessRunId>,
    /// The parent run.
    pub parent_run_id: Option<ProcessRunId>,
    /// Additional evidence for the header, a JSON object.
    pub evidence_ref: Option<Json>,
    /// The lease's time to live. The runner renews the lease at a third of it during a call.
    pub lease_ttl: Duration,
    /// What to do where the key was used before.
    pub on_earlier: OnEarlier,
    /// How long to wait for a busy lease. None: not at all.
    pub wait: Option<Duration>,
    /// Whether the input may have a password in its address.
    pub allow_secret_input: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            input_ref: None,
            input_digest: None,
            idempotency_key: None,
            correlation_id: None,
            actor: None,
            process_run_id: None,
            parent_run_id: None,
            evidence_ref: None,
            lease_ttl: DEFAULT_LEASE_TTL,
            on_earlier: OnEarlier::Return,
            wait: None,
            allow_secret_input: false,
        }
    }
}

impl RunOptions {
    /// The input. A blank one counts as none, as in the contract.
    pub(crate) fn input(&self) -> Option<&str> {
        let input = self.input_ref.as_deref()?;
        (!input.trim().is_empty()).then_some(input)
    }

    pub(crate) fn begin_call(
        &self,
        producer: &DotCode,
        candidate: &CandidateCode,
        mode: Mode,
        process_run_id: ProcessRunId,
        runner: &Actor,
    ) -> BeginCall {
        let mut call = BeginCall::new(producer, candidate, mode.evidence_type(), runner)
            .process_run_id(process_run_id)
            .lease_ttl(self.lease_ttl);
        call.correlation_id = self.correlation_id.clone();
        call.actor = self.actor.clone();
        call.idempotency_key = self.idempotency_key.clone();
        call.parent_run_id = self.parent_run_id;
        call.input_ref = self.input().map(str::to_owned);
        call.input_digest = self.input_digest.clone();
        call.on_earlier = self.on_earlier;
        call.allow_secret_input = self.allow_secret_input;
        call.holder_process = holder::this_process();
        call.evidence_ref = self.evidence_ref.clone().unwrap_or(call.evidence_ref);
        call
    }
}
