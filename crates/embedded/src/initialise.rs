//! Makes the cluster. It is built in a temporary folder beside its final place and renamed once it is whole, so that a `data`
//! folder is always a finished cluster, whenever the building was killed.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::binaries::Binaries;
use crate::error::{AtPath, Error};
use crate::files;
use crate::home::Home;
use crate::lock::{Lock, Mode, Patience};
use crate::{DATABASE, OWNER, SUPERUSER};

/// How long the `initdb` of a killed dotwrap is waited for. One of our own is waited for as long as it takes.
const KILLED_ONE: Duration = Duration::from_secs(60);

/// How long making a cluster may take as others reckon who wait for it: that wait, and an `initdb` on a slow disk.
pub(crate) const MAKING: Duration = KILLED_ONE.saturating_add(Duration::from_secs(120));

/// The names of clusters that are being built begin so.
const BUILDING: &str = "building-";

/// Builds the cluster: UTF-8, the C locale (the same order on every system and after every upgrade of its C library), page
/// checksums, and no way in but the local socket. The caller holds the turn.
pub(crate) fn initialise(home: &Home, binaries: &Binaries) -> Result<(), Error> {
    let log = wait_for_killed_one(home)?;
    sweep(home);
    let building = tempfile::Builder::new()
        .prefix(BUILDING)
        .tempdir_in(home.folder())
        .at("create a folder in", home.folder())?;
    home.account().own(building.path())?;
    run(
        "initdb",
        home.account()
            .command(&binaries.program("initdb"))
            .arg("--pgdata")
            .arg(building.path())
            .args(["--username", SUPERUSER, "--encoding=UTF8", "--locale=C"])
            .args(["--auth-local=trust", "--auth-host=reject"])
            .arg("--data-checksums"),
        &log,
        "",
    )?;
    create_database(home, binaries, building.path(), &log)?;
    let (building, data) = (building.keep(), home.data());
    fs::rename(&building, &data).at("create", &data)?;
    // Makes the rename itself last.
    File::open(home.folder())
        .and_then(|folder| folder.sync_all())
        .at("write", home.folder())
}

/// Creates the plain owner and its database before anybody can connect. `postgres --single` needs no server, and its commands
/// take part in the rename: there is never a cluster without them.
fn create_database(home: &Home, binaries: &Binaries, data: &Path, log: &File) -> Result<(), Error> {
    let commands = format!(
        "CREATE ROLE {OWNER} LOGIN CREATEROLE;\nCREATE DATABASE {DATABASE} OWNER {OWNER};\n"
    );
    run(
        "postgres --single",
        home.account()
            .command(&binaries.program("postgres"))
            .args(["--single", "-D"])
            .arg(data)
            .args(["-c", "exit_on_error=on"])
            .arg("postgres"),
        log,
        &commands,
    )
}

/// An `initdb` outlives a killed dotwrap by a moment, and goes on writing to its folder. It inherits the locked log as its
/// output, so that its end can be waited for.
fn wait_for_killed_one(home: &Home) -> Result<File, Error> {
    let patience = Patience::of(KILLED_ONE, "making");
    let log = Lock::wait(&home.building_log(), Mode::Exclusive, patience)?.into_file();
    log.set_len(0).at("write", &home.building_log())?;
    Ok(log)
}

/// Removes what killed processes left. Best effort: such a folder is never used, it only takes space.
fn sweep(home: &Home) {
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
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(BUILDING))
        .map(|entry| entry.path())
        .collect()
}

/// Runs a program to its end; an error says what it said.
fn run(name: &str, command: &mut Command, log: &File, input: &str) -> Result<(), Error> {
    let failed = |status: String, output: &[u8]| Error::Program {
        program: name.to_owned(),
        status,
        output: files::last_lines(&String::from_utf8_lossy(output), 20),
    };
    let log = log
        .try_clone()
        .map_err(|error| failed(error.to_string(), b""))?;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(log)
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string(), b""))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends early does not read its input; its exit status says why.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child
        .wait_with_output()
        .map_err(|error| failed(error.to_string(), b""))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(output.status.to_string(), &output.stderr))
}
