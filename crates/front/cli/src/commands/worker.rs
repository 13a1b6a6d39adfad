//! `dotwrap worker`: executes requested runs.
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clap::{Args, ValueEnum};
use dotwrap_exec::{Progress, SandboxProblem, Step, WorkerObserver, WorkerOptions, check_sandbox};
use dotwrap_wrapper::{ClaimedRequest, EvidenceType, ProcessRunId, RequestEnd};
use jiff::SignedDuration;

use super::execution::{ExecutionArgs, check_folder};
use super::service_manager::ServiceManager;
use super::shared::duration;
use super::{worker_signals, worker_summary};
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::Messages;
use crate::session::Context;

/// Execute requested runs, one after the other or several side by side.
///
/// Any number of workers can run beside each other, on any number of machines: a request is handed to one of them, and
/// each attempt of it is begun at most once. Runs whose holder died are reaped on the way. Ctrl-C and SIGTERM drain the
/// worker: it claims nothing more and finishes what it has begun, for --drain-timeout; then it stops what is called. A
/// second signal stops it at once. What was stopped and may be repeated waits for another worker. SIGUSR1 drains
/// without a limit.
///
/// Under systemd (Type=notify) it says when it is ready and when it stops, and keeps the watchdog content while it
/// works: packaging/ in the sources has units.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Number of concurrent runs
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// Only requests of this mode
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// End when there is nothing to do, instead of waiting for more; exit status 1 when a run of it failed
    #[arg(long)]
    once: bool,
    /// How long a lease and a claim live, in seconds; both are renewed meanwhile
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86400))]
    lease_ttl: u32,
    /// How long what is under way may go on after SIGTERM or Ctrl-C
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    drain_timeout: SignedDuration,
    /// A label of this worker, e.g. site=b: contracts may require some; may be repeated
    #[arg(long = "label", value_name = "LABEL")]
    labels: Vec<String>,
    #[command(flatten)]
    executing: ExecutionArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// The tools' own logic, in a form that changes nothing.
    DryRun,
    /// The tools, for real.
    RealRun,
}

/// Says what a worker does while it does it.
struct WorkerPrinter {
    messages: Messages,
    /// The runs it concluded; only those of one that ends by itself.
    concluded: Option<Mutex<Vec<ProcessRunId>>>,
    service_manager: ServiceManager,
}

/// Says of a run only what keeps it waiting: its steps are the ledger's.
struct Waiting {
    messages: Messages,
    request: String,
}

/// Works until it is told to stop, or, with `--once`, until nothing is left.
pub(crate) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    // First: unheard, it would end the program.
    let (drain, interrupt) =
        worker_signals::listen(arguments.drain_timeout.unsigned_abs(), session.messages);
    let ledger = session.ledger().await?;
    let runner = arguments.executing.runner(session, &ledger)?;
    check_folder(&runner, &ledger, &session.settings)?;
    let work = WorkerOptions {
        concurrency: arguments.jobs.into(),
        lease_ttl: Duration::from_secs(arguments.lease_ttl.into()),
        modes: arguments
            .mode
            .map(Mode::evidence_type)
            .into_iter()
            .collect(),
        until_idle: arguments.once,
        labels: arguments.labels.clone(),
        ..WorkerOptions::default()
    };
    match check_sandbox() {
        Ok(()) => {}
        Err(SandboxProblem::Incomplete(why)) => session.messages.warning(format!(
            "NO COMPLETE SANDBOX: tools of dry runs can change files outside their folders: {why}"
        )),
        Err(SandboxProblem::Unusable(why)) => session.messages.warning(format!(
            "NO SANDBOX: no tool of a dry run is started here: {why}"
        )),
    }
    session.messages.note(format!(
        "{} waits for requests; `dotwrap requests add` makes one",
        runner.name()
    ));
    let service_manager = ServiceManager::of_environment();
    service_manager.ready(runner.name().as_str());
    let stopping = service_manager.tell_when_stopping(drain.clone(), interrupt.clone());
    let drained = drain.clone();
    let told = Arc::new(WorkerPrinter {
        messages: session.messages,
        concluded: arguments.once.then(Mutex::default),
        service_manager,
    });
    let finished = runner
        .work(&work, Arc::clone(&told) as _, drain, &interrupt)
        .await?;
    if drained.reason().is_some() || interrupt.reason().is_some() {
        // An idle worker ends before that task runs. Waiting for it cannot fail: it neither panics nor is aborted.
        let _ = stopping.await;
    }
    session.messages.note(match finished {
        0 => "nothing was left to do".to_owned(),
        1 => "one request was served".to_owned(),
        some => format!("{some} requests were served"),
    });
    if interrupt.reason().is_some() {
        session.failed = Some(Failure::new(
            ExitStatus::Failed,
            "interrupted",
            "STOPPED: what was under way was not finished".to_owned(),
        ));
        return Ok(ExitStatus::Failed);
    }
    let Some(concluded) = &told.concluded else {
        return Ok(ExitStatus::Done);
    };
    let runs = concluded
        .lock()
        .map(|runs| runs.clone())
        .unwrap_or_default();
    worker_summary::say_what_waits(&work.modes, &ledger, session.messages).await?;
    session.failed = worker_summary::failed(&runs, &ledger, session.messages).await?;
    Ok(match session.failed {
        Some(_) => ExitStatus::Failed,
        None => ExitStatus::Done,
    })
}

impl Mode {
    fn evidence_type(self) -> EvidenceType {
        match self {
            Self::DryRun => EvidenceType::DryRun,
            Self::RealRun => EvidenceType::RealRun,
        }
    }
}

impl WorkerObserver for WorkerPrinter {
    fn of_run(&self, claim: &ClaimedRequest) -> Box<dyn Progress> {
        self.messages.note(format!(
            "claimed {}: {} {}",
            claim.request_id(),
            claim.mode(),
            claim.dot_code()
        ));
        Box::new(Waiting {
            messages: self.messages,
            request: claim.request_id().to_string(),
        })
    }

    fn alive(&self) {
        self.service_manager.alive();
    }

    fn finished(&self, claim: &ClaimedRequest, end: &RequestEnd) {
        if let (RequestEnd::Concluded(run), Some(concluded)) = (end, &self.concluded)
            && let Ok(mut runs) = concluded.lock()
        {
            runs.push(*run);
        }
        self.messages.note(match end {
            RequestEnd::Concluded(run) => format!("{}: concluded as run {run}", claim.request_id()),
            RequestEnd::Refused(code) => format!("{}: refused, {code}", claim.request_id()),
            RequestEnd::Retry {
                refusal_code,
                after,
            } => {
                format!(
                    "{}: not now, {refusal_code}; again in {after:?}",
                    claim.request_id()
                )
            }
        });
    }

    fn reaped(&self, runs: &[ProcessRunId]) {
        for run in runs {
            self.messages
                .note(format!("reaped {run}: its holder is gone"));
        }
    }

    fn on_error(&self, what: &str, error: &dyn std::error::Error) {
        self.messages.warning(format!("{what}: {error}"));
    }
}

impl Progress for Waiting {
    fn step(&self, step: Step<'_>) {
        if let Step::Waiting { why, at_most } = step {
            self.messages.warning(format!(
                "{}: what became of its run cannot be recorded yet: {why}; trying for at most {} s",
                self.request,
                at_most.as_secs()
            ));
        }
    }
}
