//! What a worker tells the service manager that started it.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::site::{Pair, Site, signal};

/// Nothing that is waited for takes this long.
const WAIT_LIMIT: Duration = Duration::from_secs(60);

fn listening(site: &Site) -> UnixDatagram {
    let socket = UnixDatagram::bind(site.path("notify")).unwrap();
    socket.set_read_timeout(Some(WAIT_LIMIT)).unwrap();
    socket
}

/// Reads until a message has this line.
fn hear(socket: &UnixDatagram, line: &str) {
    let mut buffer = [0; 4096];
    loop {
        let length = socket.recv(&mut buffer).unwrap_or_else(|error| {
            panic!("{line} is not told: {error}");
        });
        let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if message.lines().any(|told| told == line) {
            return;
        }
    }
}

#[test]
fn a_worker_tells_when_it_is_ready_that_it_lives_and_when_it_stops() {
    let site = Site::with(&Pair::default());
    let socket = listening(&site);
    let mut worker = site.0.command(&["worker", "--runs-folder", "runs"]);
    worker
        .env("NOTIFY_SOCKET", site.path("notify"))
        .env("WATCHDOG_USEC", "200000");
    let mut worker = worker.spawn().unwrap();
    hear(&socket, "READY=1");
    hear(&socket, "WATCHDOG=1");
    hear(&socket, "WATCHDOG=1");
    signal(&worker, Signal::SIGTERM);
    hear(&socket, "STOPPING=1");
    assert!(worker.wait().unwrap().success());
}

/// A worker without its database is not ready.
#[test]
fn a_worker_that_cannot_begin_tells_nothing() {
    let site = Site::with(&Pair::default());
    let socket = listening(&site);
    let mut worker = site.0.command(&["worker"]);
    worker
        .env("NOTIFY_SOCKET", site.path("notify"))
        .env("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/d");
    let ended = worker.output().unwrap();
    assert_eq!(ended.status.code(), Some(69));
    socket.set_nonblocking(true).unwrap();
    assert!(socket.recv(&mut [0; 16]).is_err());
}
