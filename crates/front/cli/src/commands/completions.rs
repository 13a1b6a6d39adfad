//! `dotwrap completions SHELL`.
use clap::{Args, Command};
use clap_complete::Shell;

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::session::Context;

/// Print the completions for a shell.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script for the shell.
pub(crate) fn execute(
    arguments: Arguments,
    mut command_line: Command,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command_line, "dotwrap", &mut script);
    session.output.verbatim(&String::from_utf8_lossy(&script))?;
    Ok(ExitStatus::Done)
}
