//! `dotwrap run PRODUCER`: the main job. One pair, one run, one correlated record.

mod closed_gates;
mod executed;
mod executed_drawing;
mod simulated;
use clap::{Args, ValueEnum};
use dotwrap_app::backend::LedgerClient;
use dotwrap_wrapper::{CandidateCode, ComponentRole, DotCode, WrapperStatus};
use jiff::SignedDuration;
use serde_json::json;
use uuid::Uuid;

use super::execution::ExecutionArgs;
use super::shared::{RecordingArgs, duration};
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::session::Context;
use crate::value_parser::one_of;

/// Run a pair, or only record it, as one correlated run.
///
/// With `--mode simulate` nothing is called: gates, preflight and lease are passed, header, producer and verifier are
/// written, all in one transaction, and the record says SIMULATED_DRY_RUN. With `dry-run` the pair's declared dry form
/// is called, with `real-run` the pair itself, if the gates allow it: the producer, then the verifier with the
/// producer's output. A second call with the same key returns the first one's ids, writes nothing and calls nothing.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The producer's code, e.g. DOT_SHA256SUM; its verifier is the registry's
    #[arg(value_name = "PRODUCER")]
    producer: String,
    /// The process that this run is evidence for [default: what the registry names for the producer]
    #[arg(long, value_name = "CODE")]
    candidate: Option<String>,
    /// Correlation id of the run's rows, events, logs and traces [default: derived from the key, else a new one]
    #[arg(long, value_name = "TEXT")]
    correlation: Option<String>,
    /// What is called: nothing, the tools' dry form, or the tools. Required if the pair can be executed; for other
    /// pairs the default is simulate
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// Status of a simulated run; `failed` ends with exit status 1 [default: completed]
    #[arg(long, value_name = "STATUS", value_parser = one_of::<WrapperStatus>())]
    status: Option<WrapperStatus>,
    /// An id for the run, instead of a new one
    #[arg(long, value_name = "UUID")]
    run_id: Option<Uuid>,
    /// How long the pair's lease lives, in seconds; a running call renews it
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    lease_ttl: u32,
    /// Wait so long for a busy lease, e.g. 10m; exit status 4 when the time is over
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    wait: Option<SignedDuration>,
    /// If the last run under --key did not pass, begin the next attempt
    #[arg(long, requires = "key")]
    retry: bool,
    /// Record an input whose address holds a password
    #[arg(long)]
    allow_secret_input: bool,
    /// End with exit status 1 if a call left warnings
    #[arg(long)]
    fail_on_warning: bool,
    #[command(flatten)]
    executing: ExecutionArgs,
    #[command(flatten)]
    recorded: RecordingArgs,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Record without executing anything.
    Simulate,
    /// The tools' own logic, in a form that changes nothing.
    DryRun,
    /// The tools, for real.
    RealRun,
}

/// Runs the pair, and says what was recorded.
pub(crate) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let mode = match arguments.mode {
        Some(Mode::DryRun) => dotwrap_exec::Mode::DryRun,
        Some(Mode::RealRun) => dotwrap_exec::Mode::RealRun,
        said => {
            let ledger = session.ledger().await?;
            if said.is_none() {
                refuse_executable(&DotCode::new(&arguments.producer), &ledger).await?;
            }
            return simulated::execute(arguments, &ledger, session).await;
        }
    };
    executed::execute(arguments, mode, session).await
}

/// A simulation of a pair that can be executed may be taken for its execution: it is recorded only where it is asked
/// for by name.
async fn refuse_executable(producer: &DotCode, ledger: &LedgerClient) -> Result<(), Failure> {
    let contracts = ledger.contracts_of(producer).await?;
    let modes: Vec<&str> = [("DRY_RUN", "dry-run"), ("REAL_RUN", "real-run")]
        .into_iter()
        .filter(|(stored, _)| {
            let mut contracts = contracts.iter();
            contracts.any(|one| one.mode == *stored && one.contract_status == "active")
        })
        .map(|(_, said)| said)
        .collect();
    if modes.is_empty() {
        return Ok(());
    }
    let tool = ledger.tool(producer).await?;
    // What is no producer, or is retired, is refused for that.
    let is_producer = tool.is_some_and(|tool| {
        tool.pair_role == Some(ComponentRole::Producer) && tool.status == "active"
    });
    if !is_producer {
        return Ok(());
    }
    let executing: Vec<String> = modes.iter().map(|mode| format!("--mode {mode}")).collect();
    Err(Failure::new(
        ExitStatus::Usage,
        "mode_required",
        format!("`--mode` is missing: {producer} can be executed"),
    )
    .hint(format!(
        "execute it: {}; record a simulation, which calls nothing: --mode simulate",
        executing.join(" or ")
    ))
    .detail(json!({"dot_code": producer, "modes": modes})))
}

impl Arguments {
    /// The pair, and what its run is evidence for.
    async fn subject(&self, ledger: &LedgerClient) -> Result<(DotCode, CandidateCode), Failure> {
        let producer = DotCode::new(&self.producer);
        let candidate = match &self.candidate {
            Some(candidate) => CandidateCode::new(candidate),
            None => resolve_candidate(&producer, ledger).await?,
        };
        Ok((producer, candidate))
    }
}

/// The candidate that the catalogue named for this producer.
pub(super) async fn resolve_candidate(
    producer: &DotCode,
    ledger: &LedgerClient,
) -> Result<CandidateCode, Failure> {
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
