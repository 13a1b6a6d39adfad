//! What is known of a cluster without starting it, and stopping it now.
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::ask_version::ask_version;
use crate::binaries::Version;
use crate::cluster_dir::ClusterDir;
use crate::error::{AtPath, Error};
use crate::lock::{Lock, Mode};
use crate::moved::{self, Moved};
use crate::postmaster::{self, Postmaster};
use crate::socket::{self, PORT};
use crate::users::{ServerUser, users};
use crate::{Embedded, daemon, lock_startup};

/// A cluster as it is found. Nothing was created, started or corrected for it.
#[derive(Clone, Debug)]
pub struct ClusterStatus {
    /// The cluster's folder, which need not exist.
    pub folder: PathBuf,
    /// Whether there is a cluster.
    pub exists: bool,
    /// The major version of PostgreSQL that wrote the data.
    pub major: Option<u32>,
    /// The program that the server was last started from.
    pub program: Option<PathBuf>,
    /// The version of that program; none where it does not run any more.
    pub version: Option<Version>,
    /// Whether any process of a server lives.
    pub is_running: bool,
    /// The server's process, where it can be seen from here.
    pub pid: Option<i32>,
    /// The folder of the running server's socket, else where it would be.
    pub socket: PathBuf,
    /// The port that names the socket. No TCP port is opened.
    pub port: u16,
    /// The space that the folder takes, in bytes.
    pub bytes: u64,
    /// The processes that use the server; none where the system does not say.
    pub users: Option<Vec<ServerUser>>,
    /// Where the ledger was moved to, if it was.
    pub moved: Option<Moved>,
}

/// What [`Embedded::stop`] found and did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopOutcome {
    /// There is no cluster.
    NoCluster,
    /// No server was running.
    NotRunning,
    /// The server was stopped.
    Stopped,
}

impl Embedded {
    /// Examines the cluster. Changes nothing.
    ///
    /// # Errors
    /// [`Error::File`] where the folder cannot be read.
    pub fn status(&self) -> Result<ClusterStatus, Error> {
        let folder = std::path::absolute(&self.folder).at("find", &self.folder)?;
        let folder = folder.canonicalize().unwrap_or(folder);
        let account = Account::choose(&folder, &folder.join("data")).unwrap_or(Account::Mine);
        let home = ClusterDir::prepared(folder, account);
        let program = started_from(&home);
        let is_running = home.server_lock().exists() && Lock::is_held(&home.server_lock())?;
        let server = Postmaster::running(&home.data()).filter(|_| is_running);
        Ok(ClusterStatus {
            exists: home.data().symlink_metadata().is_ok(),
            major: postmaster::data_version(&home)?,
            version: program
                .as_deref()
                .and_then(|program| ask_version(program, home.account()).ok()),
            program,
            is_running,
            pid: server.as_ref().map(|server| server.pid),
            socket: server
                .and_then(|server| server.socket)
                .unwrap_or_else(|| socket::folder(&home)),
            port: PORT,
            bytes: space_taken(home.folder()),
            users: users(&home),
            moved: moved::read(&home),
            folder: home.folder().to_owned(),
        })
    }

    /// Where the ledger was moved to, if it was.
    #[must_use]
    pub fn moved(&self) -> Option<Moved> {
        moved::read(&ClusterDir::prepared(self.folder.clone(), Account::Mine))
    }

    /// Stops the server now, and returns when it is down. It stays down until the next use, which starts it again.
    ///
    /// Where other processes use it, it is left alone unless `force` is set. Their statements are then broken off, and
    /// they find no server until another process starts it.
    ///
    /// # Errors
    /// [`Error::InUse`] names those who use it; [`Error::NotStopped`], [`Error::RunsElsewhere`].
    pub async fn stop(&self, force: bool) -> Result<StopOutcome, Error> {
        if !self.folder.join("data").exists() {
            return Ok(StopOutcome::NoCluster);
        }
        let home = ClusterDir::prepare(&self.folder)?;
        // Nobody starts it meanwhile.
        let _startup = lock_startup(&home).await?;
        if !Lock::is_held(&home.server_lock())? {
            return Ok(StopOutcome::NotRunning);
        }
        let alone = Lock::try_take(&home.users_lock(), Mode::Exclusive)?;
        if alone.is_none() && !force {
            return Err(in_use(&home));
        }
        if Postmaster::running(&home.data()).is_none()
            && let Some(server) = Postmaster::read(&home.data())
        {
            return Err(Error::RunsElsewhere {
                lock: home.server_lock(),
                pid: server.pid,
            });
        }
        let stopping = tokio::task::spawn_blocking(move || daemon::stop(&home)).await;
        stopping.map_err(|error| Error::Program {
            program: "stopping the server".to_owned(),
            status: error.to_string(),
            output: String::new(),
        })??;
        Ok(StopOutcome::Stopped)
    }
}

/// Others use the server of this cluster.
pub(crate) fn in_use(home: &ClusterDir) -> Error {
    Error::InUse {
        users: users(home).unwrap_or_default(),
    }
}

/// The program that the server was started from, as it was noted.
fn started_from(home: &ClusterDir) -> Option<PathBuf> {
    let note = fs::read(home.binaries_note()).ok()?;
    let program = note.splitn(2, |byte| *byte == b'\n').nth(1)?;
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(program)))
}

/// The blocks that a folder and everything in it take, in bytes. What cannot be read counts nothing.
fn space_taken(path: &Path) -> u64 {
    const BLOCK: u64 = 512;
    let Ok(found) = path.symlink_metadata() else {
        return 0;
    };
    let entries = found.is_dir().then(|| fs::read_dir(path).ok()).flatten();
    let below = entries.into_iter().flatten().flatten();
    found.blocks() * BLOCK + below.map(|entry| space_taken(&entry.path())).sum::<u64>()
}
