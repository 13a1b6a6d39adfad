//! Executes one run.

use std::path::PathBuf;

use dotwrap_invoke::{Produced, Stop};
use dotwrap_wrapper::{
    BeginOutcome, BegunRun, ComponentRole, ProcessRunId, RunAwaitingVerifier, Wrapper,
};
use tokio::time::Instant;

use super::{
    Outcome, RunOptions,
    call::CallResult,
    conclude::{Concluded, reason_code},
    input::{check_input, check_output_fields},
    input_file::InputFile,
    output_path::output_path,
    verified_bytes::verified_bytes,
};
use crate::{
    Error, PairMember, Prepared, Progress, Runner, Step,
    assess::VerifiedOutput,
    clock::RunClock,
    commit_with_retry::{Commit, commit_with_retry},
    folder::RunFolder,
    retry_budget::RetryBudget,
    run_guard::RunGuard,
};

/// A begun run, with everything that its calls need.
pub(super) struct Execution<'a> {
    pub(super) wrapper: &'a Wrapper,
    pub(super) prepared: &'a Prepared,
    pub(super) order: &'a RunOptions,
    pub(super) begun: &'a BegunRun,
    pub(super) folder: &'a RunFolder,
    /// What the input was before the first call.
    pub(super) input: Option<InputFile>,
    /// What the last verified run of the same candidate and input left, in bytes, where a rule asks for it.
    pub(super) verified_bytes: Option<u64>,
    /// Where the producer's contract wants its output.
    pub(super) output_path: Option<PathBuf>,
    pub(super) guard: RunGuard,
    pub(super) budget: RetryBudget<'a>,
    pub(super) progress: &'a dyn Progress,
    pub(super) clock: RunClock,
}

impl Runner {
    /// Executes one run of a prepared pair and records every step. `interrupt` stops it: the known results are then
    /// recorded and the run is concluded.
    ///
    /// # Errors
    /// [`Error::Wrapper`] where the run was refused: no tool was called and no row was written. [`Error::NotConcluded`]
    /// where a tool was called and the conclusion could not be recorded.
    pub async fn execute(
        &self,
        prepared: &Prepared,
        order: &RunOptions,
        progress: &dyn Progress,
        interrupt: Stop,
    ) -> Result<Outcome, Error> {
        self.execute_attempt(prepared, order, progress, interrupt, false)
            .await
    }

    /// `calls_again`: the caller waits for a busy lease and tries again, so that such a refusal is no result yet.
    pub(crate) async fn execute_attempt(
        &self,
        prepared: &Prepared,
        order: &RunOptions,
        progress: &dyn Progress,
        interrupt: Stop,
        calls_again: bool,
    ) -> Result<Outcome, Error> {
        check_input(prepared, order)?;
        check_output_fields(prepared)?;
        let process_run_id = order.process_run_id.unwrap_or_else(ProcessRunId::mint);
        let folder = self.folders.reserve(process_run_id)?;
        let output_path = output_path(prepared, order, process_run_id, &folder, &self.folders)?;
        let verified_bytes = verified_bytes(&self.wrapper, prepared, order).await?;
        self.folders.require_free(self.min_free_bytes)?;
        let held_since = Instant::now();
        let mut call = order.begin_call(
            &prepared.producer.dot_code,
            &prepared.candidate,
            prepared.mode,
            process_run_id,
            &self.name,
        );
        let digest = |side: &PairMember| Some(side.contract.contract_sha256.clone());
        call.producer_contract_sha256 = digest(&prepared.producer);
        call.verifier_contract_sha256 = digest(&prepared.verifier);
        call.calls_again = calls_again;
        let begun = match self.wrapper.begin_run(&call).await? {
            BeginOutcome::Begun(begun) => begun,
            BeginOutcome::Existing(run) => return self.existing_outcome(order, run).await,
        };
        let files = self.folders.of(process_run_id);
        progress.step(Step::Begun {
            process_run_id,
            folder: &files,
        });
        let budget = RetryBudget::of(order.lease_ttl, interrupt.clone(), progress, &files);
        let guard = RunGuard::start(
            &self.wrapper,
            begun.lease(),
            order.lease_ttl,
            held_since,
            process_run_id,
            &self.watch().await,
            interrupt,
        )
        .watching_disk(self.folders.root(), self.min_free_bytes);
        let execution = Execution {
            wrapper: &self.wrapper,
            prepared,
            order,
            begun: &begun,
            folder: &folder,
            input: InputFile::of(order.input()).await,
            verified_bytes,
            output_path,
            guard,
            budget,
            progress,
            clock: self.clock(process_run_id).await,
        };
        let (concluded, ()) = tokio::join!(
            execution.run_to_conclusion(),
            execution.warn_of_a_short_window()
        );
        let concluded = concluded?;
        progress.step(Step::Concluded {
            process_run_id,
            status: concluded.status,
            verdict: concluded.verdict,
        });
        Ok(Outcome::Concluded {
            process_run_id,
            correlation_id: begun.correlation_id().clone(),
            status: concluded.status,
            verdict: concluded.verdict,
            error_ref: concluded.error_ref,
            folder: files,
        })
    }
}

impl Execution<'_> {
    async fn run_to_conclusion(&self) -> Result<Concluded, Error> {
        let producer = self
            .call(
                ComponentRole::Producer,
                self.begun.producer_invocation_id(),
                VerifiedOutput::default(),
            )
            .await;
        let judged = &producer.judged;
        if !judged.is_done() || self.guard.stop().reason().is_some() {
            return self.end_after_producer(&producer, None).await;
        }
        let record = self.record_of(&producer, ComponentRole::Producer);
        let verifier = &self.prepared.verifier.dot_code;
        let recorded = commit_with_retry(&self.budget, || {
            self.begun.record_producer(&record, verifier)
        });
        match recorded.await {
            Commit::Recorded(produced) => self.verify(&produced, &producer).await,
            // A repeated call returns the receipt while the lease lives. It did not, so no tool may be called under the
            // receipt.
            Commit::RecordedBefore => self.conclude_without_component(None, &[&producer]).await,
            Commit::NotMade(error) => {
                tracing::warn!(%error, "the verifier may not be called");
                self.end_after_producer(&producer, Some(&error)).await
            }
        }
    }

    async fn verify(
        &self,
        produced: &RunAwaitingVerifier,
        producer: &CallResult,
    ) -> Result<Concluded, Error> {
        let output = producer.judged.output.clone();
        self.progress.step(Step::Produced {
            output: output.as_ref().map(|output| output.path.as_path()),
            digest: producer.judged.digest(),
        });
        let subject = VerifiedOutput {
            produced: output.map(|output| Produced {
                committed_digest: output.digest,
                output,
                fields: producer.judged.fields.clone(),
            }),
            is_simulated: producer.judged.is_simulated(),
        };
        let verifier = self
            .call(
                ComponentRole::Verifier,
                produced.verifier_invocation_id(),
                subject,
            )
            .await;
        let record = self.record_of(&verifier, ComponentRole::Verifier);
        let (conclusion, concluded) =
            self.conclusion_of(ComponentRole::Verifier, &verifier, producer);
        let recorded = commit_with_retry(&self.budget, || {
            produced.conclude_after_verifier(&record, &conclusion)
        });
        match recorded.await {
            Commit::Recorded(()) => Ok(concluded),
            Commit::RecordedBefore => Ok(self.as_recorded(concluded).await),
            Commit::NotMade(error) => {
                tracing::warn!(%error, "the verifier's row could not be recorded");
                self.conclude_without_component(Some(error), &[producer, &verifier])
                    .await
            }
        }
    }

    /// Why the verifier was not called although the producer completed.
    pub(super) fn verifier_skip_reason(
        &self,
        producer: &CallResult,
        refused: Option<&dotwrap_wrapper::Error>,
    ) -> Option<&'static str> {
        if !producer.judged.is_done() {
            return None;
        }
        match (self.guard.stop().reason(), refused) {
            (Some(reason), _) => Some(reason.into()),
            (None, Some(error)) => Some(reason_code(error)),
            (None, None) => None,
        }
    }
}
