//! The embedded server is killed while a tool runs, alone or with its keeper.

use std::path::Path;
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::crowded::{home_with_producers, start, wait_until_running};
use super::site::{CANDIDATE, end, until};
use crate::home::Home;

/// The tools wait for the file `go`.
const PRODUCER: &str = "while [ ! -e FOLDER/go ]; do sleep 0.1; done";

fn server(home: &Home) -> Option<i32> {
    let file = home.folder().join("embedded/data/postmaster.pid");
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().next()?.parse().ok()
}

fn keepers(home: &Home) -> Vec<i32> {
    let folder = home.folder().join("embedded").canonicalize().unwrap();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let is_keeper = |pid: &i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let mut words = line
            .split(|byte| *byte == 0)
            .skip(1)
            .map(String::from_utf8_lossy);
        words.next().is_some_and(|word| word == "__embedded-keeper")
            && words.next().is_some_and(|word| Path::new(&*word) == folder)
    };
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(is_keeper)
        .collect()
}

fn kill_9(process: i32) {
    kill(Pid::from_raw(process), Signal::SIGKILL).unwrap();
}

/// Kills the keeper and the server, and waits until another server is there.
fn kill_both(home: &Home) {
    let killed = server(home).unwrap();
    let keepers = keepers(home);
    assert_eq!(keepers.len(), 1, "{keepers:?}");
    kill_9(keepers[0]);
    kill_9(killed);
    until(|| server(home).filter(|server| *server != killed));
}

fn expect_completed(home: &Home, started: Vec<Child>) {
    home.desk.file("go", "");
    for run in started {
        let record = end(run).expect(0).json();
        assert_eq!(record["status"], "completed", "{record}");
        assert_eq!(record["verdict"], "pass", "{record}");
    }
    home.call(&["verify"]).expect(0);
}

#[test]
fn the_keeper_starts_a_killed_server_again_and_the_run_is_concluded() {
    let home = home_with_producers(1, PRODUCER);
    let mut started = vec![start(&home, 0)];
    wait_until_running(&home, 1, &mut started);
    let killed = server(&home).unwrap();
    kill_9(killed);
    // No other command comes that would start it.
    until(|| server(&home).filter(|server| *server != killed));
    expect_completed(&home, started);
}

#[test]
fn runs_start_a_server_again_that_was_killed_with_its_keeper_and_are_concluded() {
    let home = home_with_producers(3, PRODUCER);
    let mut started = (0..3)
        .map(|number| start(&home, number))
        .collect::<Vec<_>>();
    wait_until_running(&home, 3, &mut started);
    kill_both(&home);
    let keepers = keepers(&home);
    assert_eq!(keepers.len(), 1, "{keepers:?}");
    expect_completed(&home, started);
}

#[test]
fn a_worker_starts_a_server_again_that_was_killed_with_its_keeper() {
    let home = home_with_producers(1, PRODUCER);
    let request = ["requests", "add", "DOT_MAKE_0", "--candidate", CANDIDATE];
    home.call(&[&request[..], &["--mode", "real-run"]].concat())
        .expect(0);
    let mut worker = vec![
        home.command(&["worker", "--once", "--output", "json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    ];
    wait_until_running(&home, 1, &mut worker);
    kill_both(&home);
    home.desk.file("go", "");
    end(worker.remove(0)).expect(0);
    let words = ["requests", "show", "last", "--output", "json"];
    let request = home.call(&words).expect(0).json();
    assert_eq!(request["run_status"], "completed", "{request}");
    assert_eq!(request["run_verdict"], "pass", "{request}");
    home.call(&["verify"]).expect(0);
}
