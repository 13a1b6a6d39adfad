//! A user id that no passwd file knows, as containers have them.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "unwrapping is how a test fails")]

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;

use support::{Place, Probe, failure, i_am_root, owner_of_process};

/// An id without an entry.
const NAMELESS: u32 = 1_234_567;

/// A place of the nameless user. Only root can become another user.
fn place() -> Option<Place> {
    let entry = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(NAMELESS));
    assert_eq!(entry.unwrap(), None);
    if !i_am_root() {
        eprintln!("NOT TESTED: only root can become a user without a name");
        return None;
    }
    let place = Place::new();
    fs::create_dir(place.folder()).unwrap();
    chown(place.folder(), Some(NAMELESS), Some(NAMELESS)).unwrap();
    Some(place)
}

/// The probe as the nameless user, who may not look into the folder of this build.
fn command(place: &Place, path: &str) -> std::process::Command {
    let program = place.folder().parent().unwrap().join("probe");
    fs::copy(env!("CARGO_BIN_EXE_embedded-probe"), &program).unwrap();
    fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let usual = place.command();
    let mut command = std::process::Command::new(&program);
    command
        .args(usual.get_args())
        .envs(
            usual
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("PATH", path)
        .env_remove("HOME")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .uid(NAMELESS)
        .gid(NAMELESS)
        .current_dir("/");
    command
}

#[test]
fn a_user_without_a_name_has_a_cluster() {
    let Some(place) = place() else { return };
    let path = std::env::var("PATH").unwrap();
    let mut probe = Probe::start(command(&place, &path));
    assert_eq!(probe.origin, "Created");
    assert_eq!(owner_of_process(place.server()), NAMELESS);
    probe.insert(7);
    assert_eq!(probe.count(), 1);
    probe.end();
}

/// Without the library and without namespaces.
#[test]
fn where_nothing_gives_the_user_a_name_it_is_said_what_can() {
    let Some(place) = place() else { return };
    let has_wrapper = fs::read_dir("/usr/lib")
        .unwrap()
        .flatten()
        .any(|entry| entry.path().join("libnss_wrapper.so").exists());
    if has_wrapper {
        eprintln!("NOT TESTED: libnss_wrapper is installed here");
        return;
    }
    let said = failure(&mut command(&place, "/nowhere"));
    for part in ["1234567 has no name", "libnss", "DATABASE_URL"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
}
