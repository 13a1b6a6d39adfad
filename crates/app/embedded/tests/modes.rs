//! Changed modes of the cluster's files are corrected, and exposed passwords are replaced.

#![allow(clippy::unwrap_used, reason = "unwrapping is how a test fails")]

mod support;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use support::{Place, Probe, failure, i_am_root, wait_until};

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// The mode that the home has: as root, the server's account passes through it.
fn home_mode() -> u32 {
    if i_am_root() { 0o711 } else { 0o700 }
}

fn noted(place: &Place) -> String {
    fs::read_to_string(place.folder().join("mended.log")).unwrap_or_default()
}

/// A cluster with a row, whose server stays up without users.
fn idle() -> (Place, String) {
    let place = Place::new();
    let mut user = Probe::start(place.lingering(60_000));
    user.insert(1);
    user.end();
    let passwords = fs::read_to_string(place.passwords()).unwrap();
    (place, passwords)
}

/// Ends a server that lingers.
fn end_server(place: &Place) {
    let (keeper, server) = (place.keeper(), place.server());
    support::kill_9(keeper);
    support::kill_9(server);
    place.wait_until_stopped();
}

#[test]
fn correct_modes_produce_no_notice() {
    let (place, before) = idle();
    place.start().end();
    assert_eq!(noted(&place), "");
    assert_eq!(fs::read_to_string(place.passwords()).unwrap(), before);
    end_server(&place);
}

#[test]
fn keeper_restores_modes_and_replaces_passwords_of_a_running_server() {
    let place = Place::new();
    let mut user = place.start();
    user.insert(1);
    let before = fs::read_to_string(place.passwords()).unwrap();
    let socket = place.folder().join("socket");
    set_mode(&socket.join(".s.PGSQL.5432"), 0o777);
    set_mode(&socket, 0o755);
    set_mode(&place.passwords(), 0o644);
    set_mode(place.folder(), 0o755);
    wait_until("new passwords are set", || {
        noted(&place).contains("new passwords are set")
    });
    assert_ne!(fs::read_to_string(place.passwords()).unwrap(), before);
    assert_eq!(mode(&place.passwords()), 0o600);
    assert_eq!(mode(&socket), 0o700);
    assert_eq!(mode(&socket.join(".s.PGSQL.5432")), 0o700);
    assert_eq!(mode(place.folder()), home_mode());
    // Sessions stay, and new ones are opened with the new passwords.
    user.insert(2);
    let mut next = place.start();
    assert_eq!(next.origin, "Attached");
    assert_eq!(next.count(), 2);
    let old = before
        .lines()
        .find_map(|line| line.strip_prefix("*:*:*:postgres:"));
    assert!(!lets_in(&place, old.unwrap()));
    next.end();
    user.end();
}

/// Whether the superuser comes in with this password.
fn lets_in(place: &Place, password: &str) -> bool {
    let mut config = tokio_postgres::Config::new();
    config
        .host_path(place.folder().join("socket"))
        .user("postgres")
        .password(password)
        .dbname("dotwrap");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { config.connect(tokio_postgres::NoTls).await.is_ok() })
}

#[test]
fn passwords_that_were_open_while_no_server_ran_are_replaced_when_it_starts() {
    for spoil in [
        (|file: &Path| set_mode(file, 0o644)) as fn(&Path),
        |file: &Path| fs::hard_link(file, file.with_file_name("other")).unwrap(),
        |file: &Path| {
            let elsewhere = file.with_file_name("elsewhere");
            fs::rename(file, &elsewhere).unwrap();
            symlink(elsewhere, file).unwrap();
        },
    ] {
        let place = Place::new();
        let mut user = place.start();
        user.insert(1);
        user.end();
        place.wait_until_stopped();
        let before = fs::read_to_string(place.passwords()).unwrap();
        spoil(&place.passwords());
        let mut next = place.start();
        assert_eq!(next.count(), 1);
        assert_ne!(fs::read_to_string(place.passwords()).unwrap(), before);
        assert!(place.passwords().symlink_metadata().unwrap().is_file());
        assert_eq!(mode(&place.passwords()), 0o600);
        assert!(
            noted(&place).contains("it gets new passwords"),
            "{}",
            noted(&place)
        );
        next.end();
    }
}

/// A reader of a hard link to the file could also read new content.
#[test]
fn passwords_that_got_another_name_are_replaced_while_the_server_runs() {
    let place = Place::new();
    let user = place.start();
    let other = place.folder().join("other");
    fs::hard_link(place.passwords(), &other).unwrap();
    wait_until("new passwords are set", || {
        noted(&place).contains("new passwords are set")
    });
    assert!(noted(&place).contains("hard link"), "{}", noted(&place));
    let old = fs::read_to_string(&other).unwrap();
    assert_ne!(fs::read_to_string(place.passwords()).unwrap(), old);
    let mut old = old.lines();
    let old = old.find_map(|line| line.strip_prefix("*:*:*:postgres:"));
    assert!(!lets_in(&place, old.unwrap()));
    user.end();
}

#[test]
fn data_that_were_closed_are_opened_to_the_server_again() {
    let place = Place::new();
    let mut user = place.start();
    user.insert(1);
    user.end();
    place.wait_until_stopped();
    set_mode(&place.data().join("global"), 0);
    set_mode(&place.data().join("PG_VERSION"), 0);
    set_mode(&place.data(), 0);
    let mut next = place.start();
    assert_eq!(next.count(), 1);
    assert_eq!(mode(&place.data()), 0o700);
    assert!(
        noted(&place).contains("data: mode 0 mended to 700"),
        "{}",
        noted(&place)
    );
    next.end();
}

#[test]
fn a_folder_that_holds_data_is_never_advised_to_be_moved_away() {
    let place = Place::new();
    place.start().end();
    place.wait_until_stopped();
    fs::remove_file(place.data().join("PG_VERSION")).unwrap();
    let said = failure(&mut place.command());
    assert!(said.contains("It holds data"), "{said}");
    assert!(!said.contains("ove it away"), "{said}");
}

#[test]
fn folder_that_is_no_cluster_keeps_its_mode() {
    let place = Place::new();
    fs::create_dir_all(place.data()).unwrap();
    set_mode(&place.data(), 0o755);
    let said = failure(&mut place.command());
    assert!(said.contains("Move it away"), "{said}");
    assert_eq!(mode(&place.data()), 0o755);
}

/// Links in the folders of the server's account do not redirect a change to another account's file.
#[test]
fn links_in_the_servers_folders_change_no_other_file() {
    let (place, _) = idle();
    end_server(&place);
    let others = tempfile::tempdir_in(place.folder().parent().unwrap()).unwrap();
    let (file, folder) = (others.path().join("file"), others.path().join("folder"));
    fs::write(&file, "").unwrap();
    fs::create_dir(&folder).unwrap();
    let data = place.folder().join("data");
    let at_socket = place.folder().join("socket/.s.PGSQL.5432");
    symlink(&file, data.join("link")).unwrap();
    symlink(&folder, data.join("folder")).unwrap();
    // A hard link to a file of one's own is one's own file.
    if i_am_root() {
        fs::hard_link(&file, data.join("other_name")).unwrap();
    }
    for target in [&file, &folder] {
        for before in [0o000, 0o755] {
            let _none_there = fs::remove_file(&at_socket);
            symlink(target, &at_socket).unwrap();
            set_mode(&file, before);
            set_mode(&folder, before);
            let user = Probe::start(place.lingering(60_000));
            assert_eq!(mode(&file), before, "{}", target.display());
            assert_eq!(mode(&folder), before, "{}", target.display());
            user.end();
            end_server(&place);
        }
    }
    set_mode(&folder, 0o755);
}
