//! Processes and their parents.

use std::collections::BTreeSet;
use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A process, identified by its id and start time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Process {
    pub(crate) id: i32,
    /// In ticks since the machine started.
    started: u64,
}

struct Seen {
    process: Process,
    parent: i32,
    has_ended: bool,
}

impl Process {
    /// Sends SIGKILL.
    pub(crate) fn kill_9(self) {
        let _gone_already = kill(Pid::from_raw(self.id), Signal::SIGKILL);
    }

    pub(crate) fn is_alive(self) -> bool {
        look(self.id).is_some_and(|seen| seen.process == self && !seen.has_ended)
    }

    /// Its command line.
    pub(crate) fn command_line(self) -> String {
        let line = fs::read(format!("/proc/{}/cmdline", self.id)).unwrap_or_default();
        String::from_utf8_lossy(&line).replace('\0', " ")
    }
}

/// All descendants of a process.
pub(crate) fn descendants(of: i32) -> BTreeSet<Process> {
    let all = all();
    let mut found = BTreeSet::new();
    let mut parents = vec![of];
    while let Some(parent) = parents.pop() {
        for seen in all.iter().filter(|seen| seen.parent == parent) {
            if found.insert(seen.process) {
                parents.push(seen.process.id);
            }
        }
    }
    found
}

/// All processes with this text in their environment: the tools and their descendants.
pub(crate) fn with_variable(variable: &str) -> Vec<Process> {
    let is_there = |seen: &Seen| {
        fs::read(format!("/proc/{}/environ", seen.process.id)).is_ok_and(|environment| {
            environment
                .split(|byte| *byte == 0)
                .any(|one| one == variable.as_bytes())
        })
    };
    all()
        .into_iter()
        .filter(|seen| !seen.has_ended && is_there(seen))
        .map(|seen| seen.process)
        .collect()
}

fn all() -> Vec<Seen> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| look(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}

fn look(id: i32) -> Option<Seen> {
    let stat = fs::read(format!("/proc/{id}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    // The name is in parentheses, and may hold anything.
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    Some(Seen {
        process: Process {
            id,
            started: fields.get(19)?.parse().ok()?,
        },
        parent: fields.get(1)?.parse().ok()?,
        has_ended: ["Z", "X"].contains(fields.first()?),
    })
}
