//! What the supervisor is told and what it tells on its control channel: the order as JSON behind its length (4 bytes,
//! big-endian), then lines of JSON and of text.

use std::{collections::BTreeMap, ffi::OsString, io, path::PathBuf, time::Duration};

use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::Report;
use crate::{Limits, Sandbox, SandboxReport, cgroup::Cgroup};

/// The first argument that makes the executable a supervisor.
pub(crate) const SUPERVISE: &str = "__command-supervisor";

/// The first argument that makes it a launcher, which becomes the tool.
pub(crate) const LAUNCH: &str = "__command-launcher";

/// What is said to a running supervisor, a line: the word alone, or with the longest grace in milliseconds. Saying
/// nothing more at all, by ending, means the word alone.
pub(crate) const STOP: &str = "stop";

/// What is said to a running supervisor, a line: the word, and until when the tool has leave to go on, in milliseconds
/// of [`clock`].
pub(crate) const DEADLINE: &str = "leave";

/// The exit status of a supervisor that was told nothing that it could do.
pub(crate) const EXIT_NO_START_MESSAGE: u8 = 2;

/// A clock that all processes read alike and that goes on while the machine sleeps, as the lease's does.
pub(crate) fn clock() -> Duration {
    #[cfg(target_os = "linux")]
    const CLOCK: ClockId = ClockId::CLOCK_BOOTTIME;
    #[cfg(not(target_os = "linux"))]
    const CLOCK: ClockId = ClockId::CLOCK_MONOTONIC;
    clock_gettime(CLOCK).map(Duration::from).unwrap_or_default()
}

/// The order to a supervisor: the first thing that it is told.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StartMessage {
    pub(crate) program: PathBuf,
    pub(crate) arg0: String,
    pub(crate) arguments: Vec<String>,
    /// The whole of it. It goes this way and not as arguments, which everybody can read.
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) folder: PathBuf,
    pub(crate) stderr: PathBuf,
    pub(crate) limits: Limits,
    pub(crate) sandbox: Sandbox,
    /// Not as paths, which have to be text here: these are any that somebody configured.
    pub(crate) concealed: Vec<OsString>,
    /// Whether it is not to be started without a complete sandbox.
    pub(crate) require_sandbox: bool,
    /// Whether it may gain rights by executing a program.
    pub(crate) allow_setuid: bool,
    /// The names of processes that it may leave behind.
    pub(crate) leave_running: Vec<String>,
    /// The file that is its standard input, absolute, where this is a file.
    pub(crate) stdin: Option<OsString>,
    /// The control group to make for it, if there can be one.
    pub(crate) cgroup: Option<Cgroup>,
    pub(crate) time_limit_ms: Option<u64>,
    /// As [`DEADLINE`] says it.
    pub(crate) leave_until_ms: Option<u64>,
}

/// What a supervisor says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Message {
    /// The tool runs.
    Started { process: u32, launch: Launch },
    /// It never did.
    NotStarted(Refusal),
    /// Nothing runs any more, as far as could be had.
    Ended(Report),
}

/// What kept a tool from being started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotStartedCode {
    /// Its program, its folder, or the system's limits.
    Other,
    /// What was to be its standard input.
    Stdin,
    /// The sandbox, or the want of one.
    Sandbox,
}

impl NotStartedCode {
    /// The stable word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Other => "not_started",
            Self::Stdin => "stdin_unusable",
            Self::Sandbox => "sandbox_unavailable",
        }
    }
}

/// That a tool was not started, and why.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) code: NotStartedCode,
    pub(crate) why: String,
}

impl Refusal {
    pub(crate) fn new(code: NotStartedCode, why: impl ToString) -> Self {
        Self {
            code,
            why: why.to_string(),
        }
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::new(NotStartedCode::Other, error)
    }
}

/// What the launcher is told, as its second argument.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LaunchMessage {
    /// The descriptor on which it says how far it got.
    pub(crate) status: i32,
    /// The descriptor from which it reads the tool's environment, as JSON. Not as its own: a variable such as
    /// `LD_PRELOAD` would be obeyed before there is a sandbox; and not as an argument, which everybody can read.
    pub(crate) environment: i32,
    pub(crate) supervisor: u32,
    /// The control group to go into.
    pub(crate) cgroup: Option<Cgroup>,
    pub(crate) limits: Limits,
    pub(crate) sandbox: Sandbox,
    /// What it cannot read in a sandbox.
    pub(crate) concealed: Vec<OsString>,
    pub(crate) require_sandbox: bool,
    pub(crate) allow_setuid: bool,
    pub(crate) stdin: Option<OsString>,
}

/// What was set up before the tool's first instruction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// How far the sandbox holds.
    pub sandbox: SandboxReport,
    /// Limits and protections that could not be had, each with its reason.
    pub not_enforced: Vec<String>,
}

impl Launch {
    /// Of a tool whose supervisor was lost before it could tell.
    pub(crate) fn unknown() -> Self {
        let why = "not known: the supervisor was lost before it could say";
        Self {
            sandbox: SandboxReport::not_enforced(why),
            not_enforced: vec![why.to_owned()],
        }
    }
}
