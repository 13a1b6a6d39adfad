//! The execution itself.

use std::time::Duration;

use dotwrap_invoke::{Answer, Produced, Stop, StopReason, ToolCall};
use dotwrap_wrapper::{
    Beginning, BegunRun, CallRecord, ComponentRole, ComponentRunId, Conclusion, DotCode,
    ProcessRunId, ProducedRun, StoredStatus, Verdict, Wrapper,
};
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::{Outcome, RunOrder};
use crate::{
    Error, Prepared, Progress, Runner, Step,
    folder::RunFolder,
    judgement::{self, Judged, Subject, Trouble},
    settle::{Settled, settle},
    vigil::Vigil,
};

/// How long the shortest-lived lease's run still tries to say what became of it while the database is away.
const SHORTEST_PATIENCE: Duration = Duration::from_secs(30);

/// A run that is begun, with everything its calls need.
struct Execution<'a> {
    wrapper: &'a Wrapper,
    prepared: &'a Prepared,
    order: &'a RunOrder,
    begun: &'a BegunRun,
    folder: &'a RunFolder,
    vigil: Vigil,
    progress: &'a dyn Progress,
}

/// One call that is over: when it was, and what it counts for.
struct Called {
    component_run_id: ComponentRunId,
    started_at: Timestamp,
    ended_at: Timestamp,
    judged: Judged,
}

/// What was concluded.
struct Concluded {
    status: StoredStatus,
    verdict: Option<Verdict>,
    error_ref: Option<String>,
}

impl Runner {
    /// Executes one run of a prepared pair, and records every step of it. `interrupt` stops it: what is known is then recorded
    /// and the run concluded.
    ///
    /// # Errors
    /// [`Error::Wrapper`] where the run was refused: nothing was called, and nothing written. [`Error::NotConcluded`] where it
    /// was called and its end could not be recorded.
    pub async fn execute(
        &self,
        prepared: &Prepared,
        order: &RunOrder,
        progress: &dyn Progress,
        interrupt: Stop,
    ) -> Result<Outcome, Error> {
        check_input(prepared, order)?;
        let process_run_id = order.process_run_id.unwrap_or_else(ProcessRunId::mint);
        let folder = self.folders.make(process_run_id)?;
        let held_since = Instant::now();
        let call = order.begin_call(
            &prepared.producer.dot_code,
            &prepared.candidate,
            prepared.mode,
            process_run_id,
            &self.name,
        );
        let begun = match self.wrapper.begin_run(&call).await {
            Ok(Beginning::Begun(begun)) => begun,
            Ok(Beginning::Earlier(process_run_id)) => {
                folder.remove();
                return Ok(Outcome::Earlier { process_run_id });
            }
            Err(error) => {
                folder.remove();
                return Err(error.into());
            }
        };
        let files = self.folders.of(process_run_id);
        progress.step(Step::Begun {
            process_run_id,
            folder: &files,
        });
        let vigil = Vigil::keep(
            &self.wrapper,
            begun.lease(),
            order.lease_ttl,
            held_since,
            prepared.mode,
            self.posture().await,
            interrupt,
        );
        let concluded = Execution {
            wrapper: &self.wrapper,
            prepared,
            order,
            begun: &begun,
            folder: &folder,
            vigil,
            progress,
        }
        .to_the_end()
        .await?;
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
    async fn to_the_end(&self) -> Result<Concluded, Error> {
        let producer = self
            .call(
                ComponentRole::Producer,
                self.begun.producer_invocation_id(),
                Subject::default(),
            )
            .await;
        let judged = &producer.judged;
        if !judged.is_done() || self.vigil.stop().reason().is_some() {
            return self.end_after_producer(&producer, None).await;
        }
        let record = self.record_of(&producer, ComponentRole::Producer);
        let verifier = &self.prepared.verifier.dot_code;
        let recorded = settle(self.patience(), || {
            self.begun.record_producer(&record, verifier)
        });
        match recorded.await {
            Settled::Made(produced) => self.verify(&produced, &producer).await,
            // The verifier's receipt is open, and its number was in the lost answer: nobody may call under it.
            Settled::MadeBefore => self.end_without_row("answer_lost", &[&producer]).await,
            Settled::NotMade(error) => {
                tracing::warn!(%error, "the verifier may not be called");
                self.end_after_producer(&producer, Some(&error)).await
            }
        }
    }

    async fn verify(&self, produced: &ProducedRun, producer: &Called) -> Result<Concluded, Error> {
        let output = producer.judged.output.clone();
        self.progress.step(Step::Produced {
            output: output.as_ref().map(|output| output.path.as_path()),
            digest: producer.judged.digest(),
        });
        let subject = Subject {
            produced: output.map(|output| Produced {
                committed_digest: output.digest,
                output,
            }),
            is_simulated: producer.judged.is_simulated(),
            change: None,
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
        let recorded = settle(self.patience(), || {
            produced.conclude_after_verifier(&record, &conclusion)
        });
        match recorded.await {
            Settled::Made(()) => Ok(concluded),
            Settled::MadeBefore => Ok(self.as_recorded(concluded).await),
            Settled::NotMade(error) => {
                tracing::warn!(%error, "the verifier's row could not be recorded");
                self.end_without_row(word_for(&error), &[producer, &verifier])
                    .await
            }
        }
    }

    /// Calls one side of the pair, and judges its answer.
    async fn call(&self, role: ComponentRole, invocation_id: Uuid, mut subject: Subject) -> Called {
        let side = self.prepared.side(role);
        let call = ToolCall {
            dot_code: side.dot_code.clone(),
            role,
            mode: self.prepared.mode,
            process_run_id: self.begun.process_run_id(),
            component_run_id: ComponentRunId::mint(),
            invocation_id,
            correlation_id: self.begun.correlation_id().clone(),
            contract: side.contract.clone(),
            fixture: side.fixture.clone(),
            input_ref: self.order.input_ref.clone(),
            input_digest: self.order.input_digest.clone(),
            produced: subject.produced.clone(),
            folder: self.folder.of_call(role),
        };
        self.progress.step(Step::Calling {
            role,
            dot_code: &side.dot_code,
        });
        let started_at = Timestamp::now();
        let answer = self.answer(role, &call).await;
        let ended_at = Timestamp::now();
        self.progress.step(Step::Called {
            role,
            answer: &answer,
        });
        let judged = match role {
            ComponentRole::Producer => judgement::of_producer(self.prepared, answer),
            ComponentRole::Verifier => {
                subject.look_again().await;
                judgement::of_verifier(self.prepared, answer, &subject)
            }
        };
        Called {
            component_run_id: call.component_run_id,
            started_at,
            ended_at,
            judged,
        }
    }

    /// The invoker's answer. That a stop was asked for is told while it is being obeyed.
    async fn answer(&self, role: ComponentRole, call: &ToolCall) -> Answer {
        let mut stop = self.vigil.stop();
        let invoker = &self.prepared.side(role).invoker;
        let mut answer = invoker.invoke(call, stop.clone());
        tokio::select! {
            answer = &mut answer => return answer,
            reason = stop.given() => self.progress.step(Step::Stopping { reason }),
        }
        answer.await
    }

    /// Records the producer and concludes: the verifier is not called, because the producer failed, was stopped, or because
    /// the verifier's receipt was refused.
    async fn end_after_producer(
        &self,
        producer: &Called,
        refused: Option<&dotwrap_wrapper::Error>,
    ) -> Result<Concluded, Error> {
        let record = self.record_of(producer, ComponentRole::Producer);
        let (conclusion, concluded) = match self.trouble_between(producer, refused) {
            Some(word) => self.called_off(word),
            None => self.conclusion_of(ComponentRole::Producer, producer, producer),
        };
        let recorded = settle(self.patience(), || {
            self.begun.conclude_after_producer(&record, &conclusion)
        });
        match recorded.await {
            Settled::Made(()) => Ok(concluded),
            Settled::MadeBefore => Ok(self.as_recorded(concluded).await),
            Settled::NotMade(error) => {
                tracing::warn!(%error, "the producer's row could not be recorded");
                self.end_without_row(word_for(&error), &[producer]).await
            }
        }
    }

    /// Concludes where a call's own row can not be written any more: what is known of it goes into the conclusion. A token
    /// that ran out and was not taken over may still do that.
    async fn end_without_row(&self, word: &str, calls: &[&Called]) -> Result<Concluded, Error> {
        let known: Vec<Json> = calls.iter().map(|called| called.summary()).collect();
        let error_ref = format!("runner: {word}");
        let mut conclusion = Conclusion::new(StoredStatus::Stuck).evidence_ref(json!({
            "runner": self.begun.lease().holder(),
            "outcome": "unknown",
            "reason": word,
            "calls": known,
        }));
        conclusion.error_ref = Some(error_ref.clone());
        let recorded = settle(self.patience(), || self.begun.conclude(&conclusion));
        match recorded.await {
            Settled::Made(()) | Settled::MadeBefore => Ok(self
                .as_recorded(Concluded {
                    status: StoredStatus::Stuck,
                    verdict: None,
                    error_ref: Some(error_ref),
                })
                .await),
            Settled::NotMade(reason) => {
                self.folder
                    .leave("unrecorded.json", &json!({"reason": word, "calls": known}));
                self.reaped(reason).await
            }
        }
    }

    /// The lease is somebody else's, or nobody's: then the run can be concluded as one whose holder is gone, and it says that
    /// nobody knows what became of it.
    async fn reaped(&self, reason: dotwrap_wrapper::Error) -> Result<Concluded, Error> {
        if reason.refusal().is_some()
            && let Err(error) = self
                .wrapper
                .reap_runs(Some(self.begun.lease().holder()))
                .await
        {
            tracing::warn!(%error, "the run could not be reaped");
        }
        match self.wrapper.run(self.begun.process_run_id()).await {
            Ok(Some(run)) if run.concluded_at.is_some() => Ok(Concluded {
                status: run.status,
                verdict: run.verdict,
                error_ref: run.error_ref,
            }),
            _ => Err(Error::NotConcluded {
                process_run_id: self.begun.process_run_id(),
                reason: Box::new(reason),
            }),
        }
    }

    /// What the ledger says. Where a conclusion's answer was lost, the conclusion that is there may be somebody else's: the
    /// lease may have been taken over meanwhile.
    async fn as_recorded(&self, meant: Concluded) -> Concluded {
        match self.wrapper.run(self.begun.process_run_id()).await {
            Ok(Some(run)) => Concluded {
                status: run.status,
                verdict: run.verdict,
                error_ref: run.error_ref,
            },
            _ => meant,
        }
    }

    /// What kept the verifier from being called although the producer did its work.
    fn trouble_between(
        &self,
        producer: &Called,
        refused: Option<&dotwrap_wrapper::Error>,
    ) -> Option<&'static str> {
        if !producer.judged.is_done() {
            return None;
        }
        match (self.vigil.stop().reason(), refused) {
            (Some(reason), _) => Some(reason.into()),
            (None, Some(error)) => Some(word_for(error)),
            (None, None) => None,
        }
    }

    /// The conclusion of a run that was called off between its two calls.
    fn called_off(&self, word: &'static str) -> (Conclusion, Concluded) {
        let error_ref = format!("{}: not called: {word}", ComponentRole::Verifier);
        let mut conclusion = Conclusion::new(StoredStatus::Cancelled).evidence_ref(json!({
            "runner": self.begun.lease().holder(),
            "reason": word,
            "verifier": "not called",
        }));
        conclusion.error_ref = Some(error_ref.clone());
        let concluded = Concluded {
            status: StoredStatus::Cancelled,
            verdict: None,
            error_ref: Some(error_ref),
        };
        (conclusion, concluded)
    }

    /// The conclusion that follows from the last call that was made.
    fn conclusion_of(
        &self,
        role: ComponentRole,
        last: &Called,
        producer: &Called,
    ) -> (Conclusion, Concluded) {
        let status = match &last.judged.trouble {
            None => StoredStatus::Completed,
            Some(Trouble::Failed(_)) => StoredStatus::Failed,
            Some(Trouble::Stopped(_)) => StoredStatus::Cancelled,
        };
        let error_ref = last.judged.error_ref(role);
        let mut evidence = Map::new();
        evidence.insert("runner".to_owned(), json!(self.begun.lease().holder()));
        if let Some(trouble) = &last.judged.trouble
            && trouble.leaves_outcome_unknown()
        {
            evidence.insert("outcome".to_owned(), json!("unknown"));
        }
        let mut conclusion = Conclusion::new(status).evidence_ref(Json::Object(evidence));
        conclusion.output_ref = producer.output_ref();
        conclusion.error_ref = error_ref.clone();
        let concluded = Concluded {
            status,
            verdict: last.judged.verdict,
            error_ref,
        };
        (conclusion, concluded)
    }

    fn record_of(&self, called: &Called, role: ComponentRole) -> CallRecord {
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

    /// How long to go on asking while the database is away: a run whose lease may have been taken over is no longer ours to
    /// conclude, but trying is harmless.
    fn patience(&self) -> Duration {
        self.order.lease_ttl.max(SHORTEST_PATIENCE)
    }
}

impl Called {
    fn output_ref(&self) -> Option<String> {
        let output = self.judged.output.as_ref()?;
        Some(format!("file://{}", output.path.display()))
    }

    fn summary(&self) -> Json {
        json!({
            "component_run_id": self.component_run_id,
            "status": self.judged.status,
            "verdict": self.judged.verdict,
            "output_ref": self.output_ref(),
            "output_digest": self.judged.digest(),
            "evidence": self.judged.evidence,
        })
    }
}

/// A run is not begun for a tool that would be called without the input that its contract has a place for.
fn check_input(prepared: &Prepared, order: &RunOrder) -> Result<(), Error> {
    if order.input_ref.is_some() {
        return Ok(());
    }
    let wanting = [&prepared.producer, &prepared.verifier]
        .into_iter()
        .find(|side| mentions_input(&side.contract.invocation));
    match wanting {
        Some(side) => Err(Error::InputMissing {
            dot_code: side.dot_code.clone(),
        }),
        None => Ok(()),
    }
}

fn mentions_input(invocation: &Json) -> bool {
    match invocation {
        Json::String(text) => dotwrap_invoke::Template::parse(text)
            .is_ok_and(|template| template.names().any(|name| name == "input")),
        Json::Array(items) => items.iter().any(mentions_input),
        Json::Object(members) => members.values().any(mentions_input),
        _ => false,
    }
}

fn word_for(error: &dotwrap_wrapper::Error) -> &'static str {
    match error.refusal().map(|refusal| refusal.code.as_str()) {
        Some("lease_lost" | "lease_held") => StopReason::LeaseLost.into(),
        Some("no_execute" | "real_run_disabled" | "mode_not_allowed") => {
            StopReason::GateClosed.into()
        }
        Some("run_concluded") => "run_concluded",
        Some(_) => "refused",
        None => "database_away",
    }
}

/// The names of the DOTs, for messages.
impl Prepared {
    /// The pair's two codes.
    pub fn codes(&self) -> [&DotCode; 2] {
        [&self.producer.dot_code, &self.verifier.dot_code]
    }
}
