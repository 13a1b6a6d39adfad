//! `dotwrap runs ls|show|watch`.

mod filter;
mod list;
mod show;
mod watch;

use clap::Subcommand;

pub(crate) use show::story;

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::session::Session;

/// The ledger's runs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the newest runs
    Ls(list::Arguments),
    /// Show one run as a timeline of its layers
    Show(show::Arguments),
    /// Follow the runs as they are recorded, until interrupted
    Watch(watch::Arguments),
}

/// Lists, shows or follows runs.
pub(crate) async fn execute(
    command: Command,
    session: &mut Session,
) -> Result<ExitStatus, Failure> {
    match command {
        Command::Ls(arguments) => list::execute(arguments, session).await,
        Command::Show(arguments) => show::execute(&arguments, session).await,
        Command::Watch(arguments) => watch::execute(arguments, session).await,
    }
}
