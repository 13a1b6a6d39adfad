//! The outcome of a run.

use std::path::PathBuf;

use dotwrap_wrapper::{CorrelationId, ProcessRunId, StoredStatus, Verdict};

/// The outcome of a run. The ledger has the record itself.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The run was executed and concluded.
    Concluded {
        /// The run.
        process_run_id: ProcessRunId,
        /// The correlation id of the run's records.
        correlation_id: CorrelationId,
        /// `completed`, `failed`, `cancelled` or `stuck`.
        status: StoredStatus,
        /// The verifier's verdict; None where it was not called or was stopped.
        verdict: Option<Verdict>,
        /// Where the cause of a failure is described.
        error_ref: Option<String>,
        /// The location of the run's files.
        folder: PathBuf,
    },
    /// The key was used before; no tool was called.
    Earlier {
        /// The run of the first call.
        process_run_id: ProcessRunId,
    },
}
