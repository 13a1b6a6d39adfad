//! The progress of a run, for its caller.

use std::{path::Path, time::Duration};

use dotwrap_invoke::{Answer, Digest, StopReason};
use dotwrap_wrapper::{ComponentRole, DotCode, ProcessRunId, StoredStatus, Verdict};
use jiff::Timestamp;

/// One completed step of a run, or what prevents it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Step<'a> {
    /// Another run holds the lease, and this one waits for it.
    WaitingForLease {
        /// The lease.
        lease: &'a str,
        /// Its holder.
        holder: &'a str,
        /// When it expires unless it is renewed.
        expires_at: Option<Timestamp>,
        /// The remaining time.
        at_most: Duration,
    },
    /// The header and the producer's receipt are committed.
    Begun {
        /// The run.
        process_run_id: ProcessRunId,
        /// The location of its files.
        folder: &'a Path,
    },
    /// A gate that the run depends on ends by its clock before the contracts' time limits do.
    ShortWindow {
        /// The gate.
        gate: &'a str,
        /// When it ends.
        ends_at: Timestamp,
        /// What both calls may take together.
        time_limit: Duration,
        /// Whether its end stops the run. Otherwise it only keeps new runs out.
        stops: bool,
    },
    /// A tool is about to be called.
    Calling {
        /// The member of the pair.
        role: ComponentRole,
        /// The DOT.
        dot_code: &'a DotCode,
    },
    /// The call is being stopped.
    Stopping {
        /// The reason.
        reason: StopReason,
    },
    /// The output of a call that ended is being read, for a while already. The time of this does not count as the
    /// tool's.
    Reading {
        /// The member of the pair.
        role: ComponentRole,
        /// How much was read so far, by all readings of the output.
        bytes: u64,
    },
    /// A call ended.
    Called {
        /// The member of the pair.
        role: ComponentRole,
        /// The result.
        answer: &'a Answer,
    },
    /// The producer's row and the verifier's receipt are committed.
    Produced {
        /// The location of the output, if any.
        output: Option<&'a Path>,
        /// The committed digest.
        digest: Option<Digest>,
    },
    /// Results cannot be recorded yet. The recording is repeated, for the given time at most.
    Waiting {
        /// The cause.
        why: &'a str,
        /// The remaining time.
        at_most: Duration,
    },
    /// The run is concluded.
    Concluded {
        /// The run.
        process_run_id: ProcessRunId,
        /// The status.
        status: StoredStatus,
        /// The verifier's verdict.
        verdict: Option<Verdict>,
    },
}

/// Receives the steps of a run. The run waits for each call to return.
pub trait Progress: Send + Sync {
    /// One step is done.
    fn step(&self, step: Step<'_>);
}

/// Ignores every step.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn step(&self, _: Step<'_>) {}
}
