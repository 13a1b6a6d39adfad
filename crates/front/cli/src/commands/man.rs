//! `dotwrap man FOLDER`.
use std::path::PathBuf;

use clap::{Args, Command};

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::session::Context;

/// Write the manual pages into a folder.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The folder; made where it does not exist
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// Writes one page for each command.
pub(crate) fn execute(
    arguments: &Arguments,
    command_line: Command,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let folder = &arguments.folder;
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(command_line, folder))
        .map_err(|error| {
            Failure::usage(format!(
                "the manual pages cannot be written to {}: {error}",
                folder.display()
            ))
        })?;
    session.messages.note(format!(
        "wrote the manual pages; read one with `man {}/dotwrap.1`",
        folder.display()
    ));
    Ok(ExitStatus::Done)
}
