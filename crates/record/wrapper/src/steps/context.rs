//! The state of a pair's run between two layers.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::{
    RefusalCode, Wrapper,
    component::ComponentCall,
    error::Error,
    header::{HeaderCall, Timing},
    lease::Lease,
    pair::PairCall,
    refusal_log::RefusalContext,
    types::{
        Actor, ComponentRole, CorrelationId, DotCode, IdempotencyKey, Posture, ProcessRunId,
        StoredMapping, StoredStatus,
    },
};

/// A pair's run between two layers.
#[derive(Clone, Debug)]
pub(super) struct PairContext {
    pub(super) wrapper: Wrapper,
    pub(super) call: PairCall,
    pub(super) correlation: CorrelationId,
    pub(super) verifier: DotCode,
    pub(super) posture: Posture,
    pub(super) stored: StoredMapping,
}

impl PairContext {
    fn actor(&self) -> Option<&Actor> {
        self.wrapper.actor_or_default(self.call.actor.as_ref())
    }

    /// The caller's evidence, overwritten by the tags of its status.
    fn evidence_ref(&self) -> Json {
        let mut evidence = self.call.evidence_ref.clone();
        if let Some(evidence) = evidence.as_object_mut() {
            evidence.extend(self.stored.evidence_tags.clone());
        }
        evidence
    }

    fn started_at(&self) -> Timing {
        Timing::or_now_if(has_started(self.stored.header))
    }

    fn ended_at(&self) -> Timing {
        Timing::or_now_if(has_ended(self.stored.header))
    }

    pub(super) fn header(&self, run: ProcessRunId) -> HeaderCall {
        HeaderCall {
            dot_code: Some(self.call.dot_code.clone()),
            correlation_id: Some(self.correlation.clone()),
            actor: self.actor().cloned(),
            idempotency_key: self.call.idempotency_key.clone(),
            process_run_id: Some(run),
            parent_run_id: self.call.parent_run_id,
            input_ref: self.call.input_ref.clone(),
            output_ref: self.call.output_ref.clone(),
            error_ref: self.call.error_ref.clone(),
            evidence_type: self.stored.evidence_type,
            status: self.stored.header,
            evidence_ref: self.evidence_ref(),
            started_at: self.started_at(),
            ended_at: self.ended_at(),
            ..HeaderCall::new(self.call.process_candidate_code.clone())
        }
    }

    pub(super) fn component(
        &self,
        run: ProcessRunId,
        dot_code: &DotCode,
        role: ComponentRole,
    ) -> ComponentCall {
        ComponentCall {
            actor: self.actor().cloned(),
            // The same key as fn_process_pair_observe derives.
            idempotency_key: self
                .call
                .key()
                .map(|key| IdempotencyKey::new(format!("{key}:{dot_code}"))),
            parent_run_id: self.call.parent_run_id,
            input_ref: self.call.input_ref.clone(),
            output_ref: self.call.output_ref.clone(),
            error_ref: self.call.error_ref.clone(),
            evidence_type: self.stored.evidence_type,
            status: self.stored.component,
            evidence_ref: self.evidence_ref(),
            started_at: self.started_at(),
            ended_at: self.ended_at(),
            ..ComponentCall::new(run, dot_code, role, &self.correlation)
        }
    }

    /// The context of a refusal for its record.
    pub(super) fn about(&self) -> RefusalContext<'_> {
        about(&self.wrapper, &self.call, &self.correlation)
    }

    pub(super) async fn acquire(&self, ttl: Duration) -> Result<Lease, Error> {
        let Some(holder) = self.actor() else {
            let message = "the actor is missing".to_owned();
            return Err(self
                .wrapper
                .refuse(RefusalCode::ActorRequired, message, json!({}))
                .await);
        };
        let name = Lease::pair_lease_name(&self.call.dot_code);
        self.wrapper.acquire_lease(name, holder, ttl).await
    }

    /// The run's id, and whether this call wrote it. A used key returns another id than the one minted for this call.
    /// Where the caller minted the id, both may be equal, and only a look-up before the call can tell.
    pub(super) async fn record_header(
        &self,
        minted: ProcessRunId,
    ) -> Result<(ProcessRunId, bool), Error> {
        let known_before = match (self.call.key(), self.call.process_run_id) {
            (Some(key), Some(_)) => self.wrapper.run_of_key(key).await?.is_some(),
            _ => false,
        };
        let header = self.wrapper.observe_run(&self.header(minted)).await?;
        Ok((
            header.process_run_id,
            !known_before && header.process_run_id == minted,
        ))
    }
}

pub(super) fn about<'a>(
    wrapper: &'a Wrapper,
    call: &'a PairCall,
    correlation: &'a CorrelationId,
) -> RefusalContext<'a> {
    RefusalContext {
        actor: wrapper.actor_or_default(call.actor.as_ref()),
        dot_code: Some(&call.dot_code),
        candidate: Some(&call.process_candidate_code),
        correlation: Some(correlation),
    }
}

fn has_started(status: StoredStatus) -> bool {
    matches!(
        status,
        StoredStatus::Started | StoredStatus::Completed | StoredStatus::Failed
    )
}

fn has_ended(status: StoredStatus) -> bool {
    matches!(status, StoredStatus::Completed | StoredStatus::Failed)
}
