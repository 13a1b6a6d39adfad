//! The running cluster, as its user holds it.

use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use std::os::unix::ffi::OsStrExt;
use tokio_postgres::Config;

use crate::auth::Passwords;
use crate::binaries::{Binaries, Version};
use crate::cluster_dir::ClusterDir;
use crate::error::Error;
use crate::lock::Lock;
use crate::socket::PORT;
use crate::{DATABASE, OWNER, RESERVE, SUPERUSER, daemon, modes, probe};

/// What stays readable in a URL.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'.')
    .remove(b'-')
    .remove(b'_');

/// Where the server that is used came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The cluster was made just now.
    Created,
    /// The cluster was there; its server was started just now.
    Started,
    /// The server ran already, most likely for another dotwrap.
    Attached,
}

/// The right to use the running cluster. While it is held the server is not stopped; keep it for as long as there are
/// connections. However this process ends, the right ends with it, and some seconds after the last one the server
/// stops.
#[derive(Debug)]
pub struct Cluster {
    pub(crate) home: ClusterDir,
    pub(crate) socket: PathBuf,
    pub(crate) passwords: Option<Passwords>,
    pub(crate) binaries: Binaries,
    pub(crate) origin: Origin,
    pub(crate) use_of_it: Lock,
}

impl Cluster {
    /// How to connect as the plain owner of the product's database: `LOGIN CREATEROLE`, no superuser, so that the
    /// embedded default is held to the contract as any other database is.
    #[must_use]
    pub fn config(&self) -> Config {
        probe::owner(&self.socket, self.passwords.as_ref())
    }

    /// How to connect as the operators' account, which has the owner's rights and sessions of its own: the owner's are
    /// limited in number. None in a cluster that an older dotwrap runs, which has no such account.
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

    /// Says the password of an account that is valid at that moment: one that was open to others is replaced.
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

    /// What was found wrong with the modes of the cluster's files and mended, a line each with its time, the newest
    /// last; and the file that it stands in.
    #[must_use]
    pub fn mended(&self, most: usize) -> (Vec<String>, PathBuf) {
        (modes::noted(&self.home, most), self.home.mended())
    }

    /// How to connect as the cluster's superuser to one of its databases. The product has no need of it.
    #[must_use]
    pub fn superuser_config(&self, database: &str) -> Config {
        probe::account(&self.socket, self.passwords.as_ref(), SUPERUSER, database)
    }

    /// The same as [`Cluster::config`] as a URL that `psql` and libpq understand: it names the file with the password.
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
    pub fn stop_if_unused(self) -> Result<bool, Error> {
        let home = ClusterDir::prepare(self.home.folder())?;
        let alone = self
            .use_of_it
            .try_upgrade_to_exclusive(&home.users_lock())?;
        if alone {
            daemon::stop(&home)?;
        }
        Ok(alone)
    }

    /// The folder that everything of the cluster lies in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.home.folder()
    }

    /// The folder of the server's socket.
    #[must_use]
    pub fn socket_folder(&self) -> &Path {
        &self.socket
    }

    /// The programs that were found; a server that was joined may have been started from others of the same major
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

    /// Whether this call made the cluster, started its server, or joined it.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }
}
