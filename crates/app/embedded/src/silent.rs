//! Unauthenticated sessions. The server frees their slots after `authentication_timeout`, but their client can open new
//! ones at once. The keeper ends them, so that it can connect itself.
use std::time::Duration;

use crate::cluster_dir::ClusterDir;

/// Ends the sessions that have been unauthenticated for this long. They have no work to lose.
#[cfg(target_os = "linux")]
pub(crate) fn end(home: &ClusterDir, for_so_long: Duration) {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    use crate::postmaster::Postmaster;

    let Some(server) = Postmaster::running(&home.data()) else {
        return;
    };
    for process in linux::children(server.pid) {
        if process.is_silent() && process.age() >= for_so_long {
            // As the server itself does it when their time is over.
            let _gone = kill(Pid::from_raw(process.pid), Signal::SIGTERM);
        }
    }
}

/// This platform does not show which sessions are unauthenticated.
#[cfg(not(target_os = "linux"))]
pub(crate) fn end(_home: &ClusterDir, _for_so_long: Duration) {}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::time::Duration;

    use nix::unistd::{SysconfVar, sysconf};

    /// How a process of the server calls itself while it is asked who comes.
    const ASKED: [&str; 3] = ["authentication", "initializing", "startup"];

    /// A process of the server.
    pub(super) struct Process {
        pub(super) pid: i32,
        title: String,
        /// Since the machine was started, in ticks.
        begun: u64,
    }

    pub(super) fn children(server: i32) -> Vec<Process> {
        let Ok(all) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        let pids = all
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter_map(|pid| Process::read(pid, server)).collect()
    }

    impl Process {
        fn read(pid: i32, server: i32) -> Option<Self> {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            // Behind the name, which may hold anything: the state, the parent, …, and the 22nd field of all.
            let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(1);
            let parent: i32 = fields.next()?.parse().ok()?;
            let begun = fields.nth(17)?.parse().ok()?;
            let title = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            (parent == server).then(|| Self {
                pid,
                title: String::from_utf8_lossy(&title).into_owned(),
                begun,
            })
        }

        /// Whether the session is unauthenticated. Before a client sends its startup packet, the process has the
        /// server's own title.
        pub(super) fn is_silent(&self) -> bool {
            let title = self.title.trim_end_matches(['\0', ' ']);
            !title.starts_with("postgres:") || ASKED.iter().any(|word| title.ends_with(word))
        }

        pub(super) fn age(&self) -> Duration {
            let ticks = sysconf(SysconfVar::CLK_TCK).ok().flatten();
            let ticks = ticks.and_then(|ticks| u64::try_from(ticks).ok());
            let uptime = fs::read_to_string("/proc/uptime").unwrap_or_default();
            let uptime = uptime.split_whitespace().next();
            let uptime = uptime.and_then(|seconds| seconds.parse().ok());
            let (Some(ticks @ 1..), Some(uptime)) = (ticks, uptime) else {
                return Duration::ZERO;
            };
            let begun = Duration::from_millis(self.begun.saturating_mul(1000) / ticks);
            let now = Duration::try_from_secs_f64(uptime).unwrap_or_default();
            now.saturating_sub(begun)
        }
    }
}
