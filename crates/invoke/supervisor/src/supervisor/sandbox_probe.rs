//! A process that restricts itself as a launcher does, reports how far that went, and ends.
//!
//! Only trying tells: a kernel may have Landlock and refuse namespaces, or a container's filter may refuse one call of
//! several.

use std::{
    ffi::OsString,
    io::{self, Read},
    os::{fd::AsFd, unix::process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};

use super::restrict;
use crate::{Sandbox, SandboxReport};

/// The first argument that makes the executable a probe of the sandbox.
pub(super) const PROBE: &str = "__sandbox-probe";

/// How long the probe may take.
const WAIT_LIMIT: Duration = Duration::from_secs(10);

/// What the probe prints: the report, or why a launcher would start no tool.
type Answer = Result<SandboxReport, String>;

/// Does the probe's work. Arguments: the hidden paths.
pub(super) fn probe(concealed: impl Iterator<Item = OsString>) -> ExitCode {
    let concealed: Vec<PathBuf> = concealed.map(PathBuf::from).collect();
    // As the launcher does: without `no_new_privs`, an ordinary account may install no filter.
    let _seen_by_its_effect = restrict::tie_to_supervisor(false);
    let report = restrict::apply(&Sandbox::WritesBelow(Vec::new()), &concealed);
    let answer: Answer = report.map_err(|error| error.to_string());
    match serde_json::to_writer(io::stdout(), &answer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_nobody_reads) => ExitCode::FAILURE,
    }
}

/// Runs a probe of this executable and returns its report.
///
/// # Errors
/// Why a launcher would start no tool in a sandbox, or why this could not be tried.
pub(crate) fn sandbox_report(executable: &Path, concealed: &[PathBuf]) -> Answer {
    let failed = |error: io::Error| format!("the sandbox cannot be tried: {error}");
    let mut probe = Command::new(executable)
        .arg0("dotwrap-sandbox-probe")
        .arg(PROBE)
        .args(concealed)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let printed = probe.stdout.take().map(read_all);
    // It has printed everything, or takes too long.
    let _has_ended = probe.kill();
    let status = probe.wait().map_err(failed)?;
    let text = printed.transpose().map_err(failed)?.unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_else(|_no_answer| {
        Err(format!(
            "the sandbox cannot be tried: its probe ended without an answer ({status})"
        ))
    })
}

/// What the probe prints until its end, within the time limit.
fn read_all(mut output: impl Read + AsFd) -> io::Result<Vec<u8>> {
    let began = Instant::now();
    let mut text = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let left = WAIT_LIMIT.saturating_sub(began.elapsed());
        let limit = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        let mut waiting = [PollFd::new(output.as_fd(), PollFlags::POLLIN)];
        match poll(&mut waiting, limit) {
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => {}
            // A signal: what is waited for has not changed.
            Err(Errno::EINTR) => continue,
            Err(error) => return Err(error.into()),
        }
        match output.read(&mut piece)? {
            0 => return Ok(text),
            count => text.extend_from_slice(&piece[..count]),
        }
    }
}
