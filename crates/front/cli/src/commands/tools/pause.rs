//! `dotwrap tools pause` and `dotwrap tools resume`.
use clap::Args;
use dotwrap_wrapper::DotCode;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::commands::shared::{ActorArgs, ChangeArgs, duration};
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::format_time;
use crate::session::Context;

/// Pause a tool: no run of its pair begins, and its requests wait.
///
/// Runs that were begun go on. Simulations are still recorded.
#[derive(Debug, Args)]
pub(crate) struct Pause {
    /// The tool's code
    #[arg(value_name = "DOT_CODE")]
    dot_code: String,
    /// For how long, e.g. 2h [default: until it is resumed]
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    during: Option<SignedDuration>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// End the pause of a tool.
#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The tool's code
    #[arg(value_name = "DOT_CODE")]
    dot_code: String,
    /// Why; it stands in the history
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    acting: ActorArgs,
}

/// What the tool is now.
#[derive(Debug, Serialize)]
struct Paused {
    dot_code: DotCode,
    paused: bool,
    /// None: it is not paused, or until it is resumed.
    paused_until: Option<Timestamp>,
    /// False: it was not paused before.
    changed: bool,
}

/// Pauses a tool.
pub(super) async fn pause(arguments: Pause, session: &mut Context) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let actor = session.actor(arguments.change.acting);
    let dot_code = DotCode::new(arguments.dot_code);
    let during = arguments.during.map(|during| during.unsigned_abs());
    let changed = ledger
        .pause_tool(&dot_code, &arguments.change.reason, during, Some(&actor))
        .await?;
    let tool = ledger.tool(&dot_code).await?;
    let paused_until = tool.and_then(|tool| tool.paused_until);
    session.messages.note(match paused_until {
        Some(until) => format!("{dot_code} is paused until {}", format_time(until)),
        None => format!("{dot_code} is paused; `dotwrap tools resume {dot_code}` ends it"),
    });
    session.output.change(&Paused {
        dot_code,
        paused: true,
        paused_until,
        changed,
    })?;
    Ok(ExitStatus::Done)
}

/// Ends a pause.
pub(super) async fn resume(
    arguments: Resume,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let actor = session.actor(arguments.acting);
    let dot_code = DotCode::new(arguments.dot_code);
    let changed = ledger
        .resume_tool(&dot_code, arguments.reason.as_deref(), Some(&actor))
        .await?;
    session.messages.note(match changed {
        true => format!("{dot_code} is in use again"),
        false => format!("{dot_code} was not paused"),
    });
    session.output.change(&Paused {
        dot_code,
        paused: false,
        paused_until: None,
        changed,
    })?;
    Ok(ExitStatus::Done)
}
