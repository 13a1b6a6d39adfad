//! A control group for each call, where the account may make one (cgroup v2, Linux 5.14). Whatever a tool starts is in it, whatever
//! session, parent and environment it gives itself, and all of it is killed in one stroke: also where supervisor and runner were killed
//! both, by whoever comes next in the same place.
//!
//! A group is made by the call's supervisor, below the group that it is in itself, and removed by it. Its name says whose it is, so that
//! a group whose owners are both gone is told from one in use.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::supervisor::Process;

const PREFIX: &str = "dotwrap";

/// How often what is killed is looked for again, and how many times: dying takes a moment.
const PAUSE: Duration = Duration::from_millis(10);
const LOOKS: usize = 200;

/// The place of a call's group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Cgroup(PathBuf);

/// A group that was made. Dropping it removes it, if nothing is in it any more.
#[derive(Debug)]
pub(crate) struct Made(Cgroup);

/// Ends what calls have left whose supervisor and runner were killed both, as far as control groups tell: those beside which this
/// process's own would be. Says how many processes there were. Takes its time, in a thread that may wait.
pub fn end_abandoned_calls() -> usize {
    let Some(own) = own() else { return 0 };
    let Ok(entries) = fs::read_dir(own) else {
        return 0;
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(is_abandoned))
        .map(|entry| Cgroup(entry.path()).end())
        .sum()
}

impl Cgroup {
    /// Of a call of this process, under that supervisor. None where this system has no such groups.
    pub(crate) fn of(supervisor: &Process) -> Option<Self> {
        let runner = Process::of(std::process::id())?;
        Some(Self(own()?.join(name(&runner, supervisor)?)))
    }

    /// Makes the group.
    pub(crate) fn make(&self) -> io::Result<Made> {
        fs::create_dir(&self.0)?;
        let made = Made(self.clone());
        // Without it, what is in the group would have to be chased as without the group.
        fs::metadata(self.0.join("cgroup.kill"))?;
        Ok(made)
    }

    /// Puts this process into the group, and so whatever it starts.
    pub(crate) fn enter(&self) -> io::Result<()> {
        fs::write(self.0.join("cgroup.procs"), "0")
    }

    /// Kills everything in it.
    pub(crate) fn kill(&self) {
        let _not_there = fs::write(self.0.join("cgroup.kill"), "1");
    }

    /// What is in it, and in the groups that it has made below.
    pub(crate) fn processes(&self) -> BTreeSet<i32> {
        let mut found = BTreeSet::new();
        each_below(&self.0, &mut |group| {
            let members = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
            found.extend(members.lines().filter_map(|line| line.parse::<i32>().ok()));
        });
        found
    }

    /// Kills everything in it, waits until it is gone, and removes the group. Says how many there were.
    pub(crate) fn end(&self) -> usize {
        let many = self.processes().len();
        for _ in 0..LOOKS {
            self.kill();
            self.remove();
            if !self.0.exists() {
                break;
            }
            thread::sleep(PAUSE);
        }
        many
    }

    /// Removes the group and those below it, where nothing is in them.
    pub(crate) fn remove(&self) {
        each_below(&self.0, &mut |group| {
            let _in_use = fs::remove_dir(group);
        });
    }
}

impl Made {
    pub(crate) fn group(&self) -> &Cgroup {
        &self.0
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        self.0.remove();
    }
}

/// A group and those below it, the lowest first.
fn each_below(group: &Path, act: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            each_below(&entry.path(), act);
        }
    }
    act(group);
}

/// `dotwrap.NAMESPACE.RUNNER.STARTED.SUPERVISOR.STARTED`: process ids are given again, and mean nothing in another namespace.
fn name(runner: &Process, supervisor: &Process) -> Option<String> {
    let namespace = namespace()?;
    let [runner, supervisor] =
        [runner, supervisor].map(|process| format!("{}.{}", process.id, process.started));
    Some(format!("{PREFIX}.{namespace}.{runner}.{supervisor}"))
}

/// Whether this is the name of a group whose supervisor and runner have both ended.
fn is_abandoned(name: &str) -> bool {
    let parts: Vec<&str> = name.split('.').collect();
    let [PREFIX, of, runner, since, supervisor, begun] = parts[..] else {
        return false;
    };
    let has_ended = |id: &str, started: &str| match (id.parse(), started.parse::<u64>()) {
        (Ok(id), Ok(started)) => {
            Process::of(id).is_none_or(|process| process.started != started || process.has_ended())
        }
        _ => false,
    };
    namespace().is_some_and(|own| own == of)
        && has_ended(runner, since)
        && has_ended(supervisor, begun)
}

/// The number of this process's namespace of process ids.
fn namespace() -> Option<String> {
    let link = fs::read_link("/proc/self/ns/pid").ok()?;
    let number = link.to_str()?.strip_prefix("pid:[")?.strip_suffix(']')?;
    Some(number.to_owned())
}

/// The folder of the group that this process is in.
#[cfg(target_os = "linux")]
fn own() -> Option<PathBuf> {
    let process = procfs::process::Process::myself().ok()?;
    let groups = process.cgroups().ok()?;
    let group = groups.into_iter().find(|group| group.hierarchy == 0)?;
    let mounts = process.mountinfo().ok()?;
    mounts.into_iter().find_map(|mount| {
        let is_it = mount.fs_type == "cgroup2";
        let below = is_it.then(|| Path::new(&group.pathname).strip_prefix(&mount.root).ok())??;
        Some(mount.mount_point.join(below))
    })
}

#[cfg(not(target_os = "linux"))]
fn own() -> Option<PathBuf> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_group_is_abandoned_when_both_have_ended_and_no_sooner() {
        let alive = Process::of(std::process::id()).unwrap();
        let gone = Process {
            started: alive.started + 1,
            ..alive.clone()
        };
        let judged = |runner, supervisor| is_abandoned(&name(runner, supervisor).unwrap());
        assert!(judged(&gone, &gone));
        for (runner, supervisor) in [(&alive, &gone), (&gone, &alive), (&alive, &alive)] {
            assert!(!judged(runner, supervisor));
        }
        let elsewhere = name(&gone, &gone).unwrap().replacen('4', "5", 1);
        for other in ["dotwrap", "dotwrap.1.2.3.4", "user.slice", &elsewhere] {
            assert!(!is_abandoned(other), "{other}");
        }
    }
}
