//! A control group for each call, where the account may make one (cgroup v2, Linux 5.14). Whatever a tool starts is in
//! it, whatever session, parent and environment it gives itself, and all of it is killed in one stroke: also where
//! supervisor and runner were killed both, by the next call in the same place.
//!
//! A group is made by the call's supervisor, below the group that it is in itself, and removed by it. While it lives it
//! holds a lock on the group, which the kernel drops however a process ends: a group that nobody holds has lost its
//! supervisor, and that is all that ended the call. What can be seen of other processes does not matter, nor in which
//! namespace anybody is.

use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder, File, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use dotwrap_invoke::mounts;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const PREFIX: &str = "dotwrap.";

/// How often what is killed is looked for again, and how many times: dying takes a moment.
const PAUSE: Duration = Duration::from_millis(10);
const POLLS: usize = 200;

/// The place of a call's group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Cgroup(PathBuf);

/// A group that was made, and is held. Dropping it removes it, if nothing is in it any more.
#[derive(Debug)]
pub(crate) struct CallCgroup {
    group: Cgroup,
    _held: File,
}

/// Ends what calls have left whose supervisor was killed, and their runner with it, as far as control groups tell:
/// those beside which this process's own would be. Says how many processes there were. Takes its time, in a thread that
/// may wait.
pub fn kill_unlocked_groups() -> usize {
    let Some(own) = own() else { return 0 };
    let Ok(entries) = fs::read_dir(own) else {
        return 0;
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(is_call_group))
        .map(|entry| Cgroup(entry.path()).end_if_abandoned())
        .sum()
}

impl Cgroup {
    /// The group of a call, by an id that no other has. None where this system has no such groups.
    pub(crate) fn of(call: Uuid) -> Option<Self> {
        Some(Self(own()?.join(format!("{PREFIX}{call}"))))
    }

    /// Makes the group.
    pub(crate) fn make(&self) -> io::Result<CallCgroup> {
        // Another account could hold the lock when its owner is gone.
        DirBuilder::new().mode(0o700).create(&self.0)?;
        self.hold().inspect_err(|_| self.remove())
    }

    fn hold(&self) -> io::Result<CallCgroup> {
        let held = File::open(&self.0)?;
        held.try_lock_shared()?;
        // Somebody may have taken it for abandoned in between and removed it. And without this, what is in the group
        // would have to be chased as without the group.
        fs::metadata(self.0.join("cgroup.kill"))?;
        Ok(CallCgroup {
            group: self.clone(),
            _held: held,
        })
    }

    /// Puts this process into the group, and so whatever it starts.
    pub(crate) fn enter(&self) -> io::Result<()> {
        fs::write(self.0.join("cgroup.procs"), "0")
    }

    /// Takes a process out of it, back to where the group was made.
    pub(crate) fn give_back(&self, process: i32) -> io::Result<()> {
        let above = self.0.parent().ok_or(io::ErrorKind::NotFound)?;
        fs::write(above.join("cgroup.procs"), process.to_string())
    }

    /// Kills everything in it.
    pub(crate) fn kill(&self) -> io::Result<()> {
        let file = self.0.join("cgroup.kill");
        fs::write(&file, "1").or_else(|_| {
            make_removable(&file);
            fs::write(&file, "1")
        })
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

    fn end_if_abandoned(&self) -> usize {
        let group = File::open(&self.0).or_else(|_| {
            make_removable(&self.0);
            File::open(&self.0)
        });
        match group {
            Ok(group) if group.try_lock().is_ok() => self.end(),
            _ => 0,
        }
    }

    /// Kills everything in it, waits until it is gone, and removes the group. Says how many there were; none of another
    /// account's.
    fn end(&self) -> usize {
        let many = self.processes().len();
        for _ in 0..POLLS {
            if self.kill().is_err() {
                return 0;
            }
            let is_empty = self.processes().is_empty();
            self.remove();
            if is_empty || !self.0.exists() {
                break;
            }
            thread::sleep(PAUSE);
        }
        many
    }

    /// Removes the group and those below it, where nothing is in them.
    pub(crate) fn remove(&self) {
        let _in_use = remove_with_all_below(&self.0);
    }
}

fn remove_with_all_below(group: &Path) -> io::Result<()> {
    for below in groups_in(group) {
        if remove_with_all_below(&below).is_err() {
            make_removable(group);
            let _in_use = fs::remove_dir(below);
        }
    }
    fs::remove_dir(group)
}

/// A tool may have closed what belongs to its account.
fn make_removable(path: &Path) {
    let _another_s = fs::set_permissions(path, Permissions::from_mode(0o700));
}

/// Whether a group's name is one that [`Cgroup::of`] gives.
fn is_call_group(name: &str) -> bool {
    name.strip_prefix(PREFIX)
        .is_some_and(|call| Uuid::try_parse(call).is_ok())
}

impl CallCgroup {
    pub(crate) fn group(&self) -> &Cgroup {
        &self.group
    }
}

impl Drop for CallCgroup {
    fn drop(&mut self) {
        self.group.remove();
    }
}

/// A group and those below it, the lowest first.
fn each_below(group: &Path, act: &mut impl FnMut(&Path)) {
    for below in groups_in(group) {
        each_below(&below, act);
    }
    act(group);
}

/// The groups that were made in a group.
fn groups_in(group: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(group).or_else(|_| {
        make_removable(group);
        fs::read_dir(group)
    });
    let entries = entries.into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

/// The folder of the group that this process is in.
fn own() -> Option<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let mut all = mounts().ok()?.into_iter();
    all.find_map(|mount| {
        let is_it = mount.file_system == "cgroup2";
        let below = is_it.then(|| Path::new(group).strip_prefix(&mount.root).ok())??;
        Some(mount.point.join(below))
    })
}
