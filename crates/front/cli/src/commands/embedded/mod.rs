//! `dotwrap embedded`: the life of the private database.

mod dump;
mod move_ledger;
mod status;
mod stop;

use clap::Subcommand;
use dotwrap_app::settings::{DatabaseChoice, DatabaseUrl};
use dotwrap_embedded::ServerUser;

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::session::Context;

/// The private PostgreSQL that is used where no database is configured.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say where it is, whether it runs, and who uses it
    Status(status::Arguments),
    /// Stop its server now
    Stop(stop::Arguments),
    /// Write its ledger to a file for pg_restore or psql
    Dump(dump::Arguments),
    /// Move its ledger to a database of your own
    Move(move_ledger::Arguments),
}

impl Command {
    /// The flag and the value of an address that may hold a password, and the variable that stands for the flag.
    pub(crate) fn secret_flag(&self) -> Option<(&'static str, &'static str, &DatabaseUrl)> {
        match self {
            Self::Move(arguments) => Some(("--to", move_ledger::VARIABLE, arguments.to()?)),
            _ => None,
        }
    }
}

pub(super) async fn execute(
    command: Command,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    match command {
        Command::Status(arguments) => status::execute(arguments, session),
        Command::Stop(arguments) => stop::execute(arguments, session).await,
        Command::Dump(arguments) => dump::execute(arguments, session).await,
        Command::Move(arguments) => move_ledger::execute(arguments, session).await,
    }
}

/// Whether commands without a database's address use the embedded database.
fn is_default(session: &Context) -> bool {
    session.settings.database == DatabaseChoice::Embedded
}

/// A process and the command that it was started for: `4711 dotwrap worker`. Further words may be secrets.
fn described(user: &ServerUser) -> String {
    let commands = super::Command::augment_subcommands(clap::Command::new("dotwrap"));
    let program = user.command.first().map(String::as_str).unwrap_or_default();
    let program = program.rsplit('/').next().unwrap_or_default();
    let words = user.command.iter().skip(1);
    let command = words
        .map(String::as_str)
        .find(|word| commands.find_subcommand(word).is_some());
    [&user.pid.to_string(), program, command.unwrap_or_default()]
        .join(" ")
        .trim_end()
        .to_owned()
}
