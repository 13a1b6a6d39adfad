//! `dotwrap reap`.
use clap::Args;
use dotwrap_app::labels;
use dotwrap_exec::kill_unlocked_groups;
use dotwrap_wrapper::Run;
use tokio::task::spawn_blocking;

use super::ActorArgs;
use super::execution::ExecutionArgs;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, Column};
use crate::session::Context;

/// Conclude the executed runs whose holder died: their lease ran out by the database's clock, or their process ended on
/// this machine.
///
/// A run with an open call becomes `stuck` with the outcome `unknown`: nobody knows whether the tool did its work.
/// Whoever takes the lease next does the same for that one run. What such calls have left running on this machine is
/// ended, where each call has a control group (cgroup v2).
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    acting: ActorArgs,
}

const COLUMNS: &[Column<Run>] = &[
    Column::whole("RUN", |run| {
        Cell::toned(run.process_run_id, CellStyle::Notice)
    }),
    Column::new("PRODUCER", |run| Cell::code_or_dash(run.dot_code.as_ref())),
    Column::new("CANDIDATE", |run| Cell::code(&run.process_candidate_code)),
    Column::whole("STATUS", |run| Cell::from(labels::status(run.status))),
    Column::new("OUTCOME", |run| {
        Cell::or_dash(run.evidence_ref["outcome"].as_str())
    }),
    Column::new("CORRELATION", |run| Cell::plain(&run.correlation_id)),
];

/// Concludes them and lists them.
pub(crate) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let ended = spawn_blocking(kill_unlocked_groups)
        .await
        .unwrap_or_default();
    if ended > 0 {
        session.messages.note(format!(
            "ended {ended} process(es) of calls whose supervisor and runner had both been killed"
        ));
    }
    let ledger = session.ledger().await?;
    let actor = session.actor(arguments.acting);
    let mut runs = Vec::new();
    let runner = ExecutionArgs::default().runner(session, &ledger)?;
    let mut concluded = runner.end_leases_of_dead_holders().await?;
    concluded.extend(ledger.reap_runs(Some(&actor)).await?);
    for id in concluded {
        runs.extend(ledger.run(id).await?);
    }
    session.print_list(
        &runs,
        COLUMNS,
        "nothing to conclude: no executed run has lost its holder",
    )?;
    Ok(ExitStatus::Done)
}
