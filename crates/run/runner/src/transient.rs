//! The transient errors of the database.

use std::path::Path;

use dotwrap_invoke::Space;
use dotwrap_wrapper::Error;

/// SQLSTATE classes of the server's own problems: a standby, a full disk, a lock that was not available, a cancelled
/// statement, a system error.
const SERVER_TROUBLES: [&str; 5] = ["25006", "53", "55", "57", "58"];

/// `disk_full` and `io_error`.
const DISK_TROUBLES: [&str; 2] = ["53100", "58030"];

/// Whether a retry may succeed: the wrapper's transient errors, and problems of the server.
pub(crate) fn is_transient(error: &Error) -> bool {
    has_sqlstate(error, &SERVER_TROUBLES) || error.is_transient()
}

/// The cause, for people; where it is the disk, its free space. A run's files and an embedded server often share one.
pub(crate) fn described(error: &Error, runs: &Path) -> String {
    if !has_sqlstate(error, &DISK_TROUBLES) {
        return error.to_string();
    }
    match Space::at(runs) {
        Ok(space) => {
            format!("the database can not write to its disk: {error}; of the runs' folder, {space}")
        }
        Err(_) => format!("the database can not write to its disk: {error}"),
    }
}

fn has_sqlstate(error: &Error, beginnings: &[&str]) -> bool {
    match error {
        Error::Database { sqlstate, .. } => sqlstate.as_ref().is_some_and(|state| {
            beginnings
                .iter()
                .any(|beginning| state.starts_with(beginning))
        }),
        _ => false,
    }
}
