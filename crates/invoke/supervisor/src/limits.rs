//! What a tool may use.

use std::time::Duration;

use serde::{Deserialize, Serialize};

const MIB: u64 = 1024 * 1024;

/// The longest grace that a contract may ask for, in milliseconds.
const MAX_GRACE_MS: u64 = 60_000;

/// The longest grace where a tool has to end at once: behind a lost lease somebody else may have begun already, and an
/// operator may close a gate so.
const SHORT_GRACE: Duration = Duration::from_millis(300);

/// What a tool may use. What is left out is not limited, or has the default that is said.
///
/// The kernel counts memory, time and files for each process; `processes` counts all of the call's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Of its standard output; 256 MiB. Beyond it the call is stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stdout_bytes: Option<u64>,
    /// How much of its standard error is kept; 1 MiB. The rest is read, counted and dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stderr_bytes: Option<u64>,
    /// Of its output; 64 GiB. No file it writes may be longer, and at the end all of them together may not be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<u64>,
    /// Address space of each process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Processor time of each process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_seconds: Option<u64>,
    /// Processes that run at once; 1 at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<u64>,
    /// Open files of each process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_files: Option<u64>,
    /// How long it may take to end after SIGTERM, before SIGKILL; 2000, at most 60 000. At most 300 where the lease
    /// was lost, or a gate was closed with `--now`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_ms: Option<u64>,
}

impl Limits {
    /// Says what is wrong with them, the limit first. What a contract sets is what is in force, or it is refused.
    ///
    /// # Errors
    /// A limit that is beyond what it may be, or leaves nothing.
    pub fn check(&self) -> Result<(), String> {
        match self.grace_ms {
            Some(grace) if grace > MAX_GRACE_MS => Err(format!(
                "limits.grace_ms: {grace} is more than it may be, {MAX_GRACE_MS}"
            )),
            _ if self.processes == Some(0) => Err(
                "limits.processes: 0 leaves no process to the program itself; it is 1 at least"
                    .to_owned(),
            ),
            _ => Ok(()),
        }
    }

    /// See [`Limits::stdout_bytes`].
    pub fn stdout_bytes(&self) -> u64 {
        self.stdout_bytes.unwrap_or(256 * MIB)
    }

    /// See [`Limits::stderr_bytes`].
    pub fn stderr_bytes(&self) -> u64 {
        self.stderr_bytes.unwrap_or(MIB)
    }

    /// See [`Limits::output_bytes`].
    pub fn output_bytes(&self) -> u64 {
        self.output_bytes.unwrap_or(64 * 1024 * MIB)
    }

    /// See [`Limits::grace_ms`].
    pub fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms.unwrap_or(2000).min(MAX_GRACE_MS))
    }

    /// The grace of a tool that has to end at once.
    pub fn short_grace(&self) -> Duration {
        self.grace().min(SHORT_GRACE)
    }
}
