//! On a Linux without `/proc`, the message says that it is missing.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "unwrapping is how a test fails")]

mod support;
use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

use dotwrap_testkit::{Version, postgres_folder};
use support::{Place, failure, i_am_root};

/// An account that is not root's, with or without a name.
const OTHER: u32 = 1000;

/// The probe where nothing is mounted at `/proc`, as root or as the other account.
fn without_proc(probe: &Path, folder: &Path, is_root: bool) -> Command {
    let mut command = Command::new("unshare");
    let script = "mount -t tmpfs none /proc && exec \"$@\"";
    command.args(["-m", "sh", "-c", script, "sh"]);
    if !is_root {
        let id = OTHER.to_string();
        command.args(["setpriv", "--reuid", &id, "--regid", &id, "--clear-groups"]);
    }
    command
        .args([probe, folder])
        .env("DOTWRAP_PG_BIN", postgres_folder(Version::V15))
        .current_dir("/");
    command
}

#[test]
fn without_proc_root_and_others_get_the_same_reason_and_advice() {
    if !i_am_root() {
        eprintln!("NOT TESTED: only root can mount something at /proc");
        return;
    }
    let place = Place::new();
    let probe = place.folder().parent().unwrap().join("probe");
    fs::copy(env!("CARGO_BIN_EXE_embedded-probe"), &probe).unwrap();
    let others = Place::new();
    fs::create_dir(others.folder()).unwrap();
    chown(others.folder(), Some(OTHER), Some(OTHER)).unwrap();

    let expected = failure(&mut without_proc(&probe, others.folder(), false));
    assert!(expected.contains("there is no /proc"), "{expected}");
    assert!(expected.contains("mount -t proc proc /proc"), "{expected}");
    assert!(!expected.contains("DOTWRAP_HOME"), "{expected}");
    assert!(!others.data().exists());

    // A new folder, a running server, and one that has stopped.
    let as_root = || failure(&mut without_proc(&probe, place.folder(), true));
    assert_eq!(as_root(), expected);
    let mut user = place.start();
    user.insert(1);
    assert_eq!(as_root(), expected);
    user.end();
    place.wait_until_stopped();
    assert_eq!(as_root(), expected);
}
