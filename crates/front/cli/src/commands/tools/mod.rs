//! `dotwrap tools import|ls|show|pause|resume|retire`.

mod import;
mod list;
mod pause;
mod retire;
mod show;
use clap::Subcommand;

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::session::Context;

/// The DOT registry.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Import tools, candidates, fixtures and contracts from a file: all or nothing
    Import(import::Arguments),
    /// List the tools
    Ls(list::Arguments),
    /// Show one tool, its pair, how they are called and why its verifier checks it
    Show(show::Arguments),
    /// Pause a tool: no run of its pair begins, and its requests wait
    Pause(pause::Pause),
    /// End the pause of a tool
    Resume(pause::Resume),
    /// Retire a tool: its pair is neither run nor requested any more
    Retire(retire::Arguments),
}

/// Imports, lists, shows, pauses, resumes or retires tools.
pub(crate) async fn execute(
    command: Command,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    match command {
        Command::Import(arguments) => import::execute(arguments, session).await,
        Command::Ls(arguments) => list::execute(&arguments, session).await,
        Command::Show(arguments) => show::execute(arguments, session).await,
        Command::Pause(arguments) => pause::pause(arguments, session).await,
        Command::Resume(arguments) => pause::resume(arguments, session).await,
        Command::Retire(arguments) => retire::execute(arguments, session).await,
    }
}
