//! The path of an output that a contract names, before anything is written.

use std::path::PathBuf;

use dotwrap_invoke::{OutputPathRequest, UnsupportedContract};
use dotwrap_wrapper::{ComponentRole, ProcessRunId};
use jiff::Timestamp;

use super::RunOptions;
use crate::{Error, Prepared, RunsDir, folder::RunFolder};

/// Resolves the path; none where the contract names none.
///
/// The clock is this machine's: the database's is known only once the run has begun, and by then a path that is taken
/// could not be refused any more without a trace.
pub(super) fn output_path(
    prepared: &Prepared,
    order: &RunOptions,
    process_run_id: ProcessRunId,
    folder: &RunFolder,
    folders: &RunsDir,
) -> Result<Option<PathBuf>, Error> {
    let producer = &prepared.producer;
    let request = OutputPathRequest {
        mode: prepared.mode,
        candidate: &prepared.candidate,
        process_run_id,
        input_ref: order.input(),
        folder: &folder.of_call(ComponentRole::Producer),
        at: Timestamp::now(),
    };
    let path = producer.invoker.output_path(&producer.contract, &request);
    let path = path.and_then(|path| match path {
        Some(path) if prepared.mode.may_mutate() => outside(path, folders).map(Some),
        path => Ok(path),
    });
    path.map_err(|reason| Error::Unusable {
        dot_code: producer.dot_code.clone(),
        reason,
    })
}

/// What lies among the runs' files is removed with them.
fn outside(path: PathBuf, folders: &RunsDir) -> Result<PathBuf, UnsupportedContract> {
    let root = folders.root().canonicalize();
    match root.is_ok_and(|root| path.starts_with(root)) {
        true => Err(UnsupportedContract::new(
            "output_path_invalid",
            format!(
                "the output's path {} is in the runs' folder, whose files `dotwrap runs prune` removes",
                path.display()
            ),
        )),
        false => Ok(path),
    }
}
