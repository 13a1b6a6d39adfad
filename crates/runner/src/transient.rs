//! Which of the database's errors pass by themselves.

use std::path::Path;

use dotwrap_invoke::Space;
use dotwrap_wrapper::Error;

/// Beginnings of SQLSTATEs that pass with the server's own troubles: a standby that is not the primary yet, a full
/// disk, a lock that was not to be had, a statement that was cancelled, a failing system below.
const SERVER_TROUBLES: [&str; 5] = ["25006", "53", "55", "57", "58"];

/// `disk_full` and `io_error`.
const DISK_TROUBLES: [&str; 2] = ["53100", "58030"];

/// Whether trying again may help: beside what the wrapper knows of, where the server has troubles of its own.
pub(crate) fn is_transient(error: &Error) -> bool {
    has_sqlstate(error, &SERVER_TROUBLES) || error.is_transient()
}

/// What is in the way, for people: where the disk is, how much room there is. Runs' files and an embedded server's
/// are often on one.
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
