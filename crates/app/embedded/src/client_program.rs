//! `pg_dump` and `pg_restore`. They lie beside the server's programs, or anywhere else that PostgreSQL is installed: a
//! distribution may have them in a package of their own.
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::account::Account;
use crate::ask_version::ask_version;
use crate::binaries::{Binaries, installed};
use crate::error::Error;
use crate::{fetch, files};

/// One of PostgreSQL's client programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientProgram {
    Dump,
    Restore,
}

impl ClientProgram {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Dump => "pg_dump",
            Self::Restore => "pg_restore",
        }
    }

    /// The program: beside the server's own, else the first one that is installed with this major version or a newer
    /// one. An older `pg_dump` refuses a newer server.
    ///
    /// # Errors
    /// [`Error::NoClientProgram`] says what to install.
    pub(crate) fn find(self, binaries: &Binaries) -> Result<PathBuf, Error> {
        let others = installed();
        self.find_among(&others, binaries)
    }

    fn find_among(self, others: &[PathBuf], binaries: &Binaries) -> Result<PathBuf, Error> {
        let major = binaries.version().major;
        let folders = std::iter::once(binaries.folder()).chain(others.iter().map(PathBuf::as_path));
        let mut programs = folders.map(|folder| folder.join(self.name()));
        let serves = |program: &PathBuf| {
            let found = program
                .is_file()
                .then(|| ask_version(program, &Account::Mine).ok());
            found.flatten().is_some_and(|found| found.major >= major)
        };
        programs.find(serves).ok_or_else(|| Error::NoClientProgram {
            program: self.name(),
            folder: binaries.folder().to_owned(),
            major,
            advice: fetch::advice(Some(major)),
        })
    }
}

/// The program as a command of this account. Of this program's environment it has what finds libraries, and the home
/// folder, where libpq looks for certificates.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Account::Mine.command(program);
    command.envs(std::env::var_os("HOME").map(|home| ("HOME", home)));
    command.stdin(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Runs it to its end. An error contains what it said.
pub(crate) fn run(name: &str, command: &mut Command) -> Result<Vec<u8>, Error> {
    let failed = |status: String, output: &[u8]| Error::Program {
        program: name.to_owned(),
        status,
        output: files::last_lines(&String::from_utf8_lossy(output), 20),
    };
    let output = command
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .map_err(|error| failed(error.to_string(), b""))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(failed(output.status.to_string(), &output.stderr))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::binaries::Version;

    /// A folder with a `pg_dump` of this version.
    fn with_dump(version: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("pg_dump");
        let script = format!("#!/bin/sh\necho 'pg_dump (PostgreSQL) {version}'\n");
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        folder
    }

    fn server(folder: &Path) -> Binaries {
        let version = Version {
            major: 18,
            minor: 1,
        };
        Binaries::of(folder.to_owned(), version)
    }

    #[test]
    fn the_dump_program_beside_the_server_is_preferred_and_an_older_one_is_not_used() {
        let (bare, older) = (tempfile::tempdir().unwrap(), with_dump("17.9"));
        let (same, newer) = (with_dump("18.0"), with_dump("19beta1"));
        let folder = |folder: &tempfile::TempDir| folder.path().to_owned();
        let others = [folder(&older), folder(&newer)];
        let find =
            |own: &Path, others: &[PathBuf]| ClientProgram::Dump.find_among(others, &server(own));
        assert_eq!(
            find(same.path(), &others).unwrap(),
            same.path().join("pg_dump")
        );
        assert_eq!(
            find(bare.path(), &others).unwrap(),
            newer.path().join("pg_dump")
        );
        let missing = find(bare.path(), &others[..1]).unwrap_err().to_string();
        assert!(
            missing.contains("no pg_dump of PostgreSQL 18") && missing.contains("nstall"),
            "{missing}"
        );
    }
}
