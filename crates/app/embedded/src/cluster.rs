//! A handle to the running cluster.
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use tokio_postgres::Config;

use crate::auth::Passwords;
use crate::binaries::{Binaries, Version};
use crate::cluster_dir::ClusterDir;
use crate::error::Error;
use crate::lock::Lock;
use crate::restart::RestartTask;
use crate::socket::PORT;
use crate::{
    DATABASE, Embedded, Moved, OWNER, RESERVE, SUPERUSER, daemon, modes, moved, probe, status,
};

/// The characters that stay unencoded in a URL.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'.')
    .remove(b'-')
    .remove(b'_');

/// How this call obtained the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The cluster was created.
    Created,
    /// The cluster existed; its server was started.
    Started,
    /// The server was running already, most likely for another dotwrap.
    Attached,
}

/// A share of the running cluster. The server is not stopped while it is held; keep it as long as there are
/// connections. The share ends with this process in any case, and some seconds after the last share ended the server
/// stops.
#[derive(Debug)]
pub struct Cluster {
    pub(crate) home: ClusterDir,
    pub(crate) socket: PathBuf,
    pub(crate) passwords: Option<Passwords>,
    pub(crate) binaries: Binaries,
    pub(crate) origin: Origin,
    pub(crate) use_of_it: Lock,
    pub(crate) embedded: Embedded,
    pub(crate) restarting: Option<RestartTask>,
}

impl Cluster {
    /// Starts the server and its keeper again where both are killed while this share is held. A server that was stopped
    /// stays down. Call it within a Tokio runtime, whose tasks do this.
    #[must_use]
    pub fn restarting_if_killed(mut self) -> Self {
        let task = RestartTask::spawn(self.embedded.clone(), self.home.clone());
        self.restarting = Some(task);
        self
    }

    /// The configuration for the plain owner of the product's database: `LOGIN CREATEROLE`, no superuser, so that the
    /// embedded default obeys the contract like any other database.
    #[must_use]
    pub fn config(&self) -> Config {
        probe::owner(&self.socket, self.passwords.as_ref())
    }

    /// The configuration for the operators' account, which has the owner's privileges and its own connections: the
    /// owner's number is limited. None in a cluster of an older dotwrap without such an account.
    #[must_use]
    pub fn reserve_config(&self) -> Option<Config> {
        let passwords = self.passwords.as_ref()?;
        passwords.password(RESERVE)?;
        Some(probe::account(
            &self.socket,
            Some(passwords),
            RESERVE,
            DATABASE,
        ))
    }

    /// Returns the current password of an account: an exposed one is replaced.
    pub fn password_source(
        &self,
        role: &'static str,
    ) -> impl Fn() -> Option<String> + Send + Sync + use<> {
        let home = self.home.clone();
        move || {
            let passwords = Passwords::of(&home).ok()??;
            passwords.password(role).map(str::to_owned)
        }
    }

    /// The corrected modes and removed access control lists of the cluster's files, one line each with its time, the
    /// newest last; and the log file.
    #[must_use]
    pub fn mended(&self, most: usize) -> (Vec<String>, PathBuf) {
        (modes::noted(&self.home, most), self.home.mended())
    }

    /// The configuration for the cluster's superuser and one of its databases. The product does not need it.
    #[must_use]
    pub fn superuser_config(&self, database: &str) -> Config {
        probe::account(&self.socket, self.passwords.as_ref(), SUPERUSER, database)
    }

    /// [`Cluster::config`] as a URL for `psql` and libpq. It names the password file.
    #[must_use]
    pub fn url(&self) -> String {
        let escaped =
            |path: &Path| percent_encode(path.as_os_str().as_bytes(), ESCAPED).to_string();
        let host = escaped(&self.socket);
        let passwords = escaped(&self.password_file());
        // With the port, which names the socket: left open, a client would take it from PGPORT.
        format!("postgresql://{OWNER}@/{DATABASE}?host={host}&port={PORT}&passfile={passwords}")
    }

    /// The password file of the cluster's accounts, in libpq's format (`PGPASSFILE`). A user who can read it has full
    /// access to the database.
    #[must_use]
    pub fn password_file(&self) -> PathBuf {
        self.home.passwords()
    }

    /// Stops the server now, without the usual wait, if no other process uses it. Returns whether it did. Blocks the
    /// thread until the server is down: usually a moment, at most 70 seconds (a minute for a fast shutdown, ten seconds
    /// for an immediate one).
    ///
    /// # Errors
    /// [`Error::NotStopped`] where it does not stop within that time.
    pub fn stop_if_unused(mut self) -> Result<bool, Error> {
        self.restarting = None;
        let home = ClusterDir::prepare(self.home.folder())?;
        let alone = self
            .use_of_it
            .try_upgrade_to_exclusive(&home.users_lock())?;
        if alone {
            daemon::stop(&home)?;
        }
        Ok(alone)
    }

    /// Keeps every other process from using the server for as long as this is held. It is not to be used further where
    /// this fails.
    ///
    /// # Errors
    /// [`Error::InUse`] names those who use it.
    pub fn require_sole_use(&self) -> Result<(), Error> {
        let alone = self
            .use_of_it
            .try_upgrade_to_exclusive(&self.home.users_lock())?;
        alone
            .then_some(())
            .ok_or_else(|| status::in_use(&self.home))
    }

    /// Notes that the ledger was moved to this database, given without a password.
    ///
    /// # Errors
    /// [`Error::File`] where the note cannot be written.
    pub fn note_moved(&self, to: &str) -> Result<Moved, Error> {
        moved::write(&self.home, to)
    }

    /// The cluster's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.home.folder()
    }

    /// The folder of the server's socket.
    #[must_use]
    pub fn socket_folder(&self) -> &Path {
        &self.socket
    }

    /// The selected programs. A server that was running before may have been started from others of the same major
    /// version.
    #[must_use]
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// The version of [`Cluster::binaries`].
    #[must_use]
    pub fn version(&self) -> Version {
        self.binaries.version()
    }

    /// Whether this call created the cluster, started its server, or joined it.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }
}
