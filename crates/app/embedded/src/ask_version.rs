//! Runs a `postgres` to get its version, and names the reason where it cannot be run.
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;

use crate::account::Account;
use crate::binaries::Version;

/// The time limit. A slow disk may need it for the first read.
const WAIT_LIMIT: Duration = Duration::from_secs(20);

/// The poll interval for its end.
const PAUSE: Duration = Duration::from_millis(5);

/// Runs the program as the server's account, which may have fewer permissions.
pub(crate) fn ask_version(postgres: &Path, account: &Account) -> Result<Version, String> {
    let mut command = account.command(postgres);
    command
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command
        .spawn()
        .map_err(|error| why_not_run(&error, postgres, account))?;
    let answer = wait(child)?;
    let text = String::from_utf8_lossy(&answer.stdout);
    if !answer.status.success() && is_foreign(postgres) {
        // A file that the kernel does not execute is passed to a shell, which fails.
        return Err(
            "`postgres` cannot be run: it is for another architecture, or damaged".to_owned(),
        );
    }
    Version::parse(&text).ok_or_else(|| {
        let said = String::from_utf8_lossy(&answer.stderr);
        let ended = match (answer.status.signal(), answer.status.success()) {
            (Some(signal), _) => format!("was ended by signal {signal} and "),
            (None, false) => format!("ends with {} and ", answer.status),
            (None, true) => String::new(),
        };
        // A missing library is named there.
        format!(
            "`postgres --version` {ended}says {:?} {:?}",
            text.trim(),
            said.trim()
        )
    })
}

/// Whether a file is a program for another machine than this program: the class, the byte order and the machine in
/// their ELF headers differ.
fn is_foreign(program: &Path) -> bool {
    let header = |path: &Path| -> io::Result<Vec<u8>> {
        let mut header = Vec::new();
        std::fs::File::open(path)?
            .take(20)
            .read_to_end(&mut header)?;
        Ok(header)
    };
    let own = std::env::current_exe().and_then(|own| header(&own));
    let (Ok(own), Ok(found)) = (own, header(program)) else {
        return false;
    };
    let kind = |header: &[u8]| {
        (
            header.get(4..6).map(<[u8]>::to_vec),
            header.get(18..20).map(<[u8]>::to_vec),
        )
    };
    found.starts_with(b"\x7fELF") && own.starts_with(b"\x7fELF") && kind(&own) != kind(&found)
}

/// Waits for its end, and kills it after the time limit.
fn wait(mut child: Child) -> Result<Output, String> {
    let begun = Instant::now();
    let failed = |error: io::Error| format!("`postgres --version` is not heard ({error})");
    let status = loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            break status;
        }
        if begun.elapsed() > WAIT_LIMIT {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!(
                "`postgres --version` gives no answer within {} s",
                WAIT_LIMIT.as_secs()
            ));
        }
        std::thread::sleep(PAUSE);
    };
    // Its answer fits into the pipes.
    let read = |pipe: Option<&mut dyn Read>| {
        let mut text = Vec::new();
        if let Some(pipe) = pipe {
            let _ = pipe.take(64 * 1024).read_to_end(&mut text);
        }
        text
    };
    Ok(Output {
        status,
        stdout: read(child.stdout.as_mut().map(|pipe| pipe as &mut dyn Read)),
        stderr: read(child.stderr.as_mut().map(|pipe| pipe as &mut dyn Read)),
    })
}

/// The meaning of the system's error, in the order in which it can be determined.
fn why_not_run(error: &io::Error, postgres: &Path, account: &Account) -> String {
    let mode = postgres
        .metadata()
        .map(|found| found.permissions().mode() & 0o7777);
    let code = error.raw_os_error().map(Errno::from_raw);
    let reason = match (code, mode) {
        (Some(Errno::EACCES), Ok(mode)) if mode & 0o111 == 0 => {
            format!("it is not executable, its mode is {mode:o}")
        }
        (Some(Errno::EACCES), _) if is_on_noexec_mount(postgres) => {
            "its file system is mounted with noexec".to_owned()
        }
        (Some(Errno::EACCES), _) => {
            format!("the account '{}' is not permitted to", account.name())
        }
        (Some(Errno::ENOEXEC), _) => {
            "it is no program of this system: another architecture, or a damaged file".to_owned()
        }
        (Some(Errno::ENOENT), Ok(_)) => {
            "the loader that it names is missing: it is for another system or C library".to_owned()
        }
        _ => format!("as the account '{}'", account.name()),
    };
    format!("`postgres` cannot be run: {reason} ({error})")
}

#[cfg(target_os = "linux")]
fn is_on_noexec_mount(path: &Path) -> bool {
    use nix::sys::statvfs::{FsFlags, statvfs};
    statvfs(path).is_ok_and(|found| found.flags().contains(FsFlags::ST_NOEXEC))
}

#[cfg(not(target_os = "linux"))]
fn is_on_noexec_mount(_: &Path) -> bool {
    false
}
