//! The embedded server is killed while a tool runs.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::crowded::{home_with_producers, start, wait_until_running};
use super::site::{end, until};

#[test]
fn the_keeper_starts_a_killed_server_again_and_the_run_is_concluded() {
    let home = home_with_producers(1, "while [ ! -e FOLDER/go ]; do sleep 0.1; done");
    let mut started = vec![start(&home, 0)];
    wait_until_running(&home, 1, &mut started);
    let file = home.folder().join("embedded/data/postmaster.pid");
    let server = || -> Option<i32> {
        let text = std::fs::read_to_string(&file).ok()?;
        text.lines().next()?.parse().ok()
    };
    let killed = server().unwrap();
    kill(Pid::from_raw(killed), Signal::SIGKILL).unwrap();
    // No other command comes that would start it.
    until(|| server().filter(|server| *server != killed));
    std::fs::write(home.desk.folder().join("go"), "").unwrap();
    let record = end(started.remove(0)).expect(0).json();
    assert_eq!(record["status"], "completed", "{record}");
    home.call(&["verify"]).expect(0);
}
