//! What a failed recording is reported as.

use std::path::Path;

use dotwrap_invoke::Space;
use dotwrap_wrapper::Error;

/// The cause, for people; where it is the disk, its free space. A run's files and an embedded server often share one.
pub(crate) fn described(error: &Error, runs: &Path) -> String {
    if !error.is_of_disk() {
        return error.to_string();
    }
    match Space::at(runs) {
        Ok(space) => {
            format!("the database cannot write to its disk: {error}; of the runs' folder, {space}")
        }
        Err(_) => format!("the database cannot write to its disk: {error}"),
    }
}
