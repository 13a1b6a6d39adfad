//! `dotwrap tools retire`.
use clap::Args;
use dotwrap_wrapper::DotCode;
use serde::Serialize;

use crate::commands::shared::ChangeArgs;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::session::Context;

/// Retire a tool: its pair is neither run nor requested any more.
///
/// What was recorded stays, and simulations of it are still recorded. An import that names another status puts the tool
/// back into use.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The tool's code
    #[arg(value_name = "DOT_CODE")]
    dot_code: String,
    #[command(flatten)]
    change: ChangeArgs,
}

/// What the tool is now.
#[derive(Debug, Serialize)]
struct Retired {
    dot_code: DotCode,
    status: &'static str,
    /// False: it was retired already.
    changed: bool,
}

/// Retires a tool.
pub(super) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let actor = session.actor(arguments.change.acting);
    let dot_code = DotCode::new(arguments.dot_code);
    let changed = ledger
        .retire_tool(&dot_code, &arguments.change.reason, Some(&actor))
        .await?;
    session.messages.note(if changed {
        format!("{dot_code} is retired")
    } else {
        format!("{dot_code} was retired already")
    });
    session.output.change(&Retired {
        dot_code,
        status: "retired",
        changed,
    })?;
    Ok(ExitStatus::Done)
}
