//! The account that runs the server. PostgreSQL refuses root, because its superuser can execute programs.
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::{Gid, Uid, User};

use crate::error::{AtPath, Error};

/// The account that the server runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    /// The current account.
    Mine,
    /// The process runs as root; the server runs as this account.
    Other {
        /// Its name, for messages.
        name: String,
        /// Its user id.
        uid: u32,
        /// Its main group.
        gid: u32,
    },
}

impl Account {
    /// The account for the cluster in this folder. As root: the account that owns the cluster already, else `postgres`,
    /// which distributions provide for this purpose, else `nobody`.
    pub(crate) fn choose(folder: &Path, data: &Path) -> Result<Self, Error> {
        if !Uid::effective().is_root() {
            return Ok(Self::Mine);
        }
        let owner = [data, folder].into_iter().find_map(owner_unless_root);
        let account = owner.or_else(|| ["postgres", "nobody"].into_iter().find_map(named));
        account.ok_or(Error::NoAccount)
    }

    /// The account with these ids; ours where they are ours.
    pub(crate) fn from_ids(name: String, uid: u32, gid: u32) -> Self {
        if uid == Uid::effective().as_raw() {
            Self::Mine
        } else {
            Self::Other { name, uid, gid }
        }
    }

    /// Its user and group id.
    pub(crate) fn ids(&self) -> (u32, u32) {
        match self {
            Self::Mine => (Uid::effective().as_raw(), Gid::effective().as_raw()),
            Self::Other { uid, gid, .. } => (*uid, *gid),
        }
    }

    /// Its name, for messages.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Mine => User::from_uid(Uid::effective())
                .ok()
                .flatten()
                .map_or_else(|| Uid::effective().to_string(), |user| user.name),
            Self::Other { name, .. } => name.clone(),
        }
    }

    /// Makes the program run as this account, without our environment, which may contain secrets or a `PG…` variable
    /// that changes the program's behaviour.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C").current_dir("/");
        for name in [
            "PATH",
            "TZ",
            "TMPDIR",
            "LD_LIBRARY_PATH",
            "DYLD_LIBRARY_PATH",
        ] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if let Self::Other { uid, gid, .. } = self {
            // The standard library also drops the supplementary groups here.
            command.uid(*uid).gid(*gid);
        }
        command
    }

    /// Gives a folder to this account.
    pub(crate) fn own(&self, path: &Path) -> Result<(), Error> {
        let Self::Other { uid, gid, .. } = self else {
            return Ok(());
        };
        chown(path, Some(*uid), Some(*gid)).at("set the owner of", path)
    }

    /// Refuses a folder that the other account cannot access, such as one in root's home.
    pub(crate) fn require_access(&self, folder: &Path) -> Result<(), Error> {
        let Self::Other { name, uid, gid } = self else {
            return Ok(());
        };
        match closed_folder_on_the_way(folder, *uid, *gid) {
            None => Ok(()),
            Some(closed) => Err(Error::Unreachable {
                account: name.clone(),
                closed,
            }),
        }
    }
}

/// The owner of the folder, with or without a name.
fn owner_unless_root(path: &Path) -> Option<Account> {
    let found = path.symlink_metadata().ok()?;
    let (uid, gid) = (found.uid(), found.gid());
    let known = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    let name = known.map_or_else(|| uid.to_string(), |user| user.name);
    (uid != 0).then_some(Account::Other { name, uid, gid })
}

fn named(name: &str) -> Option<Account> {
    let user = User::from_name(name).ok().flatten()?;
    Some(Account::Other {
        name: user.name,
        uid: user.uid.as_raw(),
        gid: user.gid.as_raw(),
    })
}

/// The outermost parent folder that the account may not traverse.
fn closed_folder_on_the_way(folder: &Path, uid: u32, gid: u32) -> Option<PathBuf> {
    let mut ancestors: Vec<&Path> = folder.ancestors().collect();
    ancestors.reverse();
    ancestors.into_iter().find_map(|ancestor| {
        let found = ancestor.metadata().ok()?;
        let needed = if found.uid() == uid {
            0o100
        } else if found.gid() == gid {
            0o010
        } else {
            0o001
        };
        (found.mode() & needed == 0).then(|| ancestor.to_owned())
    })
}
