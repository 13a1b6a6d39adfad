//! The folder of the files of executed runs.
use std::path::PathBuf;

use dotwrap_app::settings::Settings;
use dotwrap_exec::RunsDir;

use crate::data_folder::data_folder;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;

/// Where executed runs keep their files: where the flag says, else where the settings do.
pub(crate) fn run_folders(
    named: Option<&PathBuf>,
    settings: &Settings,
) -> Result<RunsDir, Failure> {
    let folder = match named.or(settings.runs_folder.as_ref()) {
        Some(folder) => folder.clone(),
        None => data_folder(settings.home.as_ref())?.join("runs"),
    };
    // The output has it too, and its reader may work in another folder.
    let folder = std::path::absolute(&folder)
        .map_err(|error| {
            Failure::usage(format!(
                "the folder {} cannot be used: the working folder, which it lies in, cannot be found ({error})",
                folder.display()
            ))
            .hint("work in a folder that exists, or name the folder by its whole path")
        })?;
    // Tools are told it as text, and so is the ledger.
    if folder.to_str().is_none() {
        return Err(Failure::new(
            ExitStatus::Usage,
            "folder_unusable",
            format!(
                "the path of the runs' folder, {}, is not UTF-8",
                folder.display()
            ),
        )
        .hint("name another folder for the runs: --runs-folder, or DOTWRAP_RUNS_FOLDER"));
    }
    Ok(RunsDir::below(folder))
}
