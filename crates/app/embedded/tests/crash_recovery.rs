//! Whatever is killed, acknowledged rows are kept, the next start works, and no server stays behind.

#![allow(clippy::unwrap_used, reason = "unwrapping is how a test fails")]

mod support;
use std::fs;

use support::{Place, Probe, kill_9, server_and_children, wait_until};

#[test]
fn a_killed_user_leaves_its_rows_and_no_server() {
    let place = Place::new();
    let mut user = place.start();
    assert_eq!(user.origin, "Created");
    (1..=20).for_each(|number| user.insert(number));
    user.kill_9();
    place.wait_until_stopped();

    let mut next = place.start();
    assert_eq!(next.origin, "Started");
    assert_eq!(next.count(), 20);
    next.end();
}

#[test]
fn everything_killed_at_once_loses_no_acknowledged_row() {
    let place = Place::new();
    let mut acknowledged = 0;
    for _ in 0..3 {
        let mut user = place.start();
        assert_eq!(user.count(), acknowledged);
        for _ in 0..10 {
            acknowledged += 1;
            user.insert(acknowledged);
        }
        let (keeper, server) = (place.keeper(), server_and_children(place.server()));
        assert!(server.len() > 3, "{server:?}");
        kill_9(keeper);
        server.into_iter().for_each(kill_9);
        user.kill_9();
    }
    let mut last = place.start();
    assert_eq!(last.count(), acknowledged);
    last.end();
}

#[test]
fn a_killed_server_is_started_again() {
    let place = Place::new();
    let mut user = place.start();
    user.insert(1);
    let killed = place.server();
    kill_9(killed);
    // At once: its children need a moment to notice, and postmaster.pid still names it.
    let mut next = place.start();
    assert_ne!(place.server(), killed);
    assert_eq!(next.count(), 1);
    next.end();
    user.kill_9();
}

#[test]
fn keeper_restarts_a_killed_server_in_use() {
    let place = Place::new();
    let mut user = place.start();
    user.insert(1);
    let keeper = place.keeper();
    let mut servers = vec![place.server()];
    for _ in 0..2 {
        let killed = servers[servers.len() - 1];
        kill_9(killed);
        wait_until("another server is there", || {
            let file = fs::read_to_string(place.data().join("postmaster.pid"));
            file.is_ok_and(|file| file.contains("ready") && !file.starts_with(&killed.to_string()))
        });
        servers.push(place.server());
    }
    assert_eq!(place.keeper(), keeper);
    let mut next = place.start();
    assert_eq!(next.origin, "Attached");
    assert_eq!(next.count(), 1);
    next.end();
    user.kill_9();
    place.wait_until_stopped();
}

#[test]
fn keeper_does_not_restart_an_unused_server() {
    let place = Place::new();
    let user = Probe::start(place.lingering(60_000));
    let server = place.server();
    user.end();
    kill_9(server);
    let lock = fs::File::open(place.folder().join("keeper.lock")).unwrap();
    wait_until("the keeper ends", || lock.try_lock().is_ok());
    drop(lock);
    place.wait_until_stopped();
}

#[test]
fn a_killed_keeper_is_replaced_by_the_next_user() {
    let place = Place::new();
    let mut first = place.start();
    first.insert(1);
    let killed = place.keeper();
    kill_9(killed);
    let mut second = place.start();
    assert_eq!(second.origin, "Attached");
    wait_until("another keeper is there", || place.keeper() != killed);
    first.end();
    second.insert(2);
    second.end();
    place.wait_until_stopped();
}

/// At the limit of processes it could not have another one.
#[test]
fn a_keeper_has_one_thread() {
    let place = Place::new();
    let mut user = place.start();
    user.insert(1);
    let threads = fs::read_dir(format!("/proc/{}/task", place.keeper()));
    assert_eq!(threads.unwrap().count(), 1);
    user.end();
}

#[test]
fn an_idle_server_whose_socket_was_removed_is_replaced() {
    // Who tidies up temporary files may do that.
    let place = Place::new();
    let mut user = Probe::start(place.lingering(60_000));
    user.insert(1);
    let server = place.server();
    user.end();
    fs::remove_file(place.folder().join("socket/.s.PGSQL.5432")).unwrap();
    let mut next = place.start();
    assert_eq!(next.origin, "Started");
    assert_ne!(place.server(), server);
    assert_eq!(next.count(), 1);
    next.end();
}

#[test]
fn an_initdb_that_was_killed_half_way_is_done_anew() {
    let place = Place::new();
    let mut half = place.command().spawn().unwrap();
    let building = || {
        let entries = fs::read_dir(place.folder()).ok()?.flatten();
        let names = entries.map(|entry| entry.file_name().into_string().unwrap());
        names.into_iter().find(|name| name.starts_with("building-"))
    };
    wait_until("initdb is at work", || {
        building().is_some_and(|name| place.folder().join(name).join("base").exists())
    });
    half.kill().unwrap();
    half.wait().unwrap();
    assert!(!place.data().exists());

    let mut user = place.start();
    assert_eq!(user.origin, "Created");
    user.insert(1);
    user.end();
    assert_eq!(building(), None);
}

#[test]
fn a_postmaster_pid_that_names_some_other_process_is_no_obstacle() {
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::process::CommandExt;

    let place = Place::new();
    let mut user = place.start();
    user.insert(1);
    let file = place.data().join("postmaster.pid");
    let left = fs::read_to_string(&file).unwrap();
    user.end();
    place.wait_until_stopped();

    // PostgreSQL takes any living process of the server's own account for a running server.
    let account = place.data().metadata().unwrap();
    let mut other = std::process::Command::new("sleep");
    if support::i_am_root() {
        other.uid(account.uid()).gid(account.gid());
    }
    let mut other = other.arg("600").spawn().unwrap();
    let (_, rest) = left.split_once('\n').unwrap();
    fs::write(&file, format!("{}\n{rest}", other.id())).unwrap();

    let mut next = place.start();
    assert_eq!(next.count(), 1);
    next.end();
    assert_eq!(
        other.try_wait().unwrap(),
        None,
        "the other process was ended"
    );
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn manually_started_server_is_not_stopped() {
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::process::CommandExt;

    let place = Place::new();
    place.start().end();
    place.wait_until_stopped();
    let account = place.data().metadata().unwrap();
    let binaries = dotwrap_testkit::postgres_folder(dotwrap_testkit::Version::V15);
    let mut by_hand = std::process::Command::new(binaries.join("postgres"));
    if support::i_am_root() {
        by_hand.uid(account.uid()).gid(account.gid());
    }
    let mut by_hand = by_hand
        .arg("-D")
        .arg(place.data().canonicalize().unwrap())
        .args([
            "-c",
            "listen_addresses=",
            "-c",
            "unix_socket_directories=../socket",
        ])
        .current_dir("/")
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    wait_until("it runs", || {
        fs::read_to_string(place.data().join("postmaster.pid"))
            .is_ok_and(|file| file.contains("ready"))
    });

    let said = support::failure(&mut place.command());
    assert!(said.contains("did not start"), "{said}");
    assert!(
        said.contains(&format!("process {}", by_hand.id())),
        "{said}"
    );
    assert_eq!(by_hand.try_wait().unwrap(), None, "it was ended");
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(i32::try_from(by_hand.id()).unwrap()),
        nix::sys::signal::Signal::SIGINT,
    )
    .unwrap();
    by_hand.wait().unwrap();
    Probe::start(place.command()).end();
}
