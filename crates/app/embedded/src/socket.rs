//! The folder of the server's socket. It is the only way to connect, so only the server's account and root may enter
//! it.
use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::cluster_dir::{ClusterDir, variable};
use crate::entry::Entry;
use crate::error::{AtPath, Error};

/// The port that names the socket file; no TCP port is opened.
pub(crate) const PORT: u16 = 5432;

/// The longest path of a socket that every system takes: macOS has room for 104 bytes, Linux for 108, the last one
/// zero.
const LONGEST: usize = 103;

/// The socket in this folder.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join(format!(".s.PGSQL.{PORT}"))
}

/// The server's lock on the socket in this folder.
pub(crate) fn lock_file(folder: &Path) -> PathBuf {
    folder.join(format!(".s.PGSQL.{PORT}.lock"))
}

/// Makes the folder for the socket: in the cluster's own folder, or, where that path is too long for a socket, a short
/// one that is named after it.
pub(crate) fn prepare(home: &ClusterDir) -> Result<PathBuf, Error> {
    let folder = folder(home);
    make(&folder, home.account())?;
    Ok(folder)
}

/// Where the server's socket is put.
pub(crate) fn folder(home: &ClusterDir) -> PathBuf {
    let usual = home.folder().join("socket");
    if fits(&usual) { usual } else { short(home) }
}

fn fits(folder: &Path) -> bool {
    file(folder).as_os_str().len() <= LONGEST
}

/// In the folder for run-time files that the system gives each user, else in the one for temporary files.
fn short(home: &ClusterDir) -> PathBuf {
    let name = format!(
        "dotwrap-{}-{:016x}",
        home.account().ids().0,
        fingerprint(home.folder())
    );
    let runtime = variable("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|folder| matches!(home.account(), Account::Mine) && folder.is_dir())
        .map(|folder| folder.join(&name))
        .filter(|folder| folder.is_absolute() && fits(folder));
    runtime.unwrap_or_else(|| Path::new("/tmp").join(name))
}

/// FNV-1a: two clusters get two names, on every machine and with every compiler the same. Nothing depends on its
/// strength, because the folder's owner is checked.
fn fingerprint(path: &Path) -> u64 {
    path.as_os_str()
        .as_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}

/// Creates the folder, or takes the one that is there if it is what we would have created.
fn make(folder: &Path, account: &Account) -> Result<(), Error> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => account.own(folder),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => adopt(folder, account),
        Err(error) => Err(error).at("create", folder),
    }
}

/// In a folder for temporary files, any user may have created a folder or link of this name.
fn adopt(folder: &Path, account: &Account) -> Result<(), Error> {
    // One and the same for the look and the change: its owner can put a link in its place.
    let entry = Entry::at(folder).at("look at", folder)?;
    let found = entry.found();
    let ours = found.uid() == account.ids().0 || found.uid() == Account::Mine.ids().0;
    if !found.is_dir() || !ours {
        return Err(Error::UnsafeSocketFolder {
            path: folder.to_owned(),
        });
    }
    if found.mode() & 0o777 != 0o700 {
        entry.set_mode(0o700).at("set the permissions of", folder)?;
    }
    account.own(&entry.handle())
}
