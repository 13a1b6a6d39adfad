//! `dotwrap tools import|ls|show`.

mod import;
mod list;
mod show;

use clap::Subcommand;

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::session::Session;

/// The DOT registry.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Import tools, candidates, fixtures and contracts from a file: all or nothing
    Import(import::Arguments),
    /// List the tools
    Ls(list::Arguments),
    /// Show one tool, its pair, how they are called and why its verifier checks it
    Show(show::Arguments),
}

/// Imports, lists or shows tools.
pub(crate) async fn execute(
    command: Command,
    session: &mut Session,
) -> Result<ExitStatus, Failure> {
    match command {
        Command::Import(arguments) => import::execute(arguments, session).await,
        Command::Ls(arguments) => list::execute(&arguments, session).await,
        Command::Show(arguments) => show::execute(arguments, session).await,
    }
}
