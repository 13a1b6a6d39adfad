//! Programs that are missing, of another version, or replaced beneath a running server.

#![allow(clippy::unwrap_used, reason = "unwrapping is how a test fails")]

mod support;
use std::fs;
use std::path::Path;
use std::process::Command;

use dotwrap_testkit::{Version, postgres_folder};
use support::{Place, Probe, failure};

#[test]
fn data_of_another_major_version_are_refused_and_kept() {
    let place = Place::new();
    let mut user = place.start();
    user.insert(1);
    user.end();
    place.wait_until_stopped();

    let newer = postgres_folder(Version::V18);
    let said = failure(place.command().env("DOTWRAP_PG_BIN", &newer));
    let version = fs::read_to_string(place.data().join("PG_VERSION")).unwrap();
    assert!(
        said.contains(&format!("written by PostgreSQL {}", version.trim())),
        "{said}"
    );
    assert!(said.contains("PostgreSQL 18."), "{said}");
    assert!(said.contains("DOTWRAP_PG_BIN"), "{said}");
    let mut next = place.start();
    assert_eq!(next.count(), 1);
    next.end();
}

#[test]
fn the_version_that_wrote_the_data_is_preferred_to_a_newer_one() {
    let place = Place::new();
    place.start().end();
    place.wait_until_stopped();
    let both = [Version::V18, Version::V15].map(postgres_folder);
    let mut command = place.command();
    command
        .env_remove("DOTWRAP_PG_BIN")
        .env("PROBE_BINARIES_AMONG", std::env::join_paths(both).unwrap());
    Probe::start(command).end();
}

#[test]
fn missing_postgresql_without_download_names_the_remedy() {
    let place = Place::new();
    let said = failure(
        place
            .command()
            .env_remove("DOTWRAP_PG_BIN")
            .env("PROBE_BINARIES_AMONG", "")
            // Nothing listens there, so there is no network.
            .env("HTTPS_PROXY", "http://127.0.0.1:9")
            .env("https_proxy", "http://127.0.0.1:9")
            .env_remove("NO_PROXY")
            .env_remove("no_proxy"),
    );
    assert!(said.contains("fetching one failed"), "{said}");
    assert!(said.contains("Install"), "{said}");
    assert!(
        said.contains("DOTWRAP_PG_BIN") && said.contains("DATABASE_URL"),
        "{said}"
    );
    assert!(!place.data().exists());
}

/// A folder with these as its `postgres`, and an `initdb` beside it.
fn programs(top: &Path, name: &str, postgres: &[u8], mode: u32) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let folder = top.join(name);
    fs::create_dir(&folder).unwrap();
    for program in ["postgres", "initdb"] {
        let file = folder.join(program);
        fs::write(&file, postgres).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    }
    folder
}

#[test]
fn each_postgres_that_can_not_be_run_is_named_with_its_reason() {
    let place = Place::new();
    place.start().end();
    place.wait_until_stopped();
    let top = tempfile::tempdir().unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(top.path(), open).unwrap();
    let library =
        b"#!/bin/sh\necho 'error while loading shared libraries: libpq.so.5' >&2; exit 127\n";
    let cases = [
        (
            "mode",
            &b"#!/bin/sh\n"[..],
            0o644,
            "it is not executable, its mode is 644",
        ),
        (
            "foreign",
            b"\x7fELF\x02\x01\x01 of another world",
            0o755,
            "another architecture",
        ),
        (
            "loader",
            b"#!/no/such/loader\n",
            0o755,
            "the loader that it names is missing",
        ),
        ("library", library, 0o755, "libpq.so.5"),
        (
            "killed",
            b"#!/bin/sh\nkill -9 $$\n",
            0o755,
            "ended by signal 9",
        ),
    ];
    let folders = cases.map(|(name, text, mode, _)| programs(top.path(), name, text, mode));
    let said = failure(place.command().env_remove("DOTWRAP_PG_BIN").env(
        "PROBE_BINARIES_AMONG",
        std::env::join_paths(&folders).unwrap(),
    ));
    for (folder, (.., reason)) in folders.iter().zip(cases) {
        let begin = format!("Passed over: {}, because", folder.display());
        let line = said.lines().find(|line| line.starts_with(&begin));
        assert!(
            line.is_some_and(|line| line.contains(reason)),
            "{reason}: {said}"
        );
    }
}

/// What is said of the programs in a folder that cannot be used.
fn said_of(place: &Place, folder: &Path) -> String {
    let said = failure(
        place
            .command()
            .env_remove("DOTWRAP_PG_BIN")
            .env("PROBE_BINARIES_AMONG", folder),
    );
    let begin = format!("Passed over: {}, because", folder.display());
    let line = said.lines().find(|line| line.starts_with(&begin));
    line.unwrap_or_else(|| panic!("{said}")).to_owned()
}

/// A cluster, so that nothing is fetched in place of what is passed over.
fn with_data() -> Place {
    let place = Place::new();
    place.start().end();
    place.wait_until_stopped();
    place
}

#[test]
fn a_postgres_that_gives_no_answer_is_ended_and_named() {
    let (place, top) = (with_data(), tempfile::tempdir().unwrap());
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(top.path(), open).unwrap();
    let folder = programs(top.path(), "silent", b"#!/bin/sh\nexec sleep 601\n", 0o755);
    let line = said_of(&place, &folder);
    assert!(line.contains("gives no answer within 20 s"), "{line}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_postgres_on_a_file_system_without_programs_is_named() {
    struct Mounted(tempfile::TempDir);
    impl Drop for Mounted {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg(self.0.path()).status();
        }
    }
    let top = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "noexec,mode=755", "tmpfs"])
        .arg(top.path())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("skipped: this account may not mount");
        return;
    }
    let top = Mounted(top);
    let folder = programs(top.0.path(), "bin", b"#!/bin/sh\n", 0o755);
    let line = said_of(&with_data(), &folder);
    assert!(line.contains("mounted with noexec"), "{line}");
}

#[test]
fn a_configured_folder_without_programs_is_named() {
    let place = Place::new();
    let said = failure(place.command().env("DOTWRAP_PG_BIN", "/nonexistent"));
    assert!(said.contains("DOTWRAP_PG_BIN is /nonexistent"), "{said}");
}

/// A PostgreSQL of the test's own, which can be upgraded.
struct Installation {
    top: tempfile::TempDir,
}

impl Installation {
    fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        let installed = postgres_folder(Version::V18);
        let copied = Command::new("cp")
            .arg("-a")
            .arg(installed.parent().unwrap())
            .arg(top.path().join("pg"))
            .status()
            .unwrap();
        assert!(copied.success());
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(top.path(), open).unwrap();
        Self { top }
    }

    fn command(&self, place: &Place, linger: u32) -> Command {
        let mut command = place.lingering(linger);
        command.env("DOTWRAP_PG_BIN", self.top.path().join("pg/bin"));
        command
    }

    /// As a package manager does it: the new file takes the old one's name.
    fn upgrade(&self) {
        let program = self.top.path().join("pg/bin/postgres");
        replace(&program, &fs::read(&program).unwrap());
    }

    fn plpgsql(&self) -> std::path::PathBuf {
        let library = self.top.path().join("pg/lib");
        let places = ["postgresql/plpgsql.so", "plpgsql.so"];
        let place = places.iter().map(|place| library.join(place));
        place.into_iter().find(|place| place.exists()).unwrap()
    }
}

fn replace(path: &Path, content: &[u8]) {
    let new = path.with_extension("new");
    fs::write(&new, content).unwrap();
    fs::set_permissions(&new, path.metadata().unwrap().permissions()).unwrap();
    fs::rename(new, path).unwrap();
}

#[test]
fn an_upgrade_beneath_an_idle_server_restarts_it() {
    let (place, installation) = (Place::new(), Installation::new());
    let mut first = Probe::start(installation.command(&place, 30_000));
    first.insert(1);
    let server = place.server();
    first.end();
    installation.upgrade();
    let mut second = Probe::start(installation.command(&place, 200));
    assert_eq!(second.origin, "Started");
    assert_ne!(place.server(), server);
    assert_eq!(second.count(), 1);
    second.end();
}

#[test]
fn package_upgrade_does_not_interrupt_a_server_in_use() {
    let (place, installation) = (Place::new(), Installation::new());
    let mut first = Probe::start(installation.command(&place, 200));
    installation.upgrade();
    let second = Probe::start(installation.command(&place, 200));
    assert_eq!(second.origin, "Attached");
    second.end();

    // New sessions of the old server cannot load the new version's plpgsql.
    let library = installation.plpgsql();
    let content = fs::read(&library).unwrap();
    replace(&library, b"of another version");
    let said = failure(&mut installation.command(&place, 200));
    assert!(said.contains("end them and try again"), "{said}");
    first.insert(1);
    assert_eq!(first.count(), 1);
    first.end();
    replace(&library, &content);
    let mut third = Probe::start(installation.command(&place, 200));
    assert_eq!(third.count(), 1);
    third.end();
}
