//! The embedded server where its keeper was killed and nobody can connect: a gate is closed all the same.

use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::crowded::{close_gates, history, home_with, start, wait_until_running};
use super::site::until;
use crate::support::wait;

/// Processes that open connections and never say anything: as many as the server takes, and as many as may wait to be
/// accepted.
struct Silence(Vec<Child>);

impl Silence {
    fn on(socket: &Path) -> Self {
        let script = "use Socket; my @held; while (1) { socket(my $one, PF_UNIX, SOCK_STREAM, 0) or (sleep(1), next); \
                      connect($one, sockaddr_un($ARGV[0])) and push @held, $one; \
                      if (@held > 700) { select(undef, undef, undef, 0.2); splice(@held, 0, 20) } }";
        let flood = || {
            let mut command = std::process::Command::new("perl");
            command.args(["-e", script]).arg(socket).spawn().unwrap()
        };
        Self((0..3).map(|_| flood()).collect())
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        for flood in &mut self.0 {
            let _ = flood.kill();
            let _ = flood.wait();
        }
    }
}

/// Not even waiting to be accepted is possible then (`EAGAIN`).
#[test]
fn a_gate_is_closed_where_the_keeper_was_killed_and_nobody_can_connect() {
    let home = home_with(1);
    let mut started = vec![start(&home, 0)];
    wait_until_running(&home, 1, &mut started);
    let folder = home.folder().join("embedded");
    let folder = folder.canonicalize().unwrap();
    let keeper = until(|| {
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        let mut pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.find(|pid: &i32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            let mut words = line.split('\0').skip(1);
            words.next() == Some("__embedded-keeper")
                && words.next() == Some(folder.to_str().unwrap())
        })
    });
    kill(Pid::from_raw(keeper), Signal::SIGKILL).unwrap();
    let socket = folder.join("socket/.s.PGSQL.5432");
    let silence = Silence::on(&socket);
    let full = |socket: &Path| {
        wait(async {
            let connected = tokio::net::UnixStream::connect(socket).await;
            connected.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
        })
    };
    until(|| full(&socket).then_some(()));
    let took = close_gates(&home);
    assert!(took < Duration::from_secs(30), "{took:?}");
    let begun = Instant::now();
    until(|| started[0].try_wait().unwrap());
    assert!(begun.elapsed() < Duration::from_secs(30));
    drop(silence);
    let last = until(|| {
        let answer = home.call(&["gates", "history", "--output", "json"]);
        (answer.status == 0).then(|| history(&home))
    });
    assert_eq!(last[0]["value"], "false", "{last}");
    assert_eq!(last[0]["recorded_by"], "dotwrap_reserve", "{last}");
}
