//! `dotwrap runs resolve`.
use clap::{Args, ValueEnum};
use dotwrap_wrapper::{Happened, ProcessRunId};
use serde::Serialize;
use uuid::Uuid;

use crate::commands::shared::ChangeArgs;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::session::Context;

/// Record what you found out about a run whose effect the record does not show.
///
/// It is shown with the run, allows or forbids another attempt under its key (`dotwrap run --key … --retry`), and is
/// never evidence.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The run's id or an unambiguous beginning of it, or its correlation; `last` is the newest run
    #[arg(value_name = "RUN")]
    run: String,
    /// Whether it happened
    #[arg(long, value_enum)]
    happened: Answer,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Whether it happened.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Answer {
    /// It did: no other attempt may follow.
    Yes,
    /// It did not: another attempt may follow.
    No,
    /// A part of it did: another attempt may follow if the contract says `may_repeat`.
    Partly,
}

/// What was recorded.
#[derive(Debug, Serialize)]
struct Resolved {
    process_run_id: ProcessRunId,
    happened: Happened,
    resolution_id: Uuid,
}

/// Records it.
pub(super) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let actor = session.actor(arguments.change.acting);
    let run = super::show::find(&arguments.run, &ledger).await?;
    let process_run_id = run.process_run_id;
    let happened = match arguments.happened {
        Answer::Yes => Happened::Yes,
        Answer::No => Happened::No,
        Answer::Partly => Happened::Partly,
    };
    let resolution_id = ledger
        .resolve_run(
            process_run_id,
            happened,
            &arguments.change.reason,
            Some(&actor),
        )
        .await?;
    session.messages.note(format!(
        "recorded of {process_run_id}: happened, {happened}"
    ));
    session.output.change(&Resolved {
        process_run_id,
        happened,
        resolution_id,
    })?;
    Ok(ExitStatus::Done)
}
