//! The folder of the embedded database and its files.
use std::ffi::OsString;
use std::fs::DirBuilder;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use nix::unistd::Uid;

use crate::account::Account;
use crate::acl::AccessLists;
use crate::entry::Entry;
use crate::error::{AtPath, Error};
use crate::{files, modes};

/// The folder of root's clusters: the account that runs the server cannot access root's home.
const ROOT_CLUSTERS: &str = "/var/lib/dotwrap";

/// The longest path of a home: PostgreSQL has room for 1023 bytes, some of them for what lies in it.
const LONGEST: usize = 800;

/// The folder of the embedded cluster when nothing else is asked for: `$DOTWRAP_HOME/embedded`, else `dotwrap/embedded`
/// in the user's data folder (`$XDG_DATA_HOME`, `~/.local/share`), else for root a folder in `/var/lib/dotwrap` that is
/// named after root's data folder, or home.
///
/// # Errors
/// [`Error::NoHome`] where the system knows no home folder.
pub fn default_folder() -> Result<PathBuf, Error> {
    if let Some(home) = variable("DOTWRAP_HOME") {
        let home = PathBuf::from(home);
        let home = std::path::absolute(&home).at("find", &home)?;
        return Ok(home.join("embedded"));
    }
    let strategy = etcetera::choose_base_strategy().map_err(|_| Error::NoHome)?;
    let data = strategy.data_dir();
    if !data.is_absolute() {
        return Err(Error::NoHome);
    }
    if !Uid::effective().is_root() {
        return Ok(data.join("dotwrap").join("embedded"));
    }
    let own = variable("XDG_DATA_HOME").map_or(strategy.home_dir().to_owned(), |_| data);
    Ok(for_root(&own))
}

/// The file with the passwords of the cluster in this folder.
#[must_use]
pub fn password_file(folder: &Path) -> PathBuf {
    folder.join("passwords")
}

/// Where root's cluster lies, given root's own data folder or home: each has a cluster of its own, as it has for other
/// users.
fn for_root(own: &Path) -> PathBuf {
    Path::new(ROOT_CLUSTERS)
        .join(one_name(own))
        .join("embedded")
}

/// An environment variable that says something.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// A path as the name of a single folder: `/srv/a` becomes `srv-a`.
fn one_name(path: &Path) -> OsString {
    let parts: Vec<&[u8]> = path
        .components()
        .filter_map(|part| match part {
            std::path::Component::Normal(part) => Some(part.as_bytes()),
            _ => None,
        })
        .collect();
    std::ffi::OsStr::from_bytes(&parts.join(&b'-')).to_owned()
}

/// The folder of one cluster.
///
/// | in it | |
/// | --- | --- |
/// | `data` | the cluster, PostgreSQL's own |
/// | `building-…` | a cluster that is being made; it becomes `data` by a rename once it is whole |
/// | `building.log` | what `initdb` said; locked by it for as long as it runs |
/// | `socket` | the server's socket, where the path is short enough for one |
/// | `passwords` | of the cluster's accounts, as libpq's password files have them; no tool in a sandbox can read them |
/// | `passwords.exposed` | there while new passwords are due, because others could read them |
/// | `handover` | closings of gates that the keeper is asked to make, and its answers |
/// | `mended.log` | which modes and access control lists were found wrong and mended, and when |
/// | `turn.lock` | held by the one process that looks whether the server runs, and starts it |
/// | `users.lock` | shared by everyone who uses the server; who holds it alone may stop it |
/// | `server.lock` | inherited by the server and all its children: held means that some of them live |
/// | `keeper.lock` | held by the process that stops an unused server |
/// | `server.log` | what the server says, since it was last started |
/// | `server.killed` | there while a killed server is due to be started again |
/// | `server.started-from` | which program file it was started from |
/// | `names.…` | the name of a user id that has none, for `initdb` |
/// | `reserve` | takes space that is given up when the server cannot start on a full disk |
/// | `moved.json` | there once the ledger was moved to another database: which one, and when |
/// | `binaries` | a fetched PostgreSQL, where none was installed |
/// | `binaries.versions` | the versions of the programs that were found |
#[derive(Clone, Debug)]
pub(crate) struct ClusterDir {
    folder: PathBuf,
    account: Account,
}

impl ClusterDir {
    /// Makes the folder ready for use by the account that is to run the server.
    pub(crate) fn prepare(folder: &Path) -> Result<Self, Error> {
        let folder = std::path::absolute(folder).at("find", folder)?;
        let length = folder.as_os_str().len();
        if length > LONGEST {
            return Err(Error::PathTooLong {
                length,
                most: LONGEST,
            });
        }
        create_folders(&folder)?;
        // A symbolic link on the way must not make two names, and two socket folders, of one cluster.
        let folder = folder.canonicalize().at("find", &folder)?;
        let account = Account::choose(&folder, &folder.join("data"))?;
        let home = Self { folder, account };
        let was_open = home.close_to_others()?;
        modes::note(&home, was_open);
        modes::mend(&home);
        home.account.require_access(&home.folder)?;
        Ok(home)
    }

    /// A folder that was made ready before.
    pub(crate) fn prepared(folder: PathBuf, account: Account) -> Self {
        Self { folder, account }
    }

    /// Closes the folder to other users. Where the server runs as another account, that account may traverse it to its
    /// own folders.
    ///
    /// Removes its access control lists. New passwords are due where these admitted others: the file of passwords may
    /// have been created under them.
    ///
    /// Returns what was corrected in an existing folder.
    pub(crate) fn close_to_others(&self) -> Result<Option<String>, Error> {
        let owner = self.folder.metadata().at("look at", &self.folder)?.uid();
        let mode = match self.account {
            Account::Other { uid, .. } if uid != owner => 0o711,
            _ => 0o700,
        };
        let before = files::mode(&self.folder)?;
        files::set_mode(&self.folder, mode)?;
        // Behind the change: a closed folder hides the file.
        let is_new = !self.passwords().exists();
        let entry = Entry::at(&self.folder).at("look at", &self.folder)?;
        let lists = AccessLists::of(&entry);
        if !is_new && lists.admit_others() {
            self.set_exposed(true)?;
        }
        lists
            .remove(&entry)
            .at("remove the access control list of", &self.folder)?;
        let change = modes::change(&self.folder, (before, mode), !lists.is_empty());
        Ok(change.filter(|_| !is_new))
    }

    /// Whether the passwords could be read by others, and new ones are due.
    pub(crate) fn is_exposed(&self) -> bool {
        self.exposed().symlink_metadata().is_ok()
    }

    /// Records that new passwords are due, or were set.
    pub(crate) fn set_exposed(&self, is_so: bool) -> Result<(), Error> {
        let path = self.exposed();
        if is_so {
            return files::open_to_append(&path).map(drop);
        }
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).at("remove", &path)
            }
            _ => Ok(()),
        }
    }

    fn exposed(&self) -> PathBuf {
        self.folder.join("passwords.exposed")
    }

    /// The log of corrected modes.
    pub(crate) fn mended(&self) -> PathBuf {
        self.folder.join("mended.log")
    }

    /// The folder of requests to the keeper.
    pub(crate) fn handover(&self) -> PathBuf {
        self.folder.join("handover")
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub(crate) fn passwords(&self) -> PathBuf {
        password_file(&self.folder)
    }

    pub(crate) fn building_log(&self) -> PathBuf {
        self.folder.join("building.log")
    }

    pub(crate) fn startup_lock(&self) -> PathBuf {
        self.folder.join("turn.lock")
    }

    pub(crate) fn users_lock(&self) -> PathBuf {
        self.folder.join("users.lock")
    }

    pub(crate) fn server_lock(&self) -> PathBuf {
        self.folder.join("server.lock")
    }

    pub(crate) fn keeper_lock(&self) -> PathBuf {
        self.folder.join("keeper.lock")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    pub(crate) fn reserve(&self) -> PathBuf {
        self.folder.join("reserve")
    }

    pub(crate) fn moved_note(&self) -> PathBuf {
        self.folder.join("moved.json")
    }

    pub(crate) fn binaries_note(&self) -> PathBuf {
        self.folder.join("server.started-from")
    }

    pub(crate) fn killed_marker(&self) -> PathBuf {
        self.folder.join("server.killed")
    }

    pub(crate) fn known_versions(&self) -> PathBuf {
        self.folder.join("binaries.versions")
    }

    pub(crate) fn binaries(&self) -> PathBuf {
        self.folder.join("binaries")
    }
}

/// Creates what is missing on the way. As root these folders are open for passing, whatever the mask says, or the
/// server's account could not get through.
fn create_folders(folder: &Path) -> Result<(), Error> {
    let as_root = Uid::effective().is_root();
    let missing: Vec<&Path> = folder
        .ancestors()
        .take_while(|path| !path.exists())
        .collect();
    for path in missing.into_iter().rev() {
        match DirBuilder::new().mode(0o700).create(path) {
            Ok(()) if as_root => files::set_mode(path, 0o755)?,
            Ok(()) => {}
            // Another dotwrap may be doing the same.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => Err(error).at("create", path)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_home_of_root_has_a_cluster_outside_of_it() {
        let cluster = |home: &str| for_root(Path::new(home));
        assert_eq!(
            cluster("/root"),
            Path::new("/var/lib/dotwrap/root/embedded")
        );
        assert_eq!(
            cluster("/tmp/a home/"),
            Path::new("/var/lib/dotwrap/tmp-a home/embedded")
        );
        assert_eq!(cluster("/"), Path::new("/var/lib/dotwrap/embedded"));
    }
}
