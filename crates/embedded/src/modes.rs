//! The modes of the cluster's folders and files, looked at and mended at each use and by the keeper.
//!
//! A tool runs with the account of the cluster and can change them, also in a sandbox where the kernel does not hold it back.
//! Too wide, they let other accounts in; too narrow, the server does not start. Passwords that were open are replaced.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::Uid;

use crate::home::Home;
use crate::{files, socket};

/// Every permission of its owner in a folder.
const FOLDER: u32 = 0o700;

/// Every permission of its owner in a file that is not run.
const FILE: u32 = 0o600;

/// Nothing for anybody but the owner.
const OWNER_ONLY: u32 = 0o700;

/// As it is for others.
const AS_IT_IS: u32 = 0o7777;

/// Mends what is wrong, notes it, and remembers where new passwords are due.
pub(crate) fn mend(home: &Home) {
    let data = home.data();
    let mut mended = Vec::new();
    // Without these it can not be said whether it is a cluster, and what is none is left as it is.
    mended.extend(set(&data, FOLDER, AS_IT_IS));
    if is_cluster(&data) {
        mended.extend(set(&data, FOLDER, OWNER_ONLY));
        for (path, is_folder) in entries(&data) {
            mended.extend(set(&path, if is_folder { FOLDER } else { FILE }, AS_IT_IS));
        }
    }
    let sockets = socket::folder(home);
    // A short one lies where others can put a link; whoever uses it refuses that.
    if sockets.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        mended.extend(set(&sockets, FOLDER, OWNER_ONLY));
        mended.extend(set(&socket::file(&sockets), FOLDER, OWNER_ONLY));
    }
    mended.extend(set(&home.handover(), FOLDER, OWNER_ONLY));
    for file in [
        home.turn_lock(),
        home.users_lock(),
        home.server_lock(),
        home.keeper_lock(),
        home.log(),
        home.building_log(),
        home.started_from(),
        home.mended(),
    ] {
        mended.extend(set(&file, FILE, FILE));
    }
    mended.extend(close_passwords(home));
    note(home, mended);
}

/// The passwords, where others could read or replace them. New ones are due then.
fn close_passwords(home: &Home) -> Option<String> {
    let path = home.passwords();
    let found = path.symlink_metadata().ok()?;
    let owners = [
        Some(Uid::effective().as_raw()),
        Some(0),
        home.folder().metadata().ok().map(|folder| folder.uid()),
    ];
    let is_own = owners.contains(&Some(found.uid()));
    let mode = found.mode() & 0o7777;
    let what = if !found.is_file() {
        "it was no plain file".to_owned()
    } else if !is_own {
        format!("it belonged to the account {}", found.uid())
    } else if mode & 0o077 != 0 {
        format!("others could read it (mode {mode:o})")
    } else if found.nlink() > 1 {
        "it has another name, a hard link, under which it could be read".to_owned()
    } else {
        // Too narrow at most.
        return set(&path, FILE, FILE);
    };
    // First, so that it is not forgotten by whoever is killed behind it.
    if let Err(error) = home.set_exposed(true) {
        tracing::warn!(%error, "new passwords are due and that can not be remembered");
    }
    if found.is_file() {
        let _ = fs::set_permissions(&path, Permissions::from_mode(FILE));
    }
    Some(format!("{}: {what}; it gets new passwords", path.display()))
}

fn is_cluster(data: &Path) -> bool {
    data.join("PG_VERSION").symlink_metadata().is_ok()
}

fn entries(folder: &Path) -> Vec<(PathBuf, bool)> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let kinds = entries.flatten().filter_map(|entry| {
        let path = entry.path();
        // The folder of the write-ahead log may be a link to another disk.
        let found = path.metadata().ok()?;
        (found.is_dir() || found.is_file()).then_some((path, found.is_dir()))
    });
    kinds.collect()
}

/// Gives a file these permissions, and takes those that are not allowed; says so where that was necessary. What is not there, or
/// not ours to change, is met by whoever opens it.
fn set(path: &Path, needed: u32, allowed: u32) -> Option<String> {
    let found = path.metadata().ok()?;
    let before = found.mode() & 0o7777;
    let after = (before & allowed) | needed;
    if before == after || fs::set_permissions(path, Permissions::from_mode(after)).is_err() {
        return None;
    }
    Some(change(path, before, after))
}

/// A mended mode as a sentence.
pub(crate) fn change(path: &Path, before: u32, after: u32) -> String {
    format!("{}: mode {before:o} mended to {after:o}", path.display())
}

/// Writes down what was mended, for `doctor` and for whoever looks at this use.
pub(crate) fn note(home: &Home, mended: impl IntoIterator<Item = String>) {
    for what in mended {
        tracing::warn!("{what}");
        let line = format!("{:.0} {what}\n", jiff::Timestamp::now());
        let written = files::open_to_append(&home.mended()).and_then(|mut file| {
            crate::error::AtPath::at(file.write_all(line.as_bytes()), "write", &home.mended())
        });
        if let Err(error) = written {
            tracing::warn!(%error, "not written down");
        }
    }
}

/// What was mended, a line each, the newest last.
pub(crate) fn noted(home: &Home, most: usize) -> Vec<String> {
    let Ok(text) = fs::read(home.mended()) else {
        return Vec::new();
    };
    let lines = files::last_lines(&String::from_utf8_lossy(&text), most);
    lines.lines().map(str::to_owned).collect()
}
