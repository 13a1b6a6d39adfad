//! What whoever started a run can watch.

use std::{path::Path, time::Duration};

use dotwrap_invoke::{Answer, Digest, StopReason};
use dotwrap_wrapper::{ComponentRole, DotCode, ProcessRunId, StoredStatus, Verdict};

/// One step of a run, told when it is done, or what keeps it from being done.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Step<'a> {
    /// The header and the producer's receipt are committed.
    Begun {
        /// The run.
        process_run_id: ProcessRunId,
        /// Where its files are.
        folder: &'a Path,
    },
    /// A tool is about to be called.
    Calling {
        /// Which part of the pair.
        role: ComponentRole,
        /// Which DOT.
        dot_code: &'a DotCode,
    },
    /// Something told the call to stop.
    Stopping {
        /// What.
        reason: StopReason,
    },
    /// A tool's call is over.
    Called {
        /// Which part of the pair.
        role: ComponentRole,
        /// What became of it.
        answer: &'a Answer,
    },
    /// The producer's row and the verifier's receipt are committed.
    Produced {
        /// Where the output is, if there is one.
        output: Option<&'a Path>,
        /// Its digest, as committed.
        digest: Option<Digest>,
    },
    /// What is known can not be recorded yet. It is tried again, for so long at most.
    Waiting {
        /// What is in the way.
        why: &'a str,
        /// How much longer.
        at_most: Duration,
    },
    /// The run is concluded.
    Concluded {
        /// The run.
        process_run_id: ProcessRunId,
        /// How.
        status: StoredStatus,
        /// What the verifier said.
        verdict: Option<Verdict>,
    },
}

/// Is told the steps of a run as they are done. A run waits for it to return.
pub trait Progress: Send + Sync {
    /// One step is done.
    fn step(&self, step: Step<'_>);
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn step(&self, _: Step<'_>) {}
}
