//! The programs that make and mend a cluster while no server runs on it.
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::cluster_dir::ClusterDir;
use crate::error::{AtPath, Error};
use crate::files;
use crate::lock::{Lock, LockTimeout, Mode};
use crate::nameless;

/// How long the program of a killed dotwrap is waited for. One of our own is waited for as long as it takes.
pub(crate) const ORPHAN_TIMEOUT: Duration = Duration::from_secs(60);

/// Where such programs write. One outlives a killed dotwrap by a moment, and goes on writing to the cluster; it
/// inherits the locked log as its output, so that its end can be waited for. The caller holds the turn.
pub(crate) fn log(home: &ClusterDir) -> Result<File, Error> {
    let wait_limit = LockTimeout::of(ORPHAN_TIMEOUT, "making");
    let log = Lock::wait(&home.building_log(), Mode::Exclusive, wait_limit)?.into_file();
    log.set_len(0).at("write", &home.building_log())?;
    Ok(log)
}

/// Runs SQL, a command a line, on a cluster that no server runs on. `binaries` is the folder of PostgreSQL's programs.
pub(crate) fn single_user(
    home: &ClusterDir,
    binaries: &Path,
    data: &Path,
    log: &File,
    commands: &str,
) -> Result<(), Error> {
    run(
        "postgres --single",
        nameless::named_command(home, &binaries.join("postgres"))?
            .args(["--single", "-D"])
            .arg(data)
            // A command that fails is not repeated in an error: it may hold what a password is checked by.
            .args([
                "-c",
                "exit_on_error=on",
                "-c",
                "log_min_error_statement=panic",
            ])
            .arg("postgres"),
        log,
        commands,
    )
}

/// Runs a program to its end; an error contains its output.
pub(crate) fn run(name: &str, command: &mut Command, log: &File, input: &str) -> Result<(), Error> {
    let failed = |status: String, output: &[u8]| Error::Program {
        program: name.to_owned(),
        status,
        output: files::last_lines(&String::from_utf8_lossy(output), 20),
    };
    let log = log
        .try_clone()
        .map_err(|error| failed(error.to_string(), b""))?;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(log)
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string(), b""))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends early does not read its input; its exit status is the error.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child
        .wait_with_output()
        .map_err(|error| failed(error.to_string(), b""))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(output.status.to_string(), &output.stderr))
}
