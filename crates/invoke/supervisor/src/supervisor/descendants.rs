//! Who descends from a process, and ending them.

use std::{collections::BTreeSet, fs};

use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::{Pid, getpgrp},
};

use super::{LeftProcess, RemainingProcess};

/// A process, as `/proc/<id>/stat` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) id: i32,
    pub(crate) name: String,
    pub(crate) state: char,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    pub(crate) session: i32,
    pub(crate) threads: u64,
    /// When it was started, in the system's ticks since the machine was.
    pub(crate) started: u64,
}

impl Process {
    fn parse(stat: &str) -> Option<Self> {
        // The name is in parentheses, and may hold blanks and parentheses itself.
        let (id, rest) = stat.split_once(" (")?;
        let (name, rest) = rest.rsplit_once(") ")?;
        let mut fields = rest.split(' ');
        Some(Self {
            id: id.parse().ok()?,
            name: name.to_owned(),
            state: fields.next()?.chars().next()?,
            parent: fields.next()?.parse().ok()?,
            group: fields.next()?.parse().ok()?,
            session: fields.next()?.parse().ok()?,
            threads: fields.nth(13)?.parse().ok()?,
            started: fields.nth(1)?.parse().ok()?,
        })
    }

    /// Has ended, and waits for its parent to ask how. One whose first thread alone has ended looks like it.
    pub(crate) fn has_ended(&self) -> bool {
        self.state == 'X' || self.state == 'Z' && self.threads <= 1
    }

    /// The process of this id.
    pub(crate) fn of(id: u32) -> Option<Self> {
        let stat = fs::read(format!("/proc/{id}/stat")).ok()?;
        Self::parse(&String::from_utf8_lossy(&stat))
    }
}

impl From<&Process> for RemainingProcess {
    fn from(process: &Process) -> Self {
        Self {
            process: process.id.unsigned_abs(),
            name: process.name.clone(),
        }
    }
}

impl From<&Process> for LeftProcess {
    fn from(process: &Process) -> Self {
        Self {
            process: process.id.unsigned_abs(),
            name: process.name.clone(),
            started: process.started,
        }
    }
}

/// Whether it stands still, or one of its threads does, because somebody halted it: by a signal, or as a debugger does.
pub(crate) fn is_stopped(id: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{id}/task")) else {
        return false;
    };
    threads
        .flatten()
        .filter_map(|thread| fs::read(thread.path().join("stat")).ok())
        .filter_map(|stat| Process::parse(&String::from_utf8_lossy(&stat)))
        .any(|thread| matches!(thread.state, 'T' | 't'))
}

/// Every process that this one may see. Empty where the system has no `/proc`.
pub(crate) fn processes() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            name.as_encoded_bytes().iter().all(u8::is_ascii_digit)
        })
        .filter_map(|entry| Process::of(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}

/// Of all processes, these and what descends from them.
pub(crate) fn process_tree(all: &[Process], mut members: BTreeSet<i32>) -> BTreeSet<i32> {
    loop {
        let size = members.len();
        let children: Vec<i32> = all
            .iter()
            .filter(|process| members.contains(&process.parent))
            .map(|process| process.id)
            .collect();
        members.extend(children);
        if members.len() == size {
            return members;
        }
    }
}

/// What runs below this process. A look, not a promise: they may fork while it looks.
pub(super) fn running() -> Vec<Process> {
    let own = std::process::id().cast_signed();
    let all = processes();
    let family = process_tree(&all, BTreeSet::from([own]));
    all.into_iter()
        .filter(|process| family.contains(&process.id) && process.id != own)
        .filter(|process| !process.has_ended())
        .collect()
}

/// Sends a signal to these and to the groups they are in.
///
/// A group is signalled as one: a process of it that is just forking cannot slip through. Nobody else can be in
/// these groups: a group is within one session, and the tool began a new one.
pub(super) fn signal(processes: &[Process], signal: Signal) {
    let own = getpgrp().as_raw();
    let groups: BTreeSet<i32> = processes
        .iter()
        .map(|process| process.group)
        .filter(|group| *group > 1 && *group != own)
        .collect();
    for group in groups {
        let _gone_already = killpg(Pid::from_raw(group), signal);
    }
    signal_each(processes, signal);
}

/// Sends a signal to these alone.
pub(super) fn signal_each(processes: &[Process], signal: Signal) {
    for process in processes {
        let _gone_already = kill(Pid::from_raw(process.id), signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_look_like_the_fields_behind_it() {
        let stat = "42 (a) S 1 (b)) R 7 8 9 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 3 0 100 0 0";
        let process = Process::parse(stat).unwrap();
        assert_eq!(process.started, 100);
        assert_eq!((process.id, process.parent), (42, 7));
        assert_eq!((process.group, process.session, process.threads), (8, 9, 3));
        assert_eq!(process.name, "a) S 1 (b)");
    }

    #[test]
    fn a_process_has_ended_with_its_last_thread_and_not_with_its_first() {
        let ended = |threads: u32| {
            let stat = format!("42 (a) Z 7 8 9 0 -1 0 1 0 0 0 0 0 0 0 20 0 {threads} 0 100 0 0");
            Process::parse(&stat).unwrap().has_ended()
        };
        assert!(ended(1));
        assert!(!ended(2));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_is_seen() {
        let own = std::process::id().cast_signed();
        assert!(processes().iter().any(|process| process.id == own));
    }
}
