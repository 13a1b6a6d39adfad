//! What is started.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use dotwrap_invoke::{Deadline, Secrets};

use crate::{Limits, Sandbox};

/// How many bytes of a call's arguments its evidence has.
const MAX_ARGV_BYTES: usize = 8 << 10;

/// The arguments of a call, its program's own name first, as its evidence has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedArgv {
    /// An argument with a secret is hidden.
    pub argv: Vec<String>,
    /// Whether the last one was cut, or others left out: evidence is small.
    pub is_cut: bool,
}

/// What is started, and how.
#[derive(Clone, Debug)]
pub struct Program {
    /// The executable file, absolute.
    pub path: PathBuf,
    /// Its own name, as it will see it.
    pub arg0: String,
    /// Its arguments, without its name.
    pub arguments: Vec<String>,
    /// Its environment; nothing else gets in, but for a mark by which its processes are found.
    pub environment: BTreeMap<String, String>,
    /// Its working folder.
    pub folder: PathBuf,
    /// The file that takes its standard error. Must not be there yet.
    pub stderr: PathBuf,
    /// What it may use.
    pub limits: Limits,
    /// Where it may write.
    pub sandbox: Sandbox,
    /// Whether it is not to be started in an incomplete sandbox. Without effect where no sandbox is asked for.
    pub require_sandbox: bool,
    /// Whether it may gain rights by executing a program. Without effect in a sandbox.
    pub allow_setuid: bool,
    /// The names of processes that it may leave behind when it ends by itself.
    pub leave_running: Vec<String>,
    /// When it is ended, counted from its start.
    pub time_limit: Option<Duration>,
    /// Until when it has leave to go on, where somebody says so. It is ended then by its supervisor, even if the
    /// process that started it stands still and cannot tell it to stop.
    pub leave: Option<Deadline>,
}

impl Program {
    /// A program without arguments, environment or limits, that may write wherever its account may.
    pub fn new(path: impl Into<PathBuf>, folder: &Path, stderr: &Path) -> Self {
        let path = path.into();
        Self {
            arg0: path.to_string_lossy().into_owned(),
            path,
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            folder: folder.to_owned(),
            stderr: stderr.to_owned(),
            limits: Limits::default(),
            sandbox: Sandbox::Unrestricted,
            require_sandbox: false,
            allow_setuid: false,
            leave_running: Vec::new(),
            time_limit: None,
            leave: None,
        }
    }

    /// The arguments for the evidence. Secrets are looked for before anything is cut: half a secret is not found.
    pub fn recorded_argv(&self, secrets: &Secrets) -> RecordedArgv {
        let mut recorded = RecordedArgv {
            argv: Vec::new(),
            is_cut: false,
        };
        let mut left = MAX_ARGV_BYTES;
        for argument in [&self.arg0].into_iter().chain(&self.arguments) {
            let mut shown = secrets.hide(argument.clone());
            if shown.len() > left {
                shown.truncate(shown.floor_char_boundary(left));
                recorded.is_cut = true;
            }
            left -= shown.len();
            recorded.argv.push(shown);
            if recorded.is_cut || left == 0 {
                recorded.is_cut |= recorded.argv.len() <= self.arguments.len();
                break;
            }
        }
        recorded
    }
}

/// A tool's standard input.
#[derive(Debug)]
pub enum Stdin {
    /// Ends at once.
    Nothing,
    /// This file, by its absolute path. It is opened with the tool's rights and behind its sandbox, and must be a file
    /// that the kernel does not make up.
    File(PathBuf),
    /// What is written to [`SupervisedProcess::stdin`](crate::SupervisedProcess::stdin).
    Piped,
}
