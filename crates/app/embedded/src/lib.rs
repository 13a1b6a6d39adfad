//! The embedded default: a private PostgreSQL cluster that `dotwrap` runs when no database is configured.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let cluster = dotwrap_embedded::Embedded::from_environment()?.start().await?;
//! let (client, connection) = cluster.config().connect(tokio_postgres::NoTls).await?;
//! # tokio::spawn(connection);
//! client.batch_execute("SELECT 1").await?;
//! # Ok(()) }
//! ```
//!
//! The server runs as a separate process, and all programs that use the same folder share it. A *keeper* process stops
//! it some seconds after the last of them ended, also after a kill (see [`run_if_asked`], which the program's
//! `main` must call first). The server listens on a Unix socket in a folder that only its account can enter, and on no
//! TCP port. It requires passwords, which are in a file beside the socket.
//!
//! | environment | |
//! | --- | --- |
//! | `DOTWRAP_HOME` | the folder for dotwrap's data, instead of the user's data folder |
//! | `DOTWRAP_PG_BIN` | the folder with `postgres` and `initdb`, instead of looking for the newest |

mod account;
mod acl;
mod ask_version;
mod auth;
mod binaries;
mod client_program;
mod cluster;
mod cluster_dir;
mod daemon;
mod desk;
mod dump;
mod entry;
mod error;
mod fetch;
mod files;
mod handover;
mod initialise;
mod known_versions;
mod lock;
mod modes;
mod moved;
mod nameless;
mod postmaster;
mod probe;
mod reserve;
mod restart;
mod silent;
mod single_user;
mod socket;
mod start;
mod status;
mod users;

use std::path::PathBuf;
use std::pin::pin;
use std::time::{Duration, Instant};

use nix::unistd::Uid;

pub use binaries::{Binaries, OLDEST_MAJOR, PassedOver, Version};
pub use cluster::{Cluster, Origin};
pub use cluster_dir::{default_folder, password_file};
pub use daemon::run_if_asked;
pub use dump::DumpFormat;
pub use error::Error;
pub use handover::{GateAnswer, GateChange};
pub use moved::Moved;
pub use status::{ClusterStatus, StopOutcome};
pub use users::ServerUser;

use binaries::{Found, Search};
use cluster_dir::ClusterDir;
use known_versions::KnownVersions;
use lock::{Lock, LockTimeout, Mode};

/// The plain role that owns the product's database.
pub const OWNER: &str = "dotwrap";

/// The product's database.
pub const DATABASE: &str = "dotwrap";

/// The cluster's superuser. The product does not use it.
pub const SUPERUSER: &str = "postgres";

/// The operators' account: the owner's privileges, and reserved connections where the owner has none left.
pub const RESERVE: &str = "dotwrap_reserve";

/// How long a server runs after its last user by default, so that the next command of a script needs no start.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a process waits for another process that holds the start lock, which may do all of this.
const STARTUP_LOCK_TIMEOUT: Duration = fetch::DOWNLOAD_TIMEOUT
    .saturating_add(initialise::INIT_TIMEOUT)
    .saturating_add(start::STOPPING)
    .saturating_add(start::STARTING);

/// How long a new keeper process may take to become ready.
const KEEPER_BEGINS: Duration = Duration::from_secs(5);

/// A wait for the start lock that is longer than this is reported.
const NOTICE_AFTER: Duration = Duration::from_secs(5);

/// The settings of the embedded cluster.
#[derive(Clone, Debug)]
pub struct Embedded {
    folder: PathBuf,
    search: Search,
    linger: Duration,
    settings: Vec<(String, String)>,
}

impl Embedded {
    /// The current user's cluster, in [`default_folder`].
    ///
    /// # Errors
    /// [`Error::NoHome`] where the user has no home folder.
    pub fn from_environment() -> Result<Self, Error> {
        Ok(Self::in_folder(default_folder()?))
    }

    /// A cluster in the given folder.
    #[must_use]
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            search: Search::AsConfigured,
            linger: IDLE_TIMEOUT,
            settings: Vec::new(),
        }
    }

    /// The folder of the cluster.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// Uses the programs in this folder. Overrides the environment.
    #[must_use]
    pub fn with_binaries(mut self, folder: impl Into<PathBuf>) -> Self {
        self.search = Search::Only(folder.into());
        self
    }

    /// Searches these folders for the programs, instead of `PATH` and the distribution's folders. Downloads them where
    /// none contains any.
    #[must_use]
    pub fn with_binaries_among(mut self, folders: Vec<PathBuf>) -> Self {
        self.search = Search::Among(folders);
        self
    }

    /// Sets how long the server runs after its last user.
    #[must_use]
    pub fn with_idle_timeout(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    /// Starts the server with this setting. A running server keeps its own.
    #[must_use]
    pub fn with_setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Creates the cluster and starts its server where necessary, and waits until the server answers.
    ///
    /// # Errors
    /// Each error names a remedy.
    pub async fn start(self) -> Result<Cluster, Error> {
        let home = ClusterDir::prepare(&self.folder)?;
        // Root gives folders to the server's account through their descriptors. Other accounts need /proc to start a
        // server, and none to join one.
        if Uid::effective().is_root() || !Lock::is_held(&home.server_lock())? {
            error::require_proc()?;
        }
        let turn = lock_startup(&home).await?;
        let binaries = self.find_binaries(&home).await?;
        let created = initialise_if_new(&home, &binaries).await?;
        let running = start::attach_or_start(&self.order(&home, &binaries)?).await?;
        drop(turn);
        Ok(Cluster {
            home,
            socket: running.socket,
            passwords: running.passwords,
            binaries,
            origin: if created {
                Origin::Created
            } else {
                running.origin
            },
            use_of_it: running.use_of_it,
            embedded: self,
            restarting: None,
        })
    }

    /// Starts the server and a keeper if that is still due when this process has the start lock. Returns whether it
    /// did.
    async fn start_again(&self, is_due: impl Fn(&ClusterDir) -> bool) -> Result<bool, Error> {
        let home = ClusterDir::prepare(&self.folder)?;
        let _turn = lock_startup(&home).await?;
        if !is_due(&home) {
            return Ok(false);
        }
        restart::mark_killed(&home);
        let binaries = self.find_binaries(&home).await?;
        start::attach_or_start(&self.order(&home, &binaries)?).await?;
        Ok(true)
    }

    /// Returns whether a server with a user and a keeper is running. Where the keeper was killed, starts another one,
    /// which takes over the server.
    ///
    /// # Errors
    /// [`Error::File`] where the folder cannot be used; an error of the new keeper.
    pub async fn ensure_kept(&self) -> Result<bool, Error> {
        if !self.folder.join("data").exists() {
            return Ok(false);
        }
        let home = ClusterDir::prepare(&self.folder)?;
        if !Lock::is_held(&home.server_lock())? {
            return Ok(false);
        }
        if Lock::is_held(&home.keeper_lock())? {
            return Ok(true);
        }
        let binaries = self.find_binaries(&home).await?;
        let _reaped_by_the_system = self.order(&home, &binaries)?.spawn()?;
        let begun = Instant::now();
        while begun.elapsed() < KEEPER_BEGINS {
            if Lock::is_held(&home.keeper_lock())? {
                return Ok(true);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(false)
    }

    /// Changes a gate through the keeper of the running server, on a connection that the keeper reserves for this.
    /// Opens no new connection. None where no keeper runs, or where it did not answer within this time.
    ///
    /// # Errors
    /// [`Error::File`] where the folder cannot be used.
    pub async fn change_gate_by_keeper(
        &self,
        change: &GateChange,
        wait_limit: Duration,
    ) -> Result<Option<GateAnswer>, Error> {
        let home = ClusterDir::prepare(&self.folder)?;
        handover::hand_over(&home, change, wait_limit).await
    }

    fn order(&self, home: &ClusterDir, binaries: &Binaries) -> Result<daemon::DaemonArgs, Error> {
        Ok(daemon::DaemonArgs {
            home: home.clone(),
            binaries: binaries.folder().to_owned(),
            socket: socket::prepare(home)?,
            linger: self.linger,
            settings: self.settings.clone(),
        })
    }

    /// Finds all usable programs. This executes them, so it runs on a blocking thread.
    async fn look_for_binaries(&self, home: &ClusterDir) -> Result<Found, Error> {
        let (search, home) = (self.search.clone(), home.clone());
        let found = tokio::task::spawn_blocking(move || {
            let known = KnownVersions::read(home.known_versions());
            search.find(&home.binaries(), home.account(), known)
        });
        found.await.map_err(|error| Error::Program {
            program: "postgres --version".to_owned(),
            status: error.to_string(),
            output: String::new(),
        })?
    }

    /// The programs that match the data, or the newest for a new cluster. Downloaded where none are installed.
    async fn find_binaries(&self, home: &ClusterDir) -> Result<Binaries, Error> {
        let data = postmaster::data_version(home)?;
        let mut found = self.look_for_binaries(home).await?;
        let limited = found
            .passed_over
            .iter()
            .find(|passed_over| error::is_of_open_files(&passed_over.problem));
        if let Some(PassedOver { path, problem }) =
            limited.filter(|_| postmaster::fitting(found.serving.clone(), data).is_none())
        {
            let problem = format!("{}: {problem}", path.display());
            return Err(Error::TooFewFiles { problem });
        }
        if found.serving.is_empty() && data.is_none() {
            fetch::fetch(&home.binaries(), &found.passed_over).await?;
            found = self.look_for_binaries(home).await?;
        }
        let Found {
            serving,
            passed_over,
        } = found;
        let versions = serving.iter().map(Binaries::version).collect();
        match (postmaster::fitting(serving, data), data) {
            (Some(binaries), _) => Ok(binaries),
            (None, Some(data)) => Err(Error::VersionMismatch {
                path: home.data(),
                data,
                found: versions,
                passed_over,
                advice: fetch::advice(Some(data)),
            }),
            (None, None) => Err(fetch::unusable_archive(passed_over)),
        }
    }
}

/// Takes the start lock: whether the server runs does not change while it is held.
async fn lock_startup(home: &ClusterDir) -> Result<Lock, Error> {
    let doing = "fetching, making or starting";
    let wait_limit = LockTimeout::of(STARTUP_LOCK_TIMEOUT, doing);
    let lock = home.startup_lock();
    let mut turn = pin!(Lock::acquire(&lock, Mode::Exclusive, wait_limit));
    if let Ok(turn) = tokio::time::timeout(NOTICE_AFTER, turn.as_mut()).await {
        return turn;
    }
    tracing::warn!(
        "another dotwrap is {doing} the embedded database; waiting for it, {} minutes at most",
        STARTUP_LOCK_TIMEOUT.as_secs().div_ceil(60)
    );
    turn.await
}

/// Returns whether the cluster was created by this call.
async fn initialise_if_new(home: &ClusterDir, binaries: &Binaries) -> Result<bool, Error> {
    if postmaster::data_version(home)?.is_some() {
        return Ok(false);
    }
    let (home, binaries) = (home.clone(), binaries.clone());
    let made = tokio::task::spawn_blocking(move || initialise::initialise(&home, &binaries)).await;
    made.map_err(|error| Error::Program {
        program: "initdb".to_owned(),
        status: error.to_string(),
        output: String::new(),
    })??;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starting_can_be_spawned() {
        fn can_be_spawned<T: Send>(_: &T) {}
        can_be_spawned(&Embedded::in_folder("unused").start());
    }
}
