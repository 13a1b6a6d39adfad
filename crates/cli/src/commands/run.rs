//! `dotwrap run PRODUCER`: the main job. One pair, one call, one correlated record.

use std::time::Duration;

use clap::{Args, ValueEnum};
use dotwrap_wrapper::{
    CandidateCode, CorrelationId, DotCode, EvidenceType, PairCall, PairRecord, ProcessRunId,
    StoredStatus, WrapperStatus,
};
use uuid::Uuid;

use super::shared::{Recorded, describe};
use crate::badges;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, Sheet, Tone};
use crate::session::{Ledger, Session};
use crate::words::one_of;

/// Record a pair as one correlated run.
///
/// Nothing is executed: gates, preflight and lease are passed, header, producer and verifier are written, all in one
/// transaction, and the record says SIMULATED_DRY_RUN. A second call with the same key returns the first one's ids and
/// writes nothing.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The producer's code, e.g. DOT_SHA256SUM; its verifier is the registry's
    #[arg(value_name = "PRODUCER")]
    producer: String,
    /// The process that this run is evidence for [default: what the registry names for the producer]
    #[arg(long, value_name = "CODE")]
    candidate: Option<String>,
    /// What joins the run's rows, events, logs and traces [default: derived from the key, else a new one]
    #[arg(long, value_name = "TEXT")]
    correlation: Option<String>,
    /// What is asked for; only `simulate` can be had without a runner
    #[arg(long, value_enum, default_value_t = Mode::Simulate)]
    mode: Mode,
    /// What is said of the run; `failed` ends with exit status 1
    #[arg(long, value_name = "STATUS", value_parser = one_of::<WrapperStatus>(), default_value_t = WrapperStatus::Completed)]
    status: WrapperStatus,
    /// An id for the run, instead of a new one
    #[arg(long, value_name = "UUID")]
    run_id: Option<Uuid>,
    /// How long the pair's lease may be held, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    lease_ttl: u32,
    #[command(flatten)]
    recorded: Recorded,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Record without executing anything.
    Simulate,
    /// The tools' own logic, in a mode that changes nothing.
    DryRun,
    /// The tools, for real.
    RealRun,
}

/// Records the pair, and says what was recorded.
pub(crate) async fn execute(
    arguments: Arguments,
    session: &mut Session,
) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let call = described(arguments, session, &ledger).await?;
    let record = ledger
        .observe_pair(&call)
        .await
        .map_err(|error| explained(error, call.evidence_type))?;
    session
        .output
        .record(&record, |record| drawn(record, &call))?;
    session.messages.note(format!(
        "see its layers: dotwrap runs show {}",
        record.process_run_id
    ));
    Ok(if record.status == StoredStatus::Failed {
        ExitStatus::Failed
    } else {
        ExitStatus::Done
    })
}

async fn described(
    arguments: Arguments,
    session: &Session,
    ledger: &Ledger,
) -> Result<PairCall, Failure> {
    let producer = DotCode::new(arguments.producer);
    let candidate = match arguments.candidate {
        Some(candidate) => CandidateCode::new(candidate),
        None => candidate_of(&producer, ledger).await?,
    };
    let mut call = PairCall::new(producer, candidate)
        .wrapper_status(arguments.status)
        .evidence_type(arguments.mode.evidence_type())
        .dry_run(arguments.mode != Mode::RealRun)
        .lease_ttl(Duration::from_secs(arguments.lease_ttl.into()));
    call.correlation_id = arguments.correlation.map(CorrelationId::new);
    call.process_run_id = arguments.run_id.map(ProcessRunId::from);
    describe!(call, arguments.recorded, session);
    Ok(call)
}

/// The candidate that the catalogue named for this producer.
async fn candidate_of(producer: &DotCode, ledger: &Ledger) -> Result<CandidateCode, Failure> {
    let tool = ledger.tool(producer).await?;
    let known = tool.is_some();
    let named = tool.and_then(|tool| {
        tool.extra_metadata
            .get("process_candidate_code")?
            .as_str()
            .map(CandidateCode::new)
    });
    named.ok_or_else(|| {
        if known {
            without_candidate(producer)
        } else {
            super::unknown_dot(producer)
        }
    })
}

fn without_candidate(producer: &DotCode) -> Failure {
    Failure::new(
        ExitStatus::Usage,
        "candidate_required",
        format!("the registry names no candidate for {producer}"),
    )
    .hint("say what the run is evidence for: --candidate CODE")
}

impl Mode {
    fn evidence_type(self) -> EvidenceType {
        match self {
            Self::Simulate => EvidenceType::SimulatedDryRun,
            Self::DryRun => EvidenceType::DryRun,
            Self::RealRun => EvidenceType::RealRun,
        }
    }
}

/// The database itself refuses what would have to be executed, and says by which gate; that there is nothing here that
/// could execute it is added.
fn explained(error: dotwrap_wrapper::Error, asked: EvidenceType) -> Failure {
    let failure = Failure::from(error);
    if asked == EvidenceType::SimulatedDryRun || failure.status != ExitStatus::Blocked {
        return failure;
    }
    let hint = failure
        .hint
        .clone()
        .map(|hint| format!("{hint}\n"))
        .unwrap_or_default();
    failure.hint(format!("{hint}The runner, which would execute the pair, is not part of this release: only --mode simulate can be recorded"))
}

fn drawn(record: &PairRecord, call: &PairCall) -> String {
    let headline = if record.created {
        "recorded"
    } else {
        "recorded before under this key; nothing was written"
    };
    let sheet = Sheet::default()
        .line("run", Cell::toned(record.process_run_id, Tone::Notice))
        .line("pair of", Cell::plain(&call.dot_code))
        .line("producer", Cell::or_dash(record.producer_component_run_id))
        .line("verifier", Cell::or_dash(record.verifier_component_run_id))
        .line("candidate", Cell::plain(&call.process_candidate_code))
        .line("correlation", Cell::plain(&record.correlation_id))
        .line("status", badges::status(record.status))
        .line("evidence", badges::evidence(record.evidence_type))
        .line("events", Cell::plain(record.events_emitted))
        .maybe("output", record.output_ref.as_ref())
        .maybe("error", record.error_ref.as_ref());
    format!("{}\n{}", Cell::toned(headline, Tone::Strong), sheet.draw(2))
}
