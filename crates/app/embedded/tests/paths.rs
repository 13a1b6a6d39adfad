//! Unusual, inaccessible and foreign folders.

#![allow(clippy::unwrap_used, reason = "unwrapping is how a test fails")]

mod support;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use support::{Place, failure, i_am_root};

fn socket_folder(url: &str) -> PathBuf {
    let (_, host) = url.split_once("host=").unwrap();
    let (host, _) = host.split_once('&').unwrap();
    PathBuf::from(host.replace("%20", " "))
}

/// So long that no socket fits into a folder in it.
fn long_name() -> String {
    "long".repeat(30)
}

#[test]
fn a_path_with_spaces_quotes_and_commas_works() {
    let place = Place::named("a folder, \"quoted\" with 'all' $HOME `of` it \\ é");
    let mut user = place.start();
    user.insert(1);
    assert_eq!(user.count(), 1);
    user.end();
}

#[test]
fn data_that_were_moved_to_another_disk_are_used_by_their_link() {
    let place = Place::new();
    let mut user = place.start();
    user.insert(1);
    user.end();
    place.wait_until_stopped();
    let elsewhere = place.folder().parent().unwrap().join("elsewhere");
    fs::rename(place.data(), &elsewhere).unwrap();
    symlink(&elsewhere, place.data()).unwrap();
    let mut next = place.start();
    assert_eq!(next.count(), 1);
    next.end();
}

#[test]
fn a_path_too_long_for_a_socket_gets_a_short_one_that_is_closed_to_others() {
    let place = Place::named(&long_name());
    let mut command = place.command();
    command.env_remove("XDG_RUNTIME_DIR");
    let mut user = support::Probe::start(command);
    user.insert(1);
    let socket = socket_folder(&user.url);
    assert!(socket.starts_with("/tmp"), "{}", socket.display());
    let found = socket.metadata().unwrap();
    assert_eq!(found.mode() & 0o777, 0o700);
    assert_eq!(found.uid(), place.data().metadata().unwrap().uid());
    // Whatever their environment says, the next ones go to where the server is.
    let runtime = tempfile::tempdir().unwrap();
    let mut command = place.command();
    command.env("XDG_RUNTIME_DIR", runtime.path());
    let next = support::Probe::start(command);
    assert_eq!((next.origin.as_str(), &next.url), ("Attached", &user.url));
    next.end();
    user.end();
    place.wait_until_stopped();
    fs::remove_dir(socket).unwrap();
}

#[test]
fn the_longest_path_that_fits_is_used_and_one_more_letter_is_too_long() {
    // macOS has room for 103 bytes and the zero that ends them; Linux for four more.
    let longest = 103 - "/socket/.s.PGSQL.5432".len();
    for (length, stays) in [(longest, true), (longest + 1, false)] {
        let place = Place::of_length(length);
        let mut command = place.command();
        command.env_remove("XDG_RUNTIME_DIR");
        let mut user = support::Probe::start(command);
        user.insert(1);
        let socket = socket_folder(&user.url);
        assert_eq!(
            socket == place.folder().join("socket"),
            stays,
            "{}",
            socket.display()
        );
        user.end();
        place.wait_until_stopped();
        fs::remove_dir_all(socket).unwrap();
    }
}

#[test]
fn preexisting_socket_dir_is_refused() {
    let place = Place::named(&long_name());
    let mut command = place.command();
    command.env_remove("XDG_RUNTIME_DIR");
    let user = support::Probe::start(command);
    let socket = socket_folder(&user.url);
    user.end();
    place.wait_until_stopped();
    fs::remove_dir(&socket).unwrap();

    let elsewhere = tempfile::tempdir().unwrap();
    symlink(elsewhere.path(), &socket).unwrap();
    let said = failure(place.command().env_remove("XDG_RUNTIME_DIR"));
    fs::remove_file(&socket).unwrap();
    assert!(said.contains(socket.to_str().unwrap()), "{said}");
    assert!(said.contains("remove it"), "{said}");
}

#[test]
fn as_root_a_folder_that_the_server_cannot_reach_is_named() {
    if !i_am_root() {
        return;
    }
    let closed = tempfile::tempdir().unwrap();
    fs::set_permissions(closed.path(), Permissions::from_mode(0o700)).unwrap();
    let said = failure(
        std::process::Command::new(env!("CARGO_BIN_EXE_embedded-probe"))
            .arg(closed.path().join("cluster")),
    );
    assert!(said.contains(closed.path().to_str().unwrap()), "{said}");
    assert!(said.contains("DOTWRAP_HOME"), "{said}");
}

#[test]
fn missing_home_names_the_setting() {
    let said = failure(
        std::process::Command::new(env!("CARGO_BIN_EXE_embedded-probe"))
            .env("HOME", "no/home")
            .env_remove("XDG_DATA_HOME")
            .env_remove("DOTWRAP_HOME"),
    );
    assert!(said.contains("set DOTWRAP_HOME"), "{said}");
}

#[test]
fn failed_folder_creation_names_path_and_remedy() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let said = failure(
        std::process::Command::new(env!("CARGO_BIN_EXE_embedded-probe"))
            .env("DOTWRAP_HOME", file.path()),
    );
    assert!(said.contains(file.path().to_str().unwrap()), "{said}");
    assert!(said.contains("DOTWRAP_HOME"), "{said}");
}

#[test]
fn the_data_lie_under_dotwrap_home_where_that_is_set() {
    let place = Place::named("embedded");
    let home = place.folder().parent().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_embedded-probe"));
    command
        .env("DOTWRAP_HOME", home)
        .env(
            "DOTWRAP_PG_BIN",
            dotwrap_testkit::postgres_folder(dotwrap_testkit::Version::V15),
        )
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let user = support::Probe::start(command);
    assert!(place.data().join("PG_VERSION").exists());
    assert_eq!(
        mode(place.folder()),
        if i_am_root() { 0o711 } else { 0o700 }
    );
    assert_eq!(mode(&place.data()), 0o700);
    assert_eq!(mode(&socket_folder(&user.url)), 0o700);
    user.end();
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn a_data_folder_that_is_no_cluster_is_not_touched() {
    let place = Place::new();
    fs::create_dir_all(place.data()).unwrap();
    fs::write(place.data().join("precious"), "mine").unwrap();
    fs::set_permissions(place.folder(), Permissions::from_mode(0o755)).unwrap();
    let said = failure(&mut place.command());
    assert!(said.contains("nothing has been touched"), "{said}");
    assert_eq!(
        fs::read_to_string(place.data().join("precious")).unwrap(),
        "mine"
    );
}

#[test]
fn a_path_that_postgresql_has_no_room_for_is_refused_by_its_length() {
    let place = Place::new();
    let name = "x".repeat(200);
    let long: PathBuf = std::iter::repeat_n(name.as_str(), 4).collect();
    let said = failure(
        std::process::Command::new(env!("CARGO_BIN_EXE_embedded-probe"))
            .arg(place.folder().join(long)),
    );
    assert!(said.contains("PostgreSQL takes 800"), "{said}");
    assert!(!place.folder().exists());
}

/// As another container sees it that was given the same folder.
#[test]
fn server_with_an_invisible_process_is_reported_as_elsewhere() {
    let place = Place::new();
    place.start().end();
    place.wait_until_stopped();
    let lock = fs::File::open(place.folder().join("server.lock")).unwrap();
    lock.lock().unwrap();
    let file = place.data().join("postmaster.pid");
    let text = format!(
        "4194303\n{}\n1\n5432\n/nowhere\n\n0 0\nready   \n",
        place.data().display()
    );
    fs::write(&file, text).unwrap();
    let said = failure(&mut place.command());
    fs::remove_file(&file).unwrap();
    assert!(said.contains("another container"), "{said}");
    assert!(said.contains("4194303"), "{said}");
}
