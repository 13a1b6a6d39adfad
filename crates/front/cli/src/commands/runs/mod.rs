//! `dotwrap runs ls|show|watch|logs|resolve|stop|prune`.

mod filter;
mod list;
mod logs;
mod prune;
mod resolve;
mod show;
mod stop;
pub(super) mod transcript;
mod watch;
use clap::Subcommand;

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::session::Context;

/// The ledger's runs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the newest runs
    Ls(list::Arguments),
    /// Show one run as a timeline of its layers
    Show(show::Arguments),
    /// Follow the runs as they are recorded, until interrupted
    Watch(watch::Arguments),
    /// Print what a run's tool printed
    Logs(logs::Arguments),
    /// Record what you found out about a run whose effect the record does not show
    Resolve(resolve::Arguments),
    /// Stop a run that is under way, on whatever machine
    Stop(stop::Arguments),
    /// Remove the files that old runs left
    Prune(prune::Arguments),
}

/// Lists, shows or follows runs, or clears up after them.
pub(crate) async fn execute(
    command: Command,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    match command {
        Command::Ls(arguments) => list::execute(arguments, session).await,
        Command::Show(arguments) => show::execute(&arguments, session).await,
        Command::Watch(arguments) => watch::execute(arguments, session).await,
        Command::Logs(arguments) => logs::execute(&arguments, session).await,
        Command::Resolve(arguments) => resolve::execute(arguments, session).await,
        Command::Stop(arguments) => stop::execute(arguments, session).await,
        Command::Prune(arguments) => prune::execute(arguments, session).await,
    }
}
