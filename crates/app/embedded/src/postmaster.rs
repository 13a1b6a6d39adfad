//! The contents of `postmaster.pid`, and the program file that the server was started from.
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::binaries::Binaries;
use crate::cluster_dir::ClusterDir;
use crate::error::{AtPath, Error};
use crate::files;
use crate::socket;

/// The lines of `postmaster.pid` that matter here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Postmaster {
    /// The process id of the server.
    pub(crate) pid: i32,
    /// The folder of its socket, once it has opened it.
    pub(crate) socket: Option<PathBuf>,
    /// Whether it reported that it accepts connections.
    pub(crate) is_ready: bool,
}

impl Postmaster {
    /// Reads the file; none where it is missing or not yet written.
    pub(crate) fn read(data: &Path) -> Option<Self> {
        let bytes = fs::read(pid_file(data)).ok()?;
        Self::parse(&bytes)
    }

    /// The server of the file, if its process lives and is not another one with a reused id.
    pub(crate) fn running(data: &Path) -> Option<Self> {
        let server = Self::read(data)?;
        let lives = server.process_exists() && server.works_in(data).unwrap_or(true);
        lives.then_some(server)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        let pid = std::str::from_utf8(lines.first()?).ok()?.trim();
        let socket = lines
            .get(4)
            .filter(|line| !line.is_empty())
            .map(|line| PathBuf::from(std::ffi::OsStr::from_bytes(line)));
        let status = lines.get(7).map(|line| line.trim_ascii());
        Some(Self {
            pid: pid.parse().ok().filter(|pid| *pid > 1)?,
            socket,
            is_ready: status == Some(b"ready"),
        })
    }

    /// Sends a signal; a missing process is no error.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Err(error) = kill(Pid::from_raw(self.pid), signal) {
            tracing::debug!(pid = self.pid, %signal, %error, "not signalled");
        }
    }

    fn process_exists(&self) -> bool {
        kill(Pid::from_raw(self.pid), None) != Err(Errno::ESRCH)
    }

    /// Whether the process has the data folder as its working folder, as a server does; None where the system cannot
    /// tell.
    fn works_in(&self, data: &Path) -> Option<bool> {
        if !Path::new("/proc/self/cwd").exists() {
            return None;
        }
        let folder = fs::read_link(format!("/proc/{}/cwd", self.pid));
        // The data folder may lie on another disk, with a link in its place.
        let data = data.canonicalize().unwrap_or_else(|_| data.to_owned());
        Some(folder.is_ok_and(|folder| folder == data))
    }
}

/// Whether the server's pid file exists: a server that stops regularly removes it.
pub(crate) fn left_its_file(home: &ClusterDir) -> bool {
    Postmaster::read(&home.data()).is_some()
}

/// Whether the server takes sessions, or did when it was killed.
pub(crate) fn said_ready(home: &ClusterDir) -> bool {
    Postmaster::read(&home.data()).is_some_and(|server| server.is_ready)
}

fn pid_file(data: &Path) -> PathBuf {
    data.join("postmaster.pid")
}

/// Removes the files of a killed server: `postmaster.pid` and its socket's lock file contain a process id that may have
/// been reused, or that is still a zombie. PostgreSQL takes that for a running server and refuses to start.
///
/// The caller holds the server's lock, so none of the cluster's servers lives. A manually started server is left alone.
pub(crate) fn remove_stale(home: &ClusterDir, socket_folder: &Path) -> Result<(), Error> {
    let data = home.data();
    if let Some(left) = Postmaster::read(&data)
        && left.works_in(&data) == Some(true)
    {
        return Err(Error::ForeignServer {
            pid: left.pid,
            path: data,
        });
    }
    let socket = socket::file(socket_folder);
    for file in [pid_file(&data), socket::lock_file(socket_folder), socket] {
        match fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error).at("remove", &file)?,
            _ => {}
        }
    }
    Ok(())
}

/// Records the program file that the server is started from.
pub(crate) fn note_program(home: &ClusterDir, binaries: &Path) -> Result<(), Error> {
    let program = binaries.join("postgres");
    let mut note = stamp(&program).into_bytes();
    note.push(b'\n');
    note.extend_from_slice(program.as_os_str().as_bytes());
    files::overwrite(&home.binaries_note(), &note)
}

/// Whether the program file that the running server was started from has been replaced or removed since.
pub(crate) fn program_was_replaced(home: &ClusterDir) -> bool {
    let Ok(note) = fs::read(home.binaries_note()) else {
        return false;
    };
    let mut parts = note.splitn(2, |byte| *byte == b'\n');
    let (Some(noted), Some(program)) = (parts.next(), parts.next()) else {
        return false;
    };
    stamp(Path::new(std::ffi::OsStr::from_bytes(program))).as_bytes() != noted
}

/// The attributes that change when a package manager replaces a file.
fn stamp(program: &Path) -> String {
    match program.metadata() {
        Ok(found) => format!(
            "{} {} {}.{}",
            found.ino(),
            found.len(),
            found.mtime(),
            found.mtime_nsec()
        ),
        Err(_) => "missing".to_owned(),
    }
}

/// The major version that wrote the data folder, or none where there is no data folder yet.
pub(crate) fn data_version(home: &ClusterDir) -> Result<Option<u32>, Error> {
    let data = home.data();
    if data.symlink_metadata().is_err() {
        return Ok(None);
    }
    let not_a_cluster = |problem: String| Error::NotACluster {
        path: data.clone(),
        problem,
        has_data: data.join("global/pg_control").symlink_metadata().is_ok(),
    };
    let version = data.join("PG_VERSION");
    let text = match fs::read_to_string(&version) {
        Ok(text) => text,
        // Closed, which says nothing of what it is.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return Err(Error::DataClosed {
                path: data,
                reason: error.to_string(),
            });
        }
        Err(error) => {
            let problem = format!("its PG_VERSION cannot be read ({error})");
            return Err(not_a_cluster(problem));
        }
    };
    match text.trim().parse() {
        Ok(major) => Ok(Some(major)),
        Err(_) => Err(not_a_cluster(format!("its PG_VERSION says {text:?}"))),
    }
}

/// Selects the programs that match the data: a newer PostgreSQL beside the old one must not prevent a start.
pub(crate) fn fitting(found: Vec<Binaries>, data: Option<u32>) -> Option<Binaries> {
    found
        .into_iter()
        .find(|binaries| data.is_none_or(|major| binaries.version().major == major))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_written_pid_file_names_no_server() {
        assert_eq!(Postmaster::parse(b""), None);
        assert_eq!(Postmaster::parse(b"\n/data\n"), None);
    }

    #[test]
    fn the_socket_folder_of_a_running_server_is_read() {
        let file = b"4711\n/data\n1763820000\n5432\n/tmp/a b\n\n  5432001 7\nready   \n";
        let server = Postmaster::parse(file).unwrap();
        assert_eq!(server.pid, 4711);
        assert!(server.is_ready);
        assert_eq!(server.socket.as_deref(), Some(Path::new("/tmp/a b")));
    }
}
