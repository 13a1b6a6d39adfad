//! Checks and corrects the modes of the cluster's folders and files, at each use and by the keeper, and removes their
//! access control lists.
//!
//! A tool runs as the cluster's account and can change the modes, also in a sandbox where the kernel does not prevent
//! it. Modes that are too wide admit other accounts, and so do access control lists; with modes that are too narrow the
//! server does not start. Exposed passwords are replaced.
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::Uid;

use crate::acl::AccessLists;
use crate::cluster_dir::ClusterDir;
use crate::entry::Entry;
use crate::{files, socket};

/// Every permission of its owner in a folder.
const FOLDER: u32 = 0o700;

/// Every permission of its owner in a file that is not run.
const FILE: u32 = 0o600;

/// No permission for group and others.
const OWNER_ONLY: u32 = 0o700;

/// As it is for others.
const AS_IT_IS: u32 = 0o7777;

/// Corrects and logs wrong modes, and records where new passwords are due.
pub(crate) fn mend(home: &ClusterDir) {
    let data = home.data();
    let mut mended = Vec::new();
    // Entries in the folders of the server's account are changed only where that account owns them: a link or hard link
    // of that account leads root to no other file.
    let servers = Owners::server_of(&data);
    let ours = Owners::ours_and(&servers);
    // Without these it is unknown whether the folder is a cluster. Other folders stay unchanged.
    mended.extend(set(&data, FOLDER, AS_IT_IS, &ours));
    if is_cluster(&data) {
        mended.extend(set(&data, FOLDER, OWNER_ONLY, &ours));
        for (path, is_folder) in entries(&data) {
            let needed = if is_folder { FOLDER } else { FILE };
            mended.extend(set(&path, needed, AS_IT_IS, &servers));
        }
    }
    let sockets = socket::folder(home);
    // The short socket folder is in a folder where other users can create a link; the code that uses it refuses a link.
    if sockets.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        mended.extend(set(&sockets, FOLDER, OWNER_ONLY, &ours));
        mended.extend(set(&socket::file(&sockets), FOLDER, OWNER_ONLY, &servers));
    }
    mended.extend(set(&home.handover(), FOLDER, OWNER_ONLY, &ours));
    for file in [
        home.startup_lock(),
        home.users_lock(),
        home.server_lock(),
        home.keeper_lock(),
        home.log(),
        home.building_log(),
        home.binaries_note(),
        home.mended(),
    ] {
        mended.extend(set(&file, FILE, FILE, &ours));
    }
    mended.extend(close_passwords(home));
    note(home, mended);
}

/// The password file. New passwords are due where other users could read or replace it.
fn close_passwords(home: &ClusterDir) -> Option<String> {
    let path = home.passwords();
    let found = path.symlink_metadata().ok()?;
    let owners = [
        Some(Uid::effective().as_raw()),
        Some(0),
        home.folder().metadata().ok().map(|folder| folder.uid()),
    ];
    let is_own = owners.contains(&Some(found.uid()));
    let mode = found.mode() & 0o7777;
    let entry = found.is_file().then(|| Entry::at(&path).ok()).flatten();
    let lists = entry.as_ref().map(AccessLists::of).unwrap_or_default();
    let what = if !found.is_file() {
        "it was no plain file".to_owned()
    } else if !is_own {
        format!("it belonged to the account {}", found.uid())
    } else if lists.admit_others() {
        format!("its access control list admitted others (mode {mode:o}), and is removed")
    } else if mode & 0o077 != 0 {
        format!("others could read it (mode {mode:o})")
    } else if found.nlink() > 1 {
        "it has another name, a hard link, under which it could be read".to_owned()
    } else {
        // Too narrow at most.
        return set(
            &path,
            FILE,
            FILE,
            &Owners(owners.into_iter().flatten().collect()),
        );
    };
    // Written first, so that a kill in between does not lose it.
    if let Err(error) = home.set_exposed(true) {
        tracing::warn!(%error, "new passwords are due and that cannot be remembered");
    }
    if let Some(entry) = entry {
        let _ = entry.set_mode(FILE);
        let _ = lists.remove(&entry);
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
        let path = match path.is_symlink() {
            true if entry.file_name() == "pg_wal" => path.canonicalize().ok()?,
            _ => path,
        };
        let found = path.symlink_metadata().ok()?;
        (found.is_dir() || found.is_file()).then_some((path, found.is_dir()))
    });
    kinds.collect()
}

/// The accounts whose files are changed.
struct Owners(Vec<u32>);

impl Owners {
    /// The server's account: the data folder lies where only the account of the home can put another in its place.
    fn server_of(data: &Path) -> Self {
        let found = data.symlink_metadata();
        Self(found.iter().map(MetadataExt::uid).collect())
    }

    fn ours_and(others: &Self) -> Self {
        let mut all = others.0.clone();
        all.push(Uid::effective().as_raw());
        Self(all)
    }
}

/// Adds the needed permissions to a file, removes those that are not allowed, and its access control lists. Returns a
/// description of a change. A missing file, a link, or a file of another owner is handled by the code that opens it.
fn set(path: &Path, needed: u32, allowed: u32, owners: &Owners) -> Option<String> {
    let entry = Entry::at(path).ok()?;
    if !entry.is_plain() || !owners.0.contains(&entry.found().uid()) {
        return None;
    }
    let lists = AccessLists::of(&entry);
    let before = entry.found().mode() & 0o7777;
    let after = (lists.mode_without(before) & allowed) | needed;
    let is_mended = before == after || entry.set_mode(after).is_ok();
    let is_removed = !lists.is_empty() && lists.remove(&entry).is_ok();
    change(
        entry.path(),
        (before, if is_mended { after } else { before }),
        is_removed,
    )
}

/// What was corrected, as a sentence: the mode, and whether access control lists were removed.
pub(crate) fn change(
    path: &Path,
    (before, after): (u32, u32),
    lists_removed: bool,
) -> Option<String> {
    let mode = (before != after).then(|| format!("mode {before:o} mended to {after:o}"));
    let lists = lists_removed.then(|| "access control list removed".to_owned());
    let what: Vec<String> = mode.into_iter().chain(lists).collect();
    (!what.is_empty()).then(|| format!("{}: {}", path.display(), what.join(", ")))
}

/// Logs corrected modes, for `doctor` and for the caller.
pub(crate) fn note(home: &ClusterDir, mended: impl IntoIterator<Item = String>) {
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

/// The corrections, one line each, the newest last.
pub(crate) fn noted(home: &ClusterDir, most: usize) -> Vec<String> {
    let Ok(text) = fs::read(home.mended()) else {
        return Vec::new();
    };
    let lines = files::last_lines(&String::from_utf8_lossy(&text), most);
    lines.lines().map(str::to_owned).collect()
}
