//! The conclusion of a run.

use std::time::Duration;

use dotwrap_invoke::StopReason;
use dotwrap_wrapper::{
    CallRecord, ComponentRole, Conclusion, RefusalCode, StopCause, StoredStatus, Verdict,
};
use serde_json::{Value as Json, json};
use tokio::time::timeout;

use super::{call::CallResult, execution::Execution};
use crate::{
    Error,
    assess::CallProblem,
    commit_with_retry::{Commit, commit_with_retry},
    folder::FOLDER,
    run_guard::reason_of,
};

/// Time limit for reading the run's conclusion from the ledger after concluding failed or its result was lost.
const FINAL_READ_TIMEOUT: Duration = Duration::from_secs(3);

/// What stopped the run, as the database says it.
const STOP_CAUSE: &str = "stop_cause";

/// The evidence of an invoker for a dry run without a complete sandbox.
const SANDBOX_INCOMPLETE: &str = "sandbox_incomplete";

/// A recorded conclusion.
pub(super) struct Concluded {
    pub(super) status: StoredStatus,
    pub(super) verdict: Option<Verdict>,
    pub(super) error_ref: Option<String>,
}

impl Execution<'_> {
    /// Records the producer and concludes without a verifier call: the producer failed, the run was stopped, or the
    /// verifier's receipt was refused.
    pub(super) async fn end_after_producer(
        &self,
        producer: &CallResult,
        refused: Option<&dotwrap_wrapper::Error>,
    ) -> Result<Concluded, Error> {
        let record = self.record_of(producer, ComponentRole::Producer);
        let (conclusion, concluded) = match self.verifier_skip_reason(producer, refused) {
            Some(word) => self.cancelled(word, refused),
            None => self.conclusion_of(ComponentRole::Producer, producer, producer),
        };
        let recorded = commit_with_retry(&self.budget, || {
            self.begun.conclude_after_producer(&record, &conclusion)
        });
        match recorded.await {
            Commit::Recorded(()) => Ok(concluded),
            Commit::RecordedBefore => Ok(self.as_recorded(concluded).await),
            Commit::NotMade(error) => {
                tracing::warn!(%error, "the producer's row could not be recorded");
                self.conclude_without_component(Some(error), &[producer])
                    .await
            }
        }
    }

    /// Concludes where a call's own row can no longer be written: its data goes into the conclusion. An expired token
    /// without a takeover is accepted. None where the row was written and the result was lost.
    pub(super) async fn conclude_without_component(
        &self,
        unwritten: Option<dotwrap_wrapper::Error>,
        calls: &[&CallResult],
    ) -> Result<Concluded, Error> {
        let word = unwritten.as_ref().map_or("answer_lost", reason_code);
        let known: Vec<Json> = calls.iter().map(|called| called.summary()).collect();
        let error_ref = format!("runner: {word}");
        let mut conclusion = Conclusion::new(StoredStatus::Stuck).evidence_ref(self.evidence([
            ("outcome", json!("unknown")),
            ("reason", json!(word)),
            ("calls", json!(known)),
        ]));
        conclusion.error_ref = Some(error_ref.clone());
        let recorded = commit_with_retry(&self.budget, || self.begun.conclude(&conclusion));
        match recorded.await {
            Commit::Recorded(()) | Commit::RecordedBefore => Ok(self
                .as_recorded(Concluded {
                    status: StoredStatus::Stuck,
                    verdict: None,
                    error_ref: Some(error_ref),
                })
                .await),
            Commit::NotMade(reason) => {
                let unrecorded = self
                    .folder
                    .write_unrecorded_note(&json!({"reason": word, "calls": known}));
                if reason.refusal().is_some() {
                    self.reap().await;
                }
                let lost = [unwritten.as_ref(), Some(&reason)]
                    .into_iter()
                    .flatten()
                    .any(says_lease_lost);
                match self.recorded().await {
                    // Another process found the lease expired and reaped the run: its conclusion is the outcome.
                    Some(concluded) if !lost => Ok(concluded),
                    _ => Err(Error::NotConcluded {
                        process_run_id: self.begun.process_run_id(),
                        unrecorded,
                        // A lost lease takes precedence over the errors that follow from it.
                        reason: Box::new(unwritten.filter(says_lease_lost).unwrap_or(reason)),
                    }),
                }
            }
        }
    }

    /// The lease is lost. The run can then be reaped, with the outcome unknown.
    async fn reap(&self) {
        if let Err(error) = self
            .wrapper
            .reap_runs(Some(self.begun.lease().holder()))
            .await
        {
            tracing::warn!(%error, "the run could not be reaped");
        }
    }

    /// Reads the conclusion from the ledger. Where the result of a conclusion was lost, the ledger may have that of
    /// another process: the lease may have been taken over meanwhile.
    pub(super) async fn as_recorded(&self, meant: Concluded) -> Concluded {
        self.recorded().await.unwrap_or(meant)
    }

    /// The run's recorded conclusion; None where there is none or the ledger cannot be read.
    async fn recorded(&self) -> Option<Concluded> {
        let look = self.wrapper.run(self.begun.process_run_id());
        let run = timeout(FINAL_READ_TIMEOUT, look).await.ok()?.ok()??;
        run.concluded_at?;
        Some(Concluded {
            status: run.status,
            verdict: run.verdict,
            error_ref: run.error_ref,
        })
    }

    /// The evidence of every conclusion: the runner and its version, the location of the files, and the given details.
    fn evidence(&self, more: impl IntoIterator<Item = (&'static str, Json)>) -> Json {
        let runner = ("runner", json!(self.begun.lease().holder()));
        let cause = self.guard.cause().map(StopCause::as_json);
        let cause = cause.map(|cause| (STOP_CAUSE, cause.clone()));
        let folder = self.folder.if_there().map(|path| (FOLDER, json!(path)));
        let version = ("runner_version", json!(env!("CARGO_PKG_VERSION")));
        let known = [runner, version].into_iter();
        let said = known.chain(folder).chain(cause).chain(more);
        let said = said.map(|(name, value)| (name.to_owned(), value));
        Json::Object(said.collect())
    }

    /// The conclusion of a run that was cancelled between its two calls.
    fn cancelled(
        &self,
        word: &'static str,
        refused: Option<&dotwrap_wrapper::Error>,
    ) -> (Conclusion, Concluded) {
        let error_ref = format!("{}: not called: {word}", ComponentRole::Verifier);
        let said = [("reason", json!(word)), ("verifier", json!("not called"))];
        let cause = refused
            .and_then(stop_cause)
            .map(|cause| (STOP_CAUSE, cause));
        let evidence = self.evidence(said.into_iter().chain(cause));
        let mut conclusion = Conclusion::new(StoredStatus::Cancelled).evidence_ref(evidence);
        conclusion.error_ref = Some(error_ref.clone());
        let concluded = Concluded {
            status: StoredStatus::Cancelled,
            verdict: None,
            error_ref: Some(error_ref),
        };
        (conclusion, concluded)
    }

    /// The conclusion that follows from the last call.
    pub(super) fn conclusion_of(
        &self,
        role: ComponentRole,
        last: &CallResult,
        producer: &CallResult,
    ) -> (Conclusion, Concluded) {
        let status = match &last.judged.trouble {
            None => StoredStatus::Completed,
            Some(CallProblem::Failed(_)) => StoredStatus::Failed,
            Some(CallProblem::Stopped { .. }) => StoredStatus::Cancelled,
        };
        let error_ref = last.judged.error_ref(role);
        let trouble = last.judged.trouble.as_ref();
        let is_unknown = trouble.is_some_and(CallProblem::leaves_outcome_unknown);
        let outcome = is_unknown.then(|| ("outcome", json!("unknown")));
        // Also here, because lists show runs without their components.
        let mut all = [producer, last].into_iter();
        let is_incomplete = all.any(|one| one.judged.evidence.contains_key(SANDBOX_INCOMPLETE));
        let sandbox = is_incomplete.then_some((SANDBOX_INCOMPLETE, json!(true)));
        let said = outcome.into_iter().chain(sandbox);
        let mut conclusion = Conclusion::new(status).evidence_ref(self.evidence(said));
        conclusion.output_ref = producer.output_ref();
        conclusion.error_ref = error_ref.clone();
        let concluded = Concluded {
            status,
            verdict: last.judged.verdict,
            error_ref,
        };
        (conclusion, concluded)
    }

    pub(super) fn record_of(&self, called: &CallResult, role: ComponentRole) -> CallRecord {
        let judged = &called.judged;
        let side = self.prepared.side(role);
        let mut evidence = judged.evidence.clone();
        evidence.insert("endpoint_ref".to_owned(), json!(side.contract.endpoint_ref));
        let mut record =
            CallRecord::new(called.component_run_id, judged.status, judged.evidence_type)
                .evidence_ref(Json::Object(evidence))
                .started_at(called.started_at)
                .ended_at(called.ended_at);
        record.verdict = judged.verdict;
        record.input_ref = self.order.input_ref.clone();
        record.output_ref = called.output_ref();
        record.output_digest = judged.digest().map(|digest| digest.to_string());
        record.error_ref = judged.error_ref(role);
        record
    }
}

/// What stopped a run whose verifier's receipt was refused.
fn stop_cause(error: &dotwrap_wrapper::Error) -> Option<Json> {
    let refusal = error.refusal()?;
    if refusal.code != RefusalCode::RunStopped {
        return None;
    }
    let members = ["cause", "gate", "by", "reason", "at", "now"];
    let said = members.iter().filter_map(|name| {
        let value = refusal.detail.get(name)?;
        Some(((*name).to_owned(), value.clone()))
    });
    Some(Json::Object(said.collect()))
}

fn says_lease_lost(error: &dotwrap_wrapper::Error) -> bool {
    error
        .refusal()
        .is_some_and(|refusal| refusal.code == RefusalCode::LeaseLost)
}

/// The reason code of a refused recording.
pub(super) fn reason_code(error: &dotwrap_wrapper::Error) -> &'static str {
    match error.refusal().map(|refusal| &refusal.code) {
        Some(RefusalCode::LeaseLost | RefusalCode::LeaseHeld) => StopReason::LeaseLost.into(),
        Some(RefusalCode::RunStopped) => {
            let cause = error.refusal().map(|refusal| &refusal.detail["cause"]);
            reason_of(cause.and_then(Json::as_str).unwrap_or_default()).into()
        }
        Some(RefusalCode::RunConcluded) => "run_concluded",
        Some(_) => "refused",
        None => "database_away",
    }
}
