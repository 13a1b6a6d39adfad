//! The supervisor: a small process between dotwrap and a tool that ends everything the tool has started.
//!
//! ```text
//! dotwrap ──control──► supervisor ──► launcher, which becomes the tool ──► whatever the tool starts
//! ```
//!
//! It is the program's own executable, started again. The kernel makes it the parent of every orphan below it (it is a
//! "child subreaper"), so that a daemon that forks twice and leaves its session is still its descendant, and "no child
//! is left" is the kernel's own answer to "has everything ended?". dotwrap dying, however it dies, closes the control
//! channel, and that is one more way to be told to stop.
//!
//! The launcher is a process of its own because limits and sandbox cannot be taken back: they must hold for the tool
//! and not for the supervisor, which the tool cannot even signal from inside the sandbox.

#[cfg(target_os = "linux")]
mod capabilities;
mod descendants;
mod descriptors;
mod hidden_paths;
#[cfg(target_os = "linux")]
mod landlock_support;
mod launch;
#[cfg(target_os = "linux")]
mod namespace;
mod protocol;
#[cfg(target_os = "linux")]
mod pseudo_files;
mod report;
mod resources;
mod restrict;
mod sandbox_probe;
mod stderr;
mod stdin;
#[cfg(target_os = "linux")]
mod system_calls;
mod watch;

use std::{
    ffi::OsStr,
    fs::File,
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};

pub(crate) use descendants::{Process, is_stopped, process_tree, processes};
pub(crate) use protocol::{
    DEADLINE, EXIT_NO_START_MESSAGE, Message, Refusal, STOP, SUPERVISE, StartMessage, clock,
};
pub use protocol::{Launch, NotStartedCode};
pub use report::{EndReason, LeftProcess, RemainingProcess, Report, Status, StderrKept, Usage};
pub(crate) use restrict::set_subreaper;
pub(crate) use sandbox_probe::sandbox_report;
pub(crate) use watch::this_executable;

/// Opens a file that a tool is given as its input, with the rights of this process.
///
/// # Errors
/// It cannot be opened, is no file, is made up by the kernel, or is one of the places that are kept from tools.
pub(crate) fn open_input(path: &Path, concealed: &[PathBuf]) -> io::Result<File> {
    stdin::open_input(path, &hidden_paths::Secrets::of(concealed))
}

/// Does the work of a supervisor, a launcher or a probe of the sandbox, if this process was started as one. Call it
/// first in `main`, before any thread is started.
///
/// Returns the exit status to end with, or nothing in a process that was started for anything else.
#[must_use]
pub fn run_as_helper_process() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let first = arguments.next()?;
    if first == OsStr::new(protocol::SUPERVISE) {
        return Some(watch::supervise());
    }
    if first == OsStr::new(protocol::LAUNCH) {
        return Some(launch::launch(arguments));
    }
    if first == OsStr::new(sandbox_probe::PROBE) {
        return Some(sandbox_probe::probe(arguments));
    }
    None
}
