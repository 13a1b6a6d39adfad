//! A run whose tools are really called, in their dry form or for real.
use std::path::PathBuf;
use std::time::Duration;

use dotwrap_app::backend::LedgerClient;
use dotwrap_app::labels;
use dotwrap_exec::{Mode, Outcome, RunOptions, Runner};
use dotwrap_wrapper::{
    ComponentRole, ComponentRunId, CorrelationId, EvidenceType, IdempotencyKey, OnEarlier,
    ProcessRunId, StoredStatus, Verdict,
};
use serde::Serialize;
use serde_json::json;

use super::{Arguments, closed_gates, executed_drawing};
use crate::commands::execution::{ProgressPrinter, check_folder};
use crate::commands::lease_holder::name_holder;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::session::Context;
use crate::signals::interrupt_on_signals;

/// For a key whose newest attempt did not pass. Whether another may follow is the ledger's rule.
const NOTHING_CALLED: &str =
    "nothing was called now; --retry begins the next attempt, if the ledger allows one";

/// What the ledger says of an executed run.
#[derive(Debug, Serialize)]
pub(super) struct Executed {
    pub(super) process_run_id: ProcessRunId,
    pub(super) correlation_id: CorrelationId,
    pub(super) process_candidate_code: String,
    pub(super) mode: EvidenceType,
    pub(super) status: StoredStatus,
    pub(super) verdict: Option<Verdict>,
    pub(super) created: bool,
    /// Which attempt under its key it is, from 1.
    pub(super) attempt: i32,
    pub(super) producer: Option<Part>,
    pub(super) verifier: Option<Part>,
    pub(super) error_ref: Option<String>,
    /// Where this machine keeps what the run left; none: it was another machine's, or has been cleared away.
    pub(super) folder: Option<PathBuf>,
    /// Whether a dry run had no complete sandbox.
    pub(super) sandbox_incomplete: bool,
    /// What became of the output since: `pruned`, `moved`, `missing` or `changed`.
    pub(super) output_state: Option<String>,
    /// Where it was moved to.
    pub(super) output_moved_to: Option<String>,
}

/// What the ledger says of one call.
#[derive(Debug, Serialize)]
pub(super) struct Part {
    pub(super) component_run_id: ComponentRunId,
    pub(super) dot_code: String,
    pub(super) status: StoredStatus,
    pub(super) evidence_type: EvidenceType,
    /// The verifier's verdict. The run has the same one if it counts for the run.
    pub(super) verdict: Option<Verdict>,
    /// Whether the tool says that it only pretended.
    pub(super) is_mock: bool,
    pub(super) output_ref: Option<String>,
    pub(super) output_digest: Option<String>,
    /// `file`, `stdout`, `path` or `reference`: then the digest is of the message that says where the work is.
    pub(super) output_kind: Option<String>,
    /// What a reference says, by the contract's names.
    pub(super) output_fields: serde_json::Value,
    /// Why it did not do what it was called for, or why its verdict is no pass, in a sentence.
    pub(super) failure: Option<String>,
    /// What somebody should know although it did what it was called for.
    pub(super) warnings: Vec<Warning>,
    /// Where it complained, if it did: for people, who will want to read it.
    #[serde(skip)]
    pub(super) stderr: Option<String>,
}

/// A warning of a call.
#[derive(Debug, Serialize)]
pub(super) struct Warning {
    code: String,
    message: String,
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
            return Err(name_holder(failure));
        }
    };
    let mut record = recorded(&ledger, &runner, &outcome, mode).await?;
    if record.is_under_way() {
        // Its runner may be gone: then it is concluded now, and this call returns the result.
        ledger.reap_runs(order.actor.as_ref()).await?;
        record = recorded(&ledger, &runner, &outcome, mode).await?;
    }
    session.output.record(&record, executed_drawing::drawn)?;
    executed_drawing::print_last_lines(&record, session)?;
    if record.sandbox_incomplete {
        session.messages.warning(
            "NO COMPLETE SANDBOX: the tools of this dry run could change more than their own folders; dotwrap doctor says what is missing",
        );
    }
    if record.is_under_way() {
        session.messages.warning(
            "the run under this key is not concluded yet: its runner still holds the lease",
        );
    }
    let (state, moved_to) = (&record.output_state, &record.output_moved_to);
    if let Some(state) = labels::output_state(state.as_deref(), moved_to.as_deref()) {
        session
            .messages
            .warning(format!("the output of this run: {state}"));
    }
    if let Some(pretended) = record.pretended() {
        session.messages.warning(pretended);
    }
    if !record.created && !record.is_under_way() && record.exit_status() != ExitStatus::Done {
        session.messages.note(NOTHING_CALLED);
    }
    session.messages.note(format!(
        "see its layers: dotwrap runs show {}",
        record.process_run_id
    ));
    for (part, warning) in record.warnings() {
        session.messages.warning(format!(
            "{}: {} ({})",
            part.dot_code, warning.message, warning.code
        ));
    }
    session.failed = record.failed();
    let status = record.exit_status();
    let warned = record.warnings().count();
    if status == ExitStatus::Done && arguments.fail_on_warning && warned > 0 {
        session.failed = Some(Failure::new(
            ExitStatus::Failed,
            "warnings_found",
            format!(
                "WARNINGS: {warned}. See: dotwrap runs show {}",
                record.process_run_id
            ),
        ));
        return Ok(ExitStatus::Failed);
    }
    Ok(status)
}

/// Refuses flags that state a result: an executed run gets its result from the tools.
fn reject_outcome_flags(arguments: &Arguments) -> Result<(), Failure> {
    let recorded = &arguments.recorded;
    let claims = [
        ("--status", "status", arguments.status.is_some()),
        ("--output-ref", "output", recorded.output_ref.is_some()),
        ("--error-ref", "error", recorded.error_ref.is_some()),
    ];
    match claims.iter().find(|(.., is_made)| *is_made) {
        Some((flag, what, _)) => Err(Failure::usage(format!(
            "{flag} is for simulations; an executed run gets its {what} from the tools"
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
        on_earlier: match arguments.retry {
            true => OnEarlier::Retry,
            false => OnEarlier::Return,
        },
        wait: arguments.wait.map(|wait| wait.unsigned_abs()),
        allow_secret_input: arguments.allow_secret_input,
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
            output_kind: text_of(&component.evidence_ref["output_kind"]),
            output_fields: component.evidence_ref["output_fields"].clone(),
            failure: failure_reason(&component.evidence_ref),
            warnings: warnings_of(&component.evidence_ref),
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
        attempt: run.attempt,
        producer,
        verifier,
        error_ref: run.error_ref,
        folder: Some(runner.folders().of(process_run_id)).filter(|folder| folder.is_dir()),
        sandbox_incomplete,
        output_state: run.output_state,
        output_moved_to: run.output_moved_to,
    })
}

fn text_of(value: &serde_json::Value) -> Option<String> {
    value.as_str().map(str::to_owned)
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

fn warnings_of(evidence: &serde_json::Value) -> Vec<Warning> {
    let warnings = evidence["warnings"].as_array().into_iter().flatten();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    warnings
        .map(|warning| Warning {
            code: text(&warning["code"]),
            message: text(&warning["message"]),
        })
        .collect()
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

    /// What is wrong with a real run that a tool only pretended to do. What its verifier said is kept, and is no
    /// verdict of the run.
    pub(super) fn pretended(&self) -> Option<String> {
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

    /// What the run came to, the important word first. A dry run that passed has verified nothing.
    pub(super) fn headline(&self) -> String {
        let word = match (self.exit_status(), self.verdict, self.mode) {
            (ExitStatus::Done, _, EvidenceType::RealRun) => "VERIFIED",
            (ExitStatus::Done, ..) => "DRY RUN PASSED",
            (ExitStatus::LeaseHeld, ..) => "RUNNING",
            (_, Some(Verdict::Fail), _) => "FAILED VERIFICATION",
            _ => "FAILED",
        };
        match &self.producer {
            Some(part) => format!("{word}: {}", part.dot_code),
            None => word.to_owned(),
        }
    }

    /// What went wrong, in one line.
    fn failed(&self) -> Option<Failure> {
        let status = self.exit_status();
        let code = match (status, self.verdict) {
            (ExitStatus::Done, _) => return None,
            (ExitStatus::LeaseHeld, _) => "run_under_way",
            (_, Some(Verdict::Fail)) => "verification_failed",
            _ => "run_failed",
        };
        let mut message = self.headline();
        if let Some(why) = self.why() {
            message += &format!(", {why}");
        }
        message += &format!(". See: dotwrap runs show {}", self.process_run_id);
        let failure = Failure::new(status, code, message)
            .detail(json!({"process_run_id": self.process_run_id}));
        Some(match self.created || self.is_under_way() {
            true => failure,
            false => failure.hint(NOTHING_CALLED),
        })
    }

    fn warnings(&self) -> impl Iterator<Item = (&Part, &Warning)> {
        let parts = [&self.producer, &self.verifier].into_iter().flatten();
        parts.flat_map(|part| part.warnings.iter().map(move |warning| (part, warning)))
    }

    /// Why it is no pass, in a sentence.
    fn why(&self) -> Option<String> {
        let mut parts = [&self.producer, &self.verifier].into_iter().flatten();
        let failure = parts.find_map(|part| part.failure.clone());
        failure.or_else(|| self.pretended())
    }

    pub(super) fn exit_status(&self) -> ExitStatus {
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
