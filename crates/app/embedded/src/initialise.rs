//! Creates the cluster. It is built in a temporary folder beside its final path and renamed when it is complete, so
//! that a `data` folder is always a complete cluster, whenever the creation was killed.
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::binaries::Binaries;
use crate::cluster_dir::ClusterDir;
use crate::error::{AtPath, Error};
use crate::{DATABASE, OWNER, SUPERUSER, auth, nameless, single_user};

/// The time that other processes wait for the creation of a cluster: their own wait, and an `initdb` on a slow disk.
pub(crate) const INIT_TIMEOUT: Duration =
    single_user::ORPHAN_TIMEOUT.saturating_add(Duration::from_secs(120));

/// The name prefix of clusters that are being created.
const INITDB_PREFIX: &str = "building-";

/// Creates the cluster: UTF-8, the C locale (the same order on every system and after every upgrade of its C library),
/// page checksums, and access only through the local socket with a password. The caller holds the start lock.
pub(crate) fn initialise(home: &ClusterDir, binaries: &Binaries) -> Result<(), Error> {
    let log = single_user::log(home)?;
    remove_leftovers(home);
    let building = tempfile::Builder::new()
        .prefix(INITDB_PREFIX)
        .tempdir_in(home.folder())
        .at("create a folder in", home.folder())?;
    home.account().own(building.path())?;
    single_user::run(
        "initdb",
        nameless::named_command(home, &binaries.program("initdb"))?
            .arg("--pgdata")
            .arg(building.path())
            .args(["--username", SUPERUSER, "--encoding=UTF8", "--locale=C"])
            .args(["--auth-local=trust", "--auth-host=reject"])
            .arg("--data-checksums"),
        &log,
        "",
    )?;
    create_database(home, binaries, building.path(), &log)?;
    auth::provision(home, binaries.folder(), building.path(), &log)?;
    let (building, data) = (building.keep(), home.data());
    fs::rename(&building, &data).at("create", &data)?;
    // Syncs the rename to disk.
    File::open(home.folder())
        .and_then(|folder| folder.sync_all())
        .at("write", home.folder())
}

/// Creates the plain owner and its database before any client can connect. `postgres --single` needs no server, and its
/// work is part of the renamed folder: no cluster ever exists without it.
fn create_database(
    home: &ClusterDir,
    binaries: &Binaries,
    data: &Path,
    log: &File,
) -> Result<(), Error> {
    let commands = format!(
        "CREATE ROLE {OWNER} LOGIN CREATEROLE;\nCREATE DATABASE {DATABASE} OWNER {OWNER};\n"
    );
    single_user::single_user(home, binaries.folder(), data, log, &commands)
}

/// Removes the unfinished folders of killed processes. Best effort: they are never used and only take space.
fn remove_leftovers(home: &ClusterDir) {
    for leftover in leftovers(home.folder()) {
        tracing::info!(folder = %leftover.display(), "removing a cluster whose building was interrupted");
        if let Err(error) = fs::remove_dir_all(&leftover) {
            tracing::warn!(folder = %leftover.display(), %error, "cannot remove it");
        }
    }
}

fn leftovers(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| {
            entry
                .file_name()
                .to_string_lossy()
                .starts_with(INITDB_PREFIX)
        })
        .map(|entry| entry.path())
        .collect()
}
