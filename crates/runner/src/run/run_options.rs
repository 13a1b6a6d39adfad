//! What is asked for with one run.

use std::time::Duration;

use dotwrap_wrapper::{
    Actor, BeginCall, CorrelationId, DEFAULT_LEASE_TTL, IdempotencyKey, ProcessRunId,
};

use dotwrap_invoke::Mode;
use dotwrap_wrapper::{CandidateCode, DotCode};
use serde_json::Value as Json;

/// What is asked for with one run. What is left out takes the wrapper's defaults.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// What the run is given: a path, an address, a name.
    pub input_ref: Option<String>,
    /// Its digest, where it is known.
    pub input_digest: Option<String>,
    /// The name of this order. A second one under it is told the first one's run, and nothing is called.
    pub idempotency_key: Option<IdempotencyKey>,
    /// What joins everything of the run.
    pub correlation_id: Option<CorrelationId>,
    /// Who acts; the wrapper's actor unless said.
    pub actor: Option<Actor>,
    /// The run's id, if the caller minted one.
    pub process_run_id: Option<ProcessRunId>,
    /// The run that this one is a part of.
    pub parent_run_id: Option<ProcessRunId>,
    /// Further facts for the header, a JSON object.
    pub evidence_ref: Option<Json>,
    /// How long the lease lives; it is renewed at a third of that, for as long as a call takes.
    pub lease_ttl: Duration,
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
        }
    }
}

impl RunOptions {
    /// The input; one that is blank is none, as the contract reads it.
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
        call.evidence_ref = self.evidence_ref.clone().unwrap_or(call.evidence_ref);
        call
    }
}
