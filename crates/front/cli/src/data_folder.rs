//! The folder of the user's data.
use std::path::PathBuf;

use crate::failure::Failure;

/// Where this program keeps what is the user's, unless it is told another place.
pub(crate) fn data_folder(home: Option<&PathBuf>) -> Result<PathBuf, Failure> {
    use etcetera::BaseStrategy;
    if let Some(home) = home {
        return Ok(home.clone());
    }
    let strategy = etcetera::choose_base_strategy().map_err(|error| {
        Failure::usage(format!("the user's data folder is not known: {error}"))
            .hint("name a folder for the runs: --runs-folder, or DOTWRAP_RUNS_FOLDER")
    })?;
    Ok(strategy.data_dir().join("dotwrap"))
}
