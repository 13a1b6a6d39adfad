//! What a supervisor says when nothing runs any more.

use std::fmt;

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

use crate::Limits;

/// What a shell adds to the number of the signal that ended its last command.
const SIGNAL_IN_A_SHELL: i32 = 128;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// By itself, with this exit status.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
}

/// Why the call came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The tool ended by itself.
    ToolEnded,
    /// It was told to stop.
    Told,
    /// Its time was over.
    Deadline,
    /// No renewal came in time: the runner stands still, or lost the run's lease.
    Lapsed,
    /// It ran more processes at once than it may.
    TooManyProcesses,
    /// Whoever had started it was gone. Nobody is left to read this.
    Abandoned,
    /// The supervisor was killed or halted, or did not answer. What it could have said is missing.
    SupervisorLost,
}

/// A process that was there when it should not have been.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemainingProcess {
    /// Its id.
    pub process: u32,
    /// The kernel's short name for it, which it may have chosen itself.
    pub name: String,
}

/// A process that the tool may leave behind, and that runs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftProcess {
    /// Its id.
    pub process: u32,
    /// The kernel's short name for it.
    pub name: String,
    /// When it was started, in the system's ticks since the machine was: ids are given again.
    pub started: u64,
}

/// What came on standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StderrKept {
    /// All of it.
    pub bytes: u64,
    /// As much of it as is in the file.
    pub kept_bytes: u64,
}

/// What the tool and its children used, as far as the kernel counted it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Processor time in their own code.
    pub user_ms: u64,
    /// Processor time in the kernel.
    pub system_ms: u64,
    /// The largest resident set of one of them.
    pub largest_resident_kib: u64,
}

/// What became of a tool and of everything that it had started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The tool's process id, which is also its group's and session's.
    pub process: u32,
    /// How it ended; nothing where nobody saw it.
    pub status: Option<Status>,
    /// Why the call came to its end.
    pub why: EndReason,
    /// Who was told to end, and how, in order.
    pub signals_sent: Vec<String>,
    /// Who was seen to end after that.
    pub ended: Vec<String>,
    /// What still ran when the tool had ended by itself. It was told to end as well.
    pub leftover: Vec<RemainingProcess>,
    /// What still ran after all that. Nothing should.
    pub survived: Vec<RemainingProcess>,
    /// What the tool may leave behind, and did.
    pub left_running: Vec<LeftProcess>,
    /// What did not hold to the end, each with its reason, beside what [`Launch`](super::Launch) says.
    pub not_enforced: Vec<String>,
    /// What came on standard error, as far as it was counted: not at all where the supervisor was lost.
    pub stderr: StderrKept,
    /// What was used; nothing where nobody measured it.
    pub usage: Option<Usage>,
    /// From the tool's start until nothing ran any more, in milliseconds.
    pub duration_ms: u64,
}

impl Report {
    /// The limits of the contract that ended the call, or that cut something off. A shell tells by its own exit status
    /// that a signal ended its last command.
    pub fn limits_reached(&self, limits: &Limits) -> impl Iterator<Item = &'static str> {
        let is_signal = |signal: Signal| match self.status {
            Some(Status::Signalled(number)) => number == signal as i32,
            Some(Status::Exited(status)) => status == SIGNAL_IN_A_SHELL + signal as i32,
            None => false,
        };
        [
            (self.stderr.bytes > self.stderr.kept_bytes).then_some("stderr_bytes"),
            (self.why == EndReason::Deadline).then_some("timeout_ms"),
            (self.why == EndReason::TooManyProcesses).then_some("processes"),
            is_signal(Signal::SIGXFSZ).then_some("output_bytes"),
            (limits.cpu_seconds.is_some() && is_signal(Signal::SIGXCPU)).then_some("cpu_seconds"),
        ]
        .into_iter()
        .flatten()
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(status) => write!(formatter, "with exit status {status}"),
            Self::Signalled(signal) => write!(formatter, "by signal {signal}"),
        }
    }
}

impl fmt::Display for RemainingProcess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "process {} ({})", self.process, self.name)
    }
}
