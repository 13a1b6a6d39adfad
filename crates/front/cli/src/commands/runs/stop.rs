//! `dotwrap runs stop RUN --reason TEXT`.
use std::time::Duration;

use clap::Args;
use dotwrap_app::backend::LedgerClient;
use dotwrap_wrapper::{Actor, ProcessRunId, Run, RunStop, StoredStatus, Verdict};
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::show::find;
use crate::commands::shared::ChangeArgs;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::format_time;
use crate::session::Context;

/// How long the run's conclusion is waited for: the longest grace of a contract, and time to record what is known.
const WAIT_LIMIT: Duration = Duration::from_secs(90);

/// How often it is looked for.
const PAUSE: Duration = Duration::from_millis(200);

/// Stop a run that is under way, on whatever machine.
///
/// Its runner ends the tool with SIGTERM, and with SIGKILL after the grace of its contract. The run is concluded as
/// cancelled, with who stopped it and why. This needs the role dot_operator, or the login that began the run.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The run: its id or an unambiguous beginning of it, its correlation, or `last`
    #[arg(value_name = "RUN")]
    run: String,
    #[command(flatten)]
    change: ChangeArgs,
    /// Return at once; otherwise wait for the run's conclusion, for 90 seconds at most
    #[arg(long)]
    no_wait: bool,
}

/// The stop, and what came of the run.
#[derive(Debug, Serialize)]
struct Stopped {
    process_run_id: ProcessRunId,
    stopped_by: Actor,
    reason: String,
    recorded_by: String,
    stopped_at: Timestamp,
    /// False where the run had been stopped before: then this is the first stop.
    created: bool,
    status: StoredStatus,
    verdict: Option<Verdict>,
    concluded_at: Option<Timestamp>,
}

/// Stops a run.
pub(super) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let run = find(&arguments.run, &ledger).await?;
    let id = run.process_run_id;
    let actor = session.actor(arguments.change.acting);
    let reason = &arguments.change.reason;
    let stop = ledger.stop_run(id, Some(&actor), reason).await?;
    if !stop.created {
        session.messages.note(format!(
            "{} had stopped it already at {}: {}",
            stop.actor,
            format_time(stop.stopped_at),
            stop.reason
        ));
    }
    let run = if arguments.no_wait {
        ledger.run(id).await?.unwrap_or(run)
    } else {
        concluded(run, &ledger).await?
    };
    let (note, status) = came_of(&run, arguments.no_wait);
    session.messages.note(note);
    session.output.change(&told(stop, &run))?;
    if status != ExitStatus::Done {
        session.failed = Some(not_concluded(&run, status));
    }
    Ok(status)
}

/// The run once it is concluded, or as it is when the time is over.
async fn concluded(mut run: Run, ledger: &LedgerClient) -> Result<Run, Failure> {
    let end = Instant::now() + WAIT_LIMIT;
    let id = run.process_run_id;
    loop {
        if let Some(seen) = ledger.run(id).await? {
            run = seen;
        }
        if run.concluded_at.is_some() || Instant::now() >= end {
            return Ok(run);
        }
        sleep(PAUSE).await;
    }
}

fn came_of(run: &Run, no_wait: bool) -> (String, ExitStatus) {
    let id = run.process_run_id;
    let verdict = run.verdict.map(|verdict| format!(", verdict {verdict}"));
    let verdict = verdict.unwrap_or_default();
    let (note, status) = match (run.concluded_at, run.status) {
        (Some(_), StoredStatus::Cancelled) => (format!("{id} is cancelled"), ExitStatus::Done),
        (Some(_), status) => (
            format!("{id} had ended before the stop reached it: {status}{verdict}"),
            ExitStatus::Done,
        ),
        (None, _) if no_wait => (
            format!("{id} is being stopped; see: dotwrap runs show {id}"),
            ExitStatus::Done,
        ),
        (None, _) => (
            format!("{id} is stopped, and not concluded yet"),
            ExitStatus::LeaseHeld,
        ),
    };
    (note, status)
}

fn not_concluded(run: &Run, status: ExitStatus) -> Failure {
    let id = run.process_run_id;
    let message = format!(
        "NOT CONCLUDED: the run {id} after {} s",
        WAIT_LIMIT.as_secs()
    );
    let hint = match &run.lease_holder {
        Some(holder) => format!(
            "{holder} holds its lease; if that process is gone, the run is concluded when the lease ends: dotwrap reap"
        ),
        None => "its runner is gone: `dotwrap reap` concludes it".to_owned(),
    };
    Failure::new(status, "run_under_way", message).hint(hint)
}

fn told(stop: RunStop, run: &Run) -> Stopped {
    Stopped {
        process_run_id: stop.process_run_id,
        stopped_by: stop.actor,
        reason: stop.reason,
        recorded_by: stop.recorded_by,
        stopped_at: stop.stopped_at,
        created: stop.created,
        status: run.status,
        verdict: run.verdict,
        concluded_at: run.concluded_at,
    }
}
