//! A run whose tools are really called, in their dry form or for real.
use std::path::PathBuf;
use std::time::Duration;

use dotwrap_app::backend::LedgerClient;
use dotwrap_app::labels;
use dotwrap_exec::{Mode, Outcome, RunOptions, Runner};
use dotwrap_wrapper::{
    ComponentRole, ComponentRunId, CorrelationId, EvidenceType, IdempotencyKey, ProcessRunId,
    StoredStatus, Verdict,
};
use serde::Serialize;
use serde_json::json;

use super::{Arguments, closed_gates};
use crate::commands::execution::{ProgressPrinter, check_folder, interrupt_on_signals};
use crate::commands::lease_holder::name_holder;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, KeyValueList};
use crate::session::Context;

/// What the ledger says of an executed run.
#[derive(Debug, Serialize)]
struct Executed {
    process_run_id: ProcessRunId,
    correlation_id: CorrelationId,
    process_candidate_code: String,
    mode: EvidenceType,
    status: StoredStatus,
    verdict: Option<Verdict>,
    created: bool,
    producer: Option<Part>,
    verifier: Option<Part>,
    error_ref: Option<String>,
    /// Where this machine keeps what the run left; none: it was another machine's, or has been cleared away.
    folder: Option<PathBuf>,
    /// Whether a dry run had no complete sandbox.
    sandbox_incomplete: bool,
}

/// What the ledger says of one call.
#[derive(Debug, Serialize)]
struct Part {
    component_run_id: ComponentRunId,
    dot_code: String,
    status: StoredStatus,
    evidence_type: EvidenceType,
    /// What a verifier said. The run has it too, where it counts for it.
    verdict: Option<Verdict>,
    /// Whether the tool says that it only pretended.
    is_mock: bool,
    output_ref: Option<String>,
    output_digest: Option<String>,
    /// Why it did not do what it was called for, or why its verdict is no pass, in a sentence.
    failure: Option<String>,
    /// Where it complained, if it did: for people, who will want to read it.
    #[serde(skip)]
    stderr: Option<String>,
}

/// Executes the pair, and says what was recorded.
pub(super) async fn execute(
    arguments: Arguments,
    mode: Mode,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    reject_outcome_flags(&arguments)?;
    let ledger = session.ledger().await?;
    let (producer, candidate) = arguments.subject(&ledger).await?;
    let runner = arguments.executing.runner(session, &ledger)?;
    check_folder(&runner, &ledger, &session.settings)?;
    let order = run_options(&arguments, session);
    let telling = ProgressPrinter::new(session.messages);
    let interrupt = interrupt_on_signals(session.messages);
    let executed = runner
        .run(&producer, &candidate, mode, &order, &telling, interrupt)
        .await;
    let outcome = match executed {
        Ok(outcome) => outcome,
        Err(refused) => {
            let failure = closed_gates::explain_refusal(refused, mode, &ledger).await;
            return Err(name_holder(failure, &producer, &ledger).await);
        }
    };
    let mut record = recorded(&ledger, &runner, &outcome, mode).await?;
    if record.is_under_way() {
        // Its runner may be gone: then it is concluded now, and this call returns the result.
        ledger.reap_runs(order.actor.as_ref()).await?;
        record = recorded(&ledger, &runner, &outcome, mode).await?;
    }
    session.output.record(&record, drawn)?;
    if record.sandbox_incomplete {
        session.messages.warning(
            "NO COMPLETE SANDBOX: nothing kept the tools of this dry run from writing outside of their folders; see: dotwrap doctor",
        );
    }
    if record.is_under_way() {
        session.messages.warning(
            "the run under this key is not concluded yet: its runner still holds the lease",
        );
    }
    if let Some(pretended) = record.pretended() {
        session.messages.warning(pretended);
    }
    session.messages.note(format!(
        "see its layers: dotwrap runs show {}",
        record.process_run_id
    ));
    session.failed = record.failed();
    Ok(record.exit_status())
}

/// What was said of a run that really happens would be said by the wrong one.
fn reject_outcome_flags(arguments: &Arguments) -> Result<(), Failure> {
    let recorded = &arguments.recorded;
    let claims = [
        ("--status", arguments.status.is_some()),
        ("--output-ref", recorded.output_ref.is_some()),
        ("--error-ref", recorded.error_ref.is_some()),
    ];
    match claims.iter().find(|(_, is_made)| *is_made) {
        Some((flag, _)) => Err(Failure::usage(format!(
            "{flag} says what became of a run, and this one is really executed"
        ))
        .hint(format!(
            "leave {flag} out, or record a simulation: --mode simulate"
        ))),
        None => Ok(()),
    }
}

fn run_options(arguments: &Arguments, session: &Context) -> RunOptions {
    let recorded = &arguments.recorded;
    RunOptions {
        input_ref: recorded.input.clone(),
        idempotency_key: recorded.key.clone().map(IdempotencyKey::new),
        correlation_id: arguments.correlation.clone().map(CorrelationId::new),
        actor: Some(session.actor(recorded.acting.clone())),
        process_run_id: arguments.run_id.map(ProcessRunId::from),
        parent_run_id: recorded.parent.map(ProcessRunId::from),
        evidence_ref: recorded.evidence.clone(),
        lease_ttl: Duration::from_secs(arguments.lease_ttl.into()),
        ..RunOptions::default()
    }
}

/// The record is read back: what is shown is what the ledger holds.
async fn recorded(
    ledger: &LedgerClient,
    runner: &Runner,
    outcome: &Outcome,
    mode: Mode,
) -> Result<Executed, Failure> {
    let (process_run_id, created) = match outcome {
        Outcome::Earlier { process_run_id } => (*process_run_id, false),
        Outcome::Concluded { process_run_id, .. } => (*process_run_id, true),
        other => return Err(Failure::internal(format!("nothing is known of {other:?}"))),
    };
    let run = ledger.run(process_run_id).await?.ok_or_else(|| {
        Failure::internal(format!("the run {process_run_id} is not in the ledger"))
    })?;
    let mut parts = [None, None];
    let mut sandbox_incomplete = false;
    for component in ledger.components_of(process_run_id).await? {
        let place = match component.component_role {
            ComponentRole::Producer => 0,
            ComponentRole::Verifier => 1,
        };
        sandbox_incomplete |= labels::is_sandbox_incomplete(&component.evidence_ref);
        parts[place] = Some(Part {
            component_run_id: component.component_run_id,
            dot_code: component.dot_code.to_string(),
            status: component.status,
            evidence_type: component.evidence_type,
            verdict: component.verdict,
            is_mock: component.evidence_ref["is_mock"] == true,
            output_ref: component.output_ref,
            output_digest: component.output_digest,
            failure: failure_reason(&component.evidence_ref),
            stderr: kept_stderr(&component.evidence_ref["stderr"]),
        });
    }
    let [producer, verifier] = parts;
    Ok(Executed {
        process_run_id,
        correlation_id: run.correlation_id,
        process_candidate_code: run.process_candidate_code.to_string(),
        mode: mode.evidence_type(),
        status: run.status,
        verdict: run.verdict,
        created,
        producer,
        verifier,
        error_ref: run.error_ref,
        folder: Some(runner.folders().of(process_run_id)).filter(|folder| folder.is_dir()),
        sandbox_incomplete,
    })
}

/// What was wrong with a call, else with what it was called for.
fn failure_reason(evidence: &serde_json::Value) -> Option<String> {
    if let Some(message) = evidence["failure"]["message"].as_str() {
        return Some(message.to_owned());
    }
    let reasons = evidence["not_passed_reasons"].as_array()?.iter();
    let reasons: Vec<&str> = reasons.filter_map(|reason| reason.as_str()).collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// The file that keeps what a program printed on standard error.
fn kept_stderr(stderr: &serde_json::Value) -> Option<String> {
    let is_any = stderr["kept_bytes"].as_u64().is_some_and(|kept| kept > 0);
    stderr["file"]
        .as_str()
        .filter(|_| is_any)
        .map(str::to_owned)
}

impl Executed {
    fn is_under_way(&self) -> bool {
        self.status == StoredStatus::Started
    }

    /// What is wrong with a real run that a tool only pretended to do. What its verifier said is kept, and is no verdict of the run.
    fn pretended(&self) -> Option<String> {
        let parts = [&self.producer, &self.verifier].into_iter().flatten();
        let mocks: Vec<&str> = parts
            .filter(|part| self.mode == EvidenceType::RealRun && part.is_mock)
            .map(|part| part.dot_code.as_str())
            .collect();
        (!mocks.is_empty()).then(|| {
            let mocks = mocks.join(" and ");
            format!("{mocks} only pretended (is_mock): this real run proves nothing")
        })
    }

    /// What went wrong, in one line.
    fn failed(&self) -> Option<Failure> {
        let status = self.exit_status();
        let (code, what) = match (status, self.verdict) {
            (ExitStatus::Done, _) => return None,
            (ExitStatus::LeaseHeld, _) => ("run_under_way", "RUNNING: the run under this key"),
            (_, Some(Verdict::Fail)) => ("verification_failed", "FAILED VERIFICATION"),
            _ => ("run_failed", "FAILED"),
        };
        let mut message = what.to_owned();
        if let Some(part) = &self.producer {
            message += &format!(": {}", part.dot_code);
        }
        if let Some(why) = self.why() {
            message += &format!(", {why}");
        }
        message += &format!(". See: dotwrap runs show {}", self.process_run_id);
        Some(
            Failure::new(status, code, message)
                .detail(json!({"process_run_id": self.process_run_id})),
        )
    }

    /// Why it is no pass, in a sentence.
    fn why(&self) -> Option<String> {
        let mut parts = [&self.producer, &self.verifier].into_iter().flatten();
        let failure = parts.find_map(|part| part.failure.clone());
        failure.or_else(|| self.pretended())
    }

    fn exit_status(&self) -> ExitStatus {
        let is_well = self.status == StoredStatus::Completed
            && self.verdict == Some(Verdict::Pass)
            && self.pretended().is_none();
        if self.is_under_way() {
            ExitStatus::LeaseHeld
        } else if is_well {
            ExitStatus::Done
        } else {
            ExitStatus::Failed
        }
    }
}

fn drawn(record: &Executed) -> String {
    let headline = if record.created {
        "executed and recorded"
    } else {
        "recorded before under this key; nothing was called"
    };
    let part = |part: &Option<Part>| match part {
        Some(part) => Cell::plain(format!(
            "{}  {}  {}",
            part.dot_code, part.status, part.evidence_type
        )),
        None => Cell::or_dash(None::<&str>),
    };
    let failed = |part: &Option<Part>| {
        let part = part.as_ref().filter(|part| part.failure.is_some())?;
        Some((part.failure.clone()?, part.stderr.clone()))
    };
    let (why, stderr) = failed(&record.producer)
        .or_else(|| failed(&record.verifier))
        .unzip();
    let output = record.producer.as_ref();
    let sheet = KeyValueList::default()
        .line("run", Cell::toned(record.process_run_id, CellStyle::Notice))
        .line("candidate", Cell::code(&record.process_candidate_code))
        .line("correlation", Cell::plain(&record.correlation_id))
        .line("producer", part(&record.producer))
        .line("verifier", part(&record.verifier))
        .line("status", Cell::from(labels::status(record.status)))
        .line("verdict", Cell::from(labels::verdict(record.verdict)))
        .line_if_some("output", output.and_then(|part| part.output_ref.as_ref()))
        .line_if_some(
            "digest",
            output.and_then(|part| part.output_digest.as_ref()),
        )
        .line_if_some("error", record.error_ref.as_ref())
        .line_if_some("why", why.or_else(|| record.pretended()))
        .line_if_some("stderr", stderr.flatten())
        .line_if_some(
            "folder",
            record.folder.as_ref().map(|folder| folder.display()),
        );
    format!(
        "{}\n{}",
        Cell::toned(headline, CellStyle::Strong),
        sheet.draw(2)
    )
}
