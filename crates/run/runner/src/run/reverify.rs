//! A run that verifies an earlier output again: is what was verified in March still that?
//!
//! ```text
//! begin (header, the verifier's receipt with the committed digest) → digest what lies there
//!   the same          → call the verifier → record and conclude
//!   missing, changed  → verdict fail without a call, and an output event → conclude
//! ```

use std::{collections::BTreeMap, io, path::PathBuf, time::Duration};

use dotwrap_invoke::{
    Digest, Failure, Output, Produced, ReadInterrupted, ReadLimit, ReadProgress, Stop, StopRecord,
    read_apart,
};
use dotwrap_wrapper::{
    Actor, ComponentRole, ComponentRunId, DEFAULT_LEASE_TTL, OutputChange, ProcessRunId,
    ReverifyCall, RunAwaitingVerifier, StoredStatus, Verdict,
};
use serde_json::{Map, json};
use tokio::time::Instant;

use super::{
    RunOptions, call::CallResult, conclude::Concluded, execution::Execution, subject::Subject,
};
use crate::{
    Error, Prepared, Progress, Runner, Step,
    assess::{self, CallProblem, VerifiedOutput},
    commit_with_retry::{Commit, commit_with_retry},
    holder,
    retry_budget::RetryBudget,
    run_guard::RunGuard,
    runner::cancel,
};

/// The options of a reverification.
#[derive(Clone, Debug)]
pub struct ReverifyOptions {
    /// Whether only the digest is compared, and the verifier is not called.
    pub digest_only: bool,
    /// The actor; by default the wrapper's.
    pub actor: Option<Actor>,
    /// The lease's time to live.
    pub lease_ttl: Duration,
}

impl Default for ReverifyOptions {
    fn default() -> Self {
        Self {
            digest_only: false,
            actor: None,
            lease_ttl: DEFAULT_LEASE_TTL,
        }
    }
}

/// What was found in the place of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::AsRefStr, strum::Display, serde::Serialize)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum FoundOutput {
    /// What was committed.
    Same,
    /// Nothing.
    Missing,
    /// Something else.
    Changed,
    /// It was not read to its end.
    Unread,
}

/// A concluded reverification.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Reverified {
    /// The run that verified again.
    pub process_run_id: ProcessRunId,
    /// `completed`, `failed`, `cancelled` or `stuck`.
    pub status: StoredStatus,
    /// The verdict; None where only the digest was compared, or it was stopped.
    pub verdict: Option<Verdict>,
    /// What was found.
    pub found: FoundOutput,
    /// Where the cause of a failure is described.
    pub error_ref: Option<String>,
}

/// What was found, with what is needed further.
enum Found {
    Same(Box<Output>),
    Missing,
    Changed(Digest),
    Unreadable(io::Error),
    Interrupted(ReadInterrupted),
}

impl Found {
    fn word(&self) -> FoundOutput {
        match self {
            Self::Same(_) => FoundOutput::Same,
            Self::Missing => FoundOutput::Missing,
            Self::Changed(_) => FoundOutput::Changed,
            Self::Unreadable(_) | Self::Interrupted(_) => FoundOutput::Unread,
        }
    }
}

impl Runner {
    /// Verifies the output of an earlier run again and records it as a run of its own.
    ///
    /// # Errors
    /// [`Error::Wrapper`] where it was refused, [`Error::Unusable`] where the verifier cannot be called here or the
    /// output is on another machine: nothing was written. [`Error::NotConcluded`] as in [`Runner::execute`].
    pub async fn reverify(
        &self,
        run: ProcessRunId,
        options: &ReverifyOptions,
        progress: &dyn Progress,
        interrupt: Stop,
    ) -> Result<Reverified, Error> {
        let subject = Subject::of(&self.wrapper, run).await?;
        let prepared = match &subject {
            Some(subject) => {
                let (producer, candidate) = (&subject.producer, &subject.candidate);
                Prepared::for_reverification(&self.wrapper, &self.engines, producer, candidate)
                    .await?
            }
            None => None,
        };
        let process_run_id = ProcessRunId::mint();
        let mut call = ReverifyCall::new(run, &self.name)
            .process_run_id(process_run_id)
            .lease_ttl(options.lease_ttl);
        call.actor = options.actor.clone();
        call.holder_process = holder::this_process();
        call.contract_sha256 = prepared
            .as_ref()
            .map(|prepared| prepared.verifier.contract.contract_sha256.clone());
        let (Some(subject), Some(prepared)) = (subject, prepared) else {
            // The database knows why not, and counts the refusal.
            let (awaiting, _) = self.wrapper.begin_reverification(&call).await?;
            return Err(cancel(awaiting.run().clone()).await);
        };
        subject.check_machine(&self.name)?;
        let folder = self.folders.reserve(process_run_id)?;
        let held_since = Instant::now();
        let begun = self.wrapper.begin_reverification(&call).await;
        let (awaiting, mode) = match begun.map_err(Error::from) {
            Err(error) if self.end_lease_of_dead_holder(&error).await => {
                self.wrapper.begin_reverification(&call).await?
            }
            begun => begun?,
        };
        if mode != prepared.verifier.contract.mode {
            return Err(cancel(awaiting.run().clone()).await);
        }
        let files = self.folders.of(process_run_id);
        progress.step(Step::Begun {
            process_run_id,
            folder: &files,
        });
        let order = RunOptions {
            input_ref: subject.input_ref.clone(),
            lease_ttl: options.lease_ttl,
            ..RunOptions::default()
        };
        let budget = RetryBudget::of(order.lease_ttl, interrupt.clone(), progress, &files);
        let guard = RunGuard::start(
            &self.wrapper,
            awaiting.run().lease(),
            order.lease_ttl,
            held_since,
            process_run_id,
            &self.watch().await,
            interrupt,
        )
        .watching_disk(self.folders.root(), self.min_free_bytes);
        let execution = Execution {
            wrapper: &self.wrapper,
            prepared: &prepared,
            order: &order,
            begun: awaiting.run(),
            folder: &folder,
            input: None,
            verified_bytes: None,
            output_path: None,
            guard,
            budget,
            progress,
            clock: self.clock(process_run_id).await,
        };
        let (found, concluded) = execution.reverify(&awaiting, &subject, options).await?;
        progress.step(Step::Concluded {
            process_run_id,
            status: concluded.status,
            verdict: concluded.verdict,
        });
        Ok(Reverified {
            process_run_id,
            status: concluded.status,
            verdict: concluded.verdict,
            found,
            error_ref: concluded.error_ref,
        })
    }
}

impl Execution<'_> {
    async fn reverify(
        &self,
        awaiting: &RunAwaitingVerifier,
        subject: &Subject,
        options: &ReverifyOptions,
    ) -> Result<(FoundOutput, Concluded), Error> {
        let found = self.look(subject.path.clone(), subject.committed).await;
        let word = found.word();
        self.record_change(subject.run, &found, options).await;
        let mut called = match found {
            Found::Same(output) if !options.digest_only => {
                let produced = Produced {
                    output: *output,
                    committed_digest: subject.committed,
                    fields: subject.fields.clone(),
                };
                let subject = VerifiedOutput {
                    produced: Some(produced),
                    is_simulated: false,
                };
                let receipt = awaiting.verifier_invocation_id();
                self.call(ComponentRole::Verifier, receipt, subject).await
            }
            found => self.without_call(&found),
        };
        let evidence = &mut called.judged.evidence;
        evidence.insert("found_output".to_owned(), json!(word));
        let record = self.record_of(&called, ComponentRole::Verifier);
        let (mut conclusion, concluded) =
            self.conclusion_of(ComponentRole::Verifier, &called, &called);
        conclusion.output_ref = Some(subject.output_ref.clone());
        let recorded = commit_with_retry(&self.budget, || {
            awaiting.conclude_after_verifier(&record, &conclusion)
        });
        let concluded = match recorded.await {
            Commit::Recorded(()) => concluded,
            Commit::RecordedBefore => self.as_recorded(concluded).await,
            Commit::NotMade(error) => {
                tracing::warn!(%error, "the verifier's row could not be recorded");
                self.conclude_without_component(Some(error), &[&called])
                    .await?
            }
        };
        Ok((word, concluded))
    }

    /// Digests what lies in the output's place.
    async fn look(&self, path: PathBuf, committed: Digest) -> Found {
        let (mut stop, reading) = (self.guard.stop(), ReadProgress::default());
        let look = read_apart(
            move |limit: &ReadLimit| Output::of_within(&path, limit),
            &mut stop,
            &reading,
        );
        match self
            .with_progress(ComponentRole::Producer, &reading, look)
            .await
        {
            Err(interrupted) => Found::Interrupted(interrupted),
            Ok(Ok(output)) if output.digest == committed => Found::Same(Box::new(output)),
            Ok(Ok(output)) => Found::Changed(output.digest),
            Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => Found::Missing,
            Ok(Err(error)) => Found::Unreadable(error),
        }
    }

    /// Records what became of the output. The verdict says it as well, so that a failure of this is no failure of the
    /// run.
    async fn record_change(&self, run: ProcessRunId, found: &Found, options: &ReverifyOptions) {
        let by = self.begun.process_run_id();
        let change = match found {
            Found::Missing => OutputChange::Missing(by),
            Found::Changed(digest) => OutputChange::Changed(by, digest.to_string()),
            _ => return,
        };
        let actor = options.actor.as_ref();
        if let Err(error) = self.wrapper.record_output_change(run, &change, actor).await {
            tracing::warn!(%error, "what became of the output could not be recorded");
        }
    }

    /// What is recorded where the verifier is not called.
    fn without_call(&self, found: &Found) -> CallResult {
        let mut evidence = Map::new();
        let (trouble, verdict) = match found {
            Found::Same(_) => (None, None),
            Found::Missing => {
                evidence.insert(
                    "not_passed_reasons".to_owned(),
                    json!(["the output is not there any more"]),
                );
                (None, Some(Verdict::Fail))
            }
            Found::Changed(digest) => {
                let reason = format!("the output has another digest now, {digest}");
                evidence.insert("not_passed_reasons".to_owned(), json!([reason]));
                evidence.insert("found_digest".to_owned(), json!(digest));
                (None, Some(Verdict::Fail))
            }
            Found::Unreadable(error) => {
                let failure = Failure::new(
                    "output_unusable",
                    format!("the output cannot be read: {error}"),
                );
                (Some(CallProblem::Failed(failure)), Some(Verdict::Error))
            }
            Found::Interrupted(ReadInterrupted::Stopped(reason)) => {
                let record = StopRecord {
                    reason: *reason,
                    signals_sent: Vec::new(),
                    exited: Vec::new(),
                    possible_effects: Vec::new(),
                };
                let stopped = CallProblem::Stopped {
                    record,
                    may_have_acted: false,
                };
                (Some(stopped), None)
            }
            Found::Interrupted(_) => {
                let failure = Failure::new(
                    "output_unread",
                    "nothing of the output could be read for a minute",
                );
                (Some(CallProblem::Failed(failure)), Some(Verdict::Error))
            }
        };
        let now = self.clock.now();
        CallResult {
            component_run_id: ComponentRunId::mint(),
            started_at: now,
            ended_at: now,
            judged: assess::not_called(trouble, verdict, evidence),
        }
    }
}

/// The fields of a reference, as the ledger has them.
pub(super) fn fields_of(evidence: &serde_json::Value) -> BTreeMap<String, String> {
    let fields = evidence["output_fields"].as_object().into_iter().flatten();
    let fields =
        fields.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    fields.collect()
}
