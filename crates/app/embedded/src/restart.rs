//! Starts the server again where both the server and its keeper were killed while this process uses them. A keeper that
//! lives restarts a killed server itself.
//!
//! Several processes may notice at the same time. The start lock lets one of them act.
//!
//! ```text
//! A: no server, no keeper │ takes the start lock, starts keeper and server │ releases the lock
//! B: no server, no keeper │ waits for the start lock                       │ finds the server, starts nothing
//! ```
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::Embedded;
use crate::cluster_dir::ClusterDir;
use crate::files;
use crate::lock::Lock;
use crate::postmaster::{self, Postmaster};

/// The interval at which a process checks whether the server and its keeper were killed.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// The number of consecutive restarts of a killed server.
const MAX_RESTARTS: u32 = 6;

/// A server that ran for this long started successfully.
const RESTARTS_APART: Duration = Duration::from_secs(60);

/// The unit of the delay before a restart.
const FIRST_DELAY: Duration = Duration::from_millis(100);

/// The longest delay between two starts.
const LONGEST_DELAY: Duration = Duration::from_secs(3);

/// How often a server that was killed is started again.
pub(crate) struct Restarts {
    in_a_row: u32,
    last: Instant,
}

impl Restarts {
    pub(crate) fn new() -> Self {
        Self {
            in_a_row: 0,
            last: Instant::now(),
        }
    }

    /// The delay before the next start; None where another start is useless. A server that ran for a while resets the
    /// count.
    pub(crate) fn next(&mut self) -> Option<Duration> {
        if self.last.elapsed() > RESTARTS_APART {
            self.in_a_row = 0;
        }
        self.last = Instant::now();
        self.in_a_row += 1;
        (self.in_a_row <= MAX_RESTARTS).then(|| FIRST_DELAY.saturating_mul(1 << self.in_a_row))
    }

    /// The delay before the next start, for a process that waits for the server: its wait has a limit of its own, and
    /// what keeps the server from starting, a full disk, may pass.
    fn delay(&mut self) -> Duration {
        self.next().unwrap_or(LONGEST_DELAY).min(LONGEST_DELAY)
    }

    /// Counts the time in which the server runs from now on: the start itself may take longer.
    fn attempt_ended(&mut self) {
        self.last = Instant::now();
    }
}

/// The task that checks; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct RestartTask(JoinHandle<()>);

impl RestartTask {
    /// Starts it. The caller holds a share of the users' lock for as long as the task runs.
    pub(crate) fn spawn(embedded: Embedded, home: ClusterDir) -> Self {
        Self(tokio::spawn(watch(embedded, home)))
    }
}

impl Drop for RestartTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn watch(embedded: Embedded, home: ClusterDir) {
    let mut restarts = Restarts::new();
    let mut is_first_failure = true;
    // Where the marker cannot be made, this process still knows.
    let mut has_failed = false;
    loop {
        sleep(CHECK_INTERVAL).await;
        if Postmaster::running(&home.data()).is_some() {
            (is_first_failure, has_failed) = (true, false);
            continue;
        }
        let is_due = |home: &ClusterDir| is_unattended(home) && (has_failed || was_killed(home));
        if !is_due(&home) {
            continue;
        }
        sleep(restarts.delay()).await;
        match embedded.start_again(is_due).await {
            Ok(true) => tracing::warn!(
                "the embedded server and its keeper were killed; they are started again"
            ),
            Ok(false) => {}
            Err(error) => {
                if is_first_failure {
                    let reason = last_line(&error.to_string());
                    tracing::warn!(
                        reason,
                        "the embedded server was killed and cannot be started again yet; more attempts follow"
                    );
                }
                (is_first_failure, has_failed) = (false, true);
            }
        }
        restarts.attempt_ended();
    }
}

/// The line of a server's log that says why it ended, or the last one.
fn last_line(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<&str> = lines.collect();
    let mut fatal = lines.iter().rev();
    let fatal = fatal.find(|line| line.contains("FATAL") || line.contains("PANIC"));
    (*fatal.or(lines.last()).unwrap_or(&"")).to_owned()
}

/// Notes that the server was killed. A start that fails removes `postmaster.pid`, and would look like a stop to the
/// other processes.
pub(crate) fn mark_killed(home: &ClusterDir) {
    if let Err(error) = files::open_to_append(&home.killed_marker()) {
        tracing::debug!(%error, "the marker of a killed server cannot be made");
    }
}

/// A server runs.
pub(crate) fn clear_killed(home: &ClusterDir) {
    let _was_none = std::fs::remove_file(home.killed_marker());
}

/// Whether neither a process of the server nor a keeper lives. False where that is unknown.
fn is_unattended(home: &ClusterDir) -> bool {
    [home.server_lock(), home.keeper_lock()]
        .iter()
        .all(|lock| Lock::is_held(lock).is_ok_and(|is_held| !is_held))
}

/// Whether the server that no longer runs was killed: one that is stopped removes its file.
fn was_killed(home: &ClusterDir) -> bool {
    postmaster::left_its_file(home) || home.killed_marker().exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_the_last_line_that_ends_the_server() {
        let log = "it does not start:\nLOG:  starting\nFATAL:  No space left on device\nLOG:  shut down\n";
        assert_eq!(last_line(log), "FATAL:  No space left on device");
        assert_eq!(last_line("one line"), "one line");
        assert_eq!(last_line(""), "");
    }

    #[test]
    fn a_process_that_waits_tries_again_without_end() {
        let mut restarts = Restarts::new();
        let delays: Vec<_> = (0..20).map(|_| restarts.delay()).collect();
        assert!(delays.iter().all(|delay| *delay <= LONGEST_DELAY));
        assert_eq!(delays.last(), Some(&LONGEST_DELAY));
    }
}
