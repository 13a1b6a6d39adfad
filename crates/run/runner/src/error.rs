//! The one error type of this crate.

use std::{io, path::PathBuf};

use dotwrap_invoke::{Space, UnsupportedContract};
use dotwrap_wrapper::{DotCode, ProcessRunId};

/// Why a run was not executed, or was not recorded completely.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The wrapper's error: refused, unreachable and so on.
    #[error(transparent)]
    Wrapper(#[from] dotwrap_wrapper::Error),

    /// The contract cannot be called. Nothing was written.
    #[error("{dot_code} cannot be called: {reason}")]
    Unusable {
        /// The DOT.
        dot_code: DotCode,
        /// The reason.
        reason: UnsupportedContract,
    },

    /// The contract needs an input, and there is none. Nothing was written.
    #[error("{dot_code} needs an input: its contract has a place for it")]
    InputMissing {
        /// The DOT.
        dot_code: DotCode,
    },

    /// The input of a request is not on this machine, and its contract requires labels: another worker has it. Nothing
    /// was written.
    #[error("the input {path} is not on this machine")]
    InputNotHere {
        /// The input.
        path: PathBuf,
    },

    /// The key was used with another input. Nothing was written or called.
    #[error("the idempotency key was used with another input, for the run {process_run_id}")]
    OtherInput {
        /// The first run.
        process_run_id: ProcessRunId,
    },

    /// A gate or a contract changed while the run was being prepared. Nothing was called.
    #[error("the registry or the gates changed while the run was prepared; nothing was called")]
    RegistryChanged,

    /// The run's folder cannot be created.
    #[error("the folder {path} for the run's files cannot be used: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },

    /// The disk of the runs' folder has less space left than is to stay free. Nothing was written.
    #[error(
        "no run is begun: {space}, and {} MiB are to stay free for its files and its record", needed >> 20
    )]
    DiskFull {
        /// What is left, and where.
        space: Box<Space>,
        /// How many bytes are to stay free.
        needed: u64,
    },

    /// The tool was called, and the run could not be concluded: its lease was lost, another process concluded it, or
    /// the database was unreachable for too long. Recorded rows stay; reaping records the rest as unknown.
    #[error("the run {process_run_id} could not be concluded by the one that called it: {reason}")]
    NotConcluded {
        /// The run.
        process_run_id: ProcessRunId,
        /// The file with the unrecorded results, if it could be written.
        unrecorded: Option<PathBuf>,
        /// The cause.
        reason: Box<dotwrap_wrapper::Error>,
    },
}
