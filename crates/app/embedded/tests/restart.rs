//! The server and its keeper are killed together while processes use them.

#![allow(clippy::unwrap_used, reason = "unwrapping is how a test fails")]

mod support;
use std::fs;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::{Place, Probe, kill_9, postmasters, wait_until};

/// Longer than a process takes to notice that the server is gone, and to start one.
const LONG_ENOUGH: Duration = Duration::from_secs(4);

/// A process that starts the server again.
fn restarting(place: &Place) -> Probe {
    let mut command = place.command();
    command.env("PROBE_RESTARTS", "yes");
    Probe::start(command)
}

fn kill_both(place: &Place) {
    let (keeper, server) = (place.keeper(), place.server());
    kill_9(keeper);
    kill_9(server);
    wait_until("another server is ready", || {
        let file = fs::read_to_string(place.data().join("postmaster.pid"));
        file.is_ok_and(|file| file.contains("ready") && !file.starts_with(&format!("{server}\n")))
    });
}

#[test]
fn users_of_a_server_that_was_killed_with_its_keeper_start_one_of_each() {
    let place = Place::new();
    let mut users: Vec<Probe> = (0..6).map(|_| restarting(&place)).collect();
    users[0].insert(1);
    for _ in 0..2 {
        kill_both(&place);
        let (keeper, server) = (place.keeper(), place.server());
        // The others come to it later.
        std::thread::sleep(LONG_ENOUGH);
        assert_eq!((place.keeper(), place.server()), (keeper, server));
        assert_eq!(postmasters(&place), [server]);
    }
    let mut next = place.start();
    assert_eq!(next.origin, "Attached");
    assert_eq!(next.count(), 1);
    next.end();
    users.into_iter().for_each(Probe::kill_9);
    // The new keeper stops it, as the first one would have.
    place.wait_until_stopped();
}

#[test]
fn server_that_was_stopped_after_its_keeper_was_killed_stays_down() {
    let place = Place::new();
    let mut user = restarting(&place);
    user.insert(1);
    kill_9(place.keeper());
    kill(Pid::from_raw(place.server()), Signal::SIGINT).unwrap();
    place.wait_until_stopped();
    std::thread::sleep(LONG_ENOUGH);
    assert!(postmasters(&place).is_empty());
    let mut next = place.start();
    assert_eq!(next.origin, "Started");
    assert_eq!(next.count(), 1);
    next.end();
    user.kill_9();
}

#[test]
fn server_that_can_not_start_is_tried_again_and_comes_back_with_its_data() {
    let place = Place::new();
    let mut user = restarting(&place);
    user.insert(1);
    let (control, aside) = (
        place.data().join("global/pg_control"),
        place.data().join("global/aside"),
    );
    let server = place.server();
    kill_9(place.keeper());
    fs::rename(&control, &aside).unwrap();
    kill_9(server);
    // That a server was started in vain.
    wait_until("another server has ended", || {
        let log = fs::read_to_string(place.folder().join("server.log"));
        log.is_ok_and(|log| log.contains("could not find the database system"))
    });
    fs::rename(&aside, &control).unwrap();
    wait_until("another server is ready", || {
        let file = fs::read_to_string(place.data().join("postmaster.pid"));
        file.is_ok_and(|file| file.contains("ready") && !file.starts_with(&format!("{server}\n")))
    });
    let mut next = place.start();
    assert_eq!(next.origin, "Attached");
    assert_eq!(next.count(), 1);
    next.end();
    user.kill_9();
}
