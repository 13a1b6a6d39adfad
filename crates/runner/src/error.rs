//! The one error type of this crate.

use std::{io, path::PathBuf};

use dotwrap_invoke::UnsupportedContract;
use dotwrap_wrapper::{DotCode, ProcessRunId};

/// Why a run was not executed, or could not be recorded to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The wrapper's: refused, unreachable and so on.
    #[error(transparent)]
    Wrapper(#[from] dotwrap_wrapper::Error),

    /// What the contract says can not be called. Nothing was written.
    #[error("{dot_code} can not be called: {reason}")]
    Unusable {
        /// The DOT.
        dot_code: DotCode,
        /// Why.
        reason: UnsupportedContract,
    },

    /// The contract needs an input, and none was given. Nothing was written.
    #[error("{dot_code} needs an input: its contract has a place for it")]
    InputMissing {
        /// The DOT.
        dot_code: DotCode,
    },

    /// The key was used with another input. Nothing was written or called.
    #[error("the idempotency key was used with another input, for the run {process_run_id}")]
    OtherInput {
        /// That run.
        process_run_id: ProcessRunId,
    },

    /// A gate or a contract changed while the run was being prepared. Nothing was called.
    #[error("the registry or the gates changed while the run was prepared; nothing was called")]
    RegistryChanged,

    /// The run's folder can not be made.
    #[error("the folder {path} for the run's files can not be used: {source}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// The run was called, and its record could not be brought to its end from here: its lease was lost, somebody else concluded
    /// it, or the database stayed away for too long. What was recorded stays; reaping says of the rest that it is unknown.
    #[error("the run {process_run_id} could not be concluded by the one that called it: {reason}")]
    NotConcluded {
        /// The run.
        process_run_id: ProcessRunId,
        /// The file with what could not be recorded, if it could be written.
        unrecorded: Option<PathBuf>,
        /// What was in the way.
        reason: Box<dotwrap_wrapper::Error>,
    },
}
