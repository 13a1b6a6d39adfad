//! What came of an order.

use std::path::PathBuf;

use dotwrap_wrapper::{CorrelationId, ProcessRunId, StoredStatus, Verdict};

/// What came of an order. The record itself is in the ledger.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The run was executed and concluded.
    Concluded {
        /// The run.
        process_run_id: ProcessRunId,
        /// What joins everything of it.
        correlation_id: CorrelationId,
        /// `completed`, `failed`, `cancelled` or `stuck`.
        status: StoredStatus,
        /// What the verifier said; none: it was not called, or stopped.
        verdict: Option<Verdict>,
        /// Where to look for what went wrong.
        error_ref: Option<String>,
        /// Where its files are.
        folder: PathBuf,
    },
    /// The key was used before; nothing was called.
    Earlier {
        /// That call's run.
        process_run_id: ProcessRunId,
    },
}
