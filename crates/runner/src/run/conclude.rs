//! How a run is brought to its end, and what is said of it there.

use std::time::Duration;

use dotwrap_invoke::StopReason;
use dotwrap_wrapper::{CallRecord, ComponentRole, Conclusion, RefusalCode, StoredStatus, Verdict};
use serde_json::{Value as Json, json};
use tokio::time::timeout;

use super::{call::CallResult, execution::Execution};
use crate::{
    Error,
    assess::CallProblem,
    commit_with_retry::{Commit, commit_with_retry},
    folder::FOLDER,
};

/// How long the ledger is asked what it says of a run whose conclusion came to nothing, or whose answer was lost.
const FINAL_READ_TIMEOUT: Duration = Duration::from_secs(3);

/// What an invoker says of a dry run that had no complete sandbox.
const SANDBOX_INCOMPLETE: &str = "sandbox_incomplete";

/// What was concluded.
pub(super) struct Concluded {
    pub(super) status: StoredStatus,
    pub(super) verdict: Option<Verdict>,
    pub(super) error_ref: Option<String>,
}

impl Execution<'_> {
    /// Records the producer and concludes: the verifier is not called, because the producer failed, was stopped, or because
    /// the verifier's receipt was refused.
    pub(super) async fn end_after_producer(
        &self,
        producer: &CallResult,
        refused: Option<&dotwrap_wrapper::Error>,
    ) -> Result<Concluded, Error> {
        let record = self.record_of(producer, ComponentRole::Producer);
        let (conclusion, concluded) = match self.verifier_skip_reason(producer, refused) {
            Some(word) => self.cancelled(word),
            None => self.conclusion_of(ComponentRole::Producer, producer, producer),
        };
        let recorded = commit_with_retry(&self.budget, || {
            self.begun.conclude_after_producer(&record, &conclusion)
        });
        match recorded.await {
            Commit::Made(()) => Ok(concluded),
            Commit::MadeBefore => Ok(self.as_recorded(concluded).await),
            Commit::NotMade(error) => {
                tracing::warn!(%error, "the producer's row could not be recorded");
                self.conclude_without_component(Some(error), &[producer])
                    .await
            }
        }
    }

    /// Concludes where a call's own row can not be written any more: what is known of it goes into the conclusion. A token
    /// that ran out and was not taken over may still do that. None: the row was written, and its answer lost.
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
            Commit::Made(()) | Commit::MadeBefore => Ok(self
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
                    // By whoever found that its lease had run out: that is the answer then.
                    Some(concluded) if !lost => Ok(concluded),
                    _ => Err(Error::NotConcluded {
                        process_run_id: self.begun.process_run_id(),
                        unrecorded,
                        // A lost lease comes before what followed from it.
                        reason: Box::new(unwritten.filter(says_lease_lost).unwrap_or(reason)),
                    }),
                }
            }
        }
    }

    /// The lease is somebody else's, or nobody's: then the run can be concluded as one whose holder is gone, and it says that
    /// nobody knows what became of it.
    async fn reap(&self) {
        if let Err(error) = self
            .wrapper
            .reap_runs(Some(self.begun.lease().holder()))
            .await
        {
            tracing::warn!(%error, "the run could not be reaped");
        }
    }

    /// What the ledger says. Where a conclusion's answer was lost, the conclusion that is there may be somebody else's: the
    /// lease may have been taken over meanwhile.
    pub(super) async fn as_recorded(&self, meant: Concluded) -> Concluded {
        self.recorded().await.unwrap_or(meant)
    }

    /// How the ledger has the run concluded, if it has and can be asked.
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

    /// What every conclusion says, who ran it and where its files are, and what else there is to say.
    fn evidence(&self, more: impl IntoIterator<Item = (&'static str, Json)>) -> Json {
        let runner = ("runner", json!(self.begun.lease().holder()));
        let folder = self.folder.if_there().map(|path| (FOLDER, json!(path)));
        let said = [runner].into_iter().chain(folder).chain(more);
        let said = said.map(|(name, value)| (name.to_owned(), value));
        Json::Object(said.collect())
    }

    /// The conclusion of a run that was called off between its two calls.
    fn cancelled(&self, word: &'static str) -> (Conclusion, Concluded) {
        let error_ref = format!("{}: not called: {word}", ComponentRole::Verifier);
        let mut conclusion = Conclusion::new(StoredStatus::Cancelled).evidence_ref(
            self.evidence([("reason", json!(word)), ("verifier", json!("not called"))]),
        );
        conclusion.error_ref = Some(error_ref.clone());
        let concluded = Concluded {
            status: StoredStatus::Cancelled,
            verdict: None,
            error_ref: Some(error_ref),
        };
        (conclusion, concluded)
    }

    /// The conclusion that follows from the last call that was made.
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
        // Here too: lists show runs and not their components.
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

fn says_lease_lost(error: &dotwrap_wrapper::Error) -> bool {
    error
        .refusal()
        .is_some_and(|refusal| refusal.code == RefusalCode::LeaseLost)
}

/// Why a recording was refused, in a word.
pub(super) fn reason_code(error: &dotwrap_wrapper::Error) -> &'static str {
    match error.refusal().map(|refusal| refusal.code.as_str()) {
        Some("lease_lost" | "lease_held") => StopReason::LeaseLost.into(),
        Some("no_execute" | "real_run_disabled") => StopReason::GateClosed.into(),
        Some("run_concluded") => "run_concluded",
        Some(_) => "refused",
        None => "database_away",
    }
}
