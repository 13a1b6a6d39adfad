//! A view of the file system of the tool's own (a mount namespace), in which everything is read-only but the places
//! that it may write to.
//!
//! Landlock holds back writes and no changes of attributes: permissions, owners, times. In a mount that is read-only
//! the kernel refuses these as well, and allows them where the tool may write, so that `tar` and `git` work as ever in
//! their own folder. What is concealed is covered, so that nothing in it can be reached, a socket in it least of all.
//! System V IPC and message queues are the tool's own too.
//!
//! An account without rights makes these namespaces inside a user namespace of its own, in which it is the only account
//! that has a name. Root needs none.

use std::{
    env, fs,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use dotwrap_invoke::{Mount, mounts};
use nix::{
    sched::{CloneFlags, unshare},
    sys::prctl,
    unistd::{Gid, Uid},
};
use rustix::{
    io::Errno,
    mount::{
        MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, mount, mount_change,
        mount_remount, move_mount, open_tree,
    },
    thread::{CapabilitySet, capabilities},
};

use super::restrict::{DEVICES, open_place};

/// Ubuntu lets every account make a user namespace, and refuses everything in it. There is no way back out of it.
const USELESS_NAMESPACES: &str = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";

/// How this process came by its namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entered {
    /// It had the rights for it.
    Directly,
    /// By a user namespace, in which it has all rights now. They have to be given up.
    ByUserNamespace,
}

/// Gives this process namespaces of its own.
///
/// # Errors
/// Why there are none. This process is as it was then.
pub(super) fn enter() -> Result<Entered, String> {
    let failed = |what: &str, error: &dyn std::fmt::Display| format!("{what}: {error}");
    let held = capabilities(None).map_err(|error| failed("capabilities", &error))?;
    let own = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWIPC;
    if held.effective.contains(CapabilitySet::SYS_ADMIN) {
        unshare(own).map_err(|error| failed("a mount namespace", &error))?;
        return Ok(Entered::Directly);
    }
    if !held.permitted.is_empty() {
        return Err("a mount namespace: the account may not make one, and would lose rights in a user namespace".to_owned());
    }
    if fs::read_to_string(USELESS_NAMESPACES).is_ok_and(|text| text.trim() != "0") {
        return Err("a user namespace: AppArmor restricts them".to_owned());
    }
    let (user, group) = (Uid::effective(), Gid::effective());
    // The files that say who is who inside belong to root in a process that keeps its memory private. It becomes the
    // tool, which does not.
    let _stays_private = prctl::set_dumpable(true);
    if fs::metadata("/proc/self/uid_map").is_err() {
        return Err("a user namespace: there is no /proc".to_owned());
    }
    unshare(CloneFlags::CLONE_NEWUSER | own).map_err(|error| failed("a user namespace", &error))?;
    let mapped = fs::write("/proc/self/setgroups", "deny")
        .and_then(|()| fs::write("/proc/self/uid_map", format!("{user} {user} 1")))
        .and_then(|()| fs::write("/proc/self/gid_map", format!("{group} {group} 1")));
    match mapped {
        Ok(()) => Ok(Entered::ByUserNamespace),
        Err(error) => Err(failed("accounts of a user namespace", &error)),
    }
}

/// Why a view could not be made.
#[derive(Debug)]
pub(super) enum NotClosed {
    /// Nothing was changed.
    Open(String),
    /// Some of it is read-only, and the tool's own folder may be.
    Halfway(String),
}

/// Makes everything read-only but these places, and covers the hidden folders. For a process that has namespaces of its
/// own.
///
/// # Errors
/// What could not be done, and how far it went.
pub(super) fn close<'a>(
    writes: impl Iterator<Item = &'a PathBuf>,
    hidden: &[PathBuf],
) -> Result<(), NotClosed> {
    let why =
        |what: &str, error: &dyn std::fmt::Display| format!("a mount namespace: {what}: {error}");
    let failed = |what: &str, error: &dyn std::fmt::Display| NotClosed::Open(why(what, error));
    let halfway = |what: &str, error: &dyn std::fmt::Display| NotClosed::Halfway(why(what, error));
    let folder = env::current_dir().map_err(|error| failed("the working folder", &error))?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).map_err(|error| failed("keeping mounts apart", &error))?;
    let mut writable = Vec::new();
    let devices = DEVICES.map(Path::new);
    for path in outermost(writes.collect()).into_iter().chain(devices) {
        let copied = copy_of(path).map_err(|error| failed("what may be written", &error))?;
        writable.extend(copied);
    }
    let all = mounts().map_err(|error| failed("what is mounted", &error))?;
    let mut is_changed = false;
    for one in &all {
        let place = one.point.display().to_string();
        match make_read_only(one) {
            Ok(()) => is_changed = true,
            // Covered by another mount, gone, or behind a folder that is closed to the account: nobody gets there.
            Err(Errno::INVAL | Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => {}
            Err(error) if is_changed => return Err(halfway(&place, &error)),
            Err(error) => return Err(failed(&place, &error)),
        }
    }
    for (place, copy) in &writable {
        let flags =
            MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
        move_mount(copy, "", place, "", flags)
            .map_err(|error| halfway("what may be written", &error))?;
    }
    for path in hidden.iter().filter(|path| path.is_dir()) {
        cover(path).map_err(|error| halfway("covering what is concealed", &error))?;
    }
    // By its path once more, which leads to the copy that can be written to.
    env::set_current_dir(folder).map_err(|error| halfway("the working folder", &error))
}

/// Those that are in no other.
fn outermost(paths: Vec<&PathBuf>) -> Vec<&Path> {
    let is_below = |path: &Path| {
        let mut others = paths.iter().filter(|other| other.as_path() != path);
        others.any(|other| path.starts_with(other))
    };
    paths
        .iter()
        .map(|path| path.as_path())
        .filter(|path| !is_below(path))
        .collect()
}

/// A place, and a mount of what is there that stays as it is.
fn copy_of(path: &Path) -> Result<Option<(OwnedFd, OwnedFd)>, Errno> {
    let Ok(place) = open_place(path) else {
        // It was there a moment ago; it stays closed.
        return Ok(None);
    };
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH
        | OpenTreeFlags::AT_RECURSIVE;
    let copy = open_tree(&place, "", flags)?;
    Ok(Some((place, copy)))
}

/// No device can be opened there either: a disk holds the files that are concealed, and root reads it. What else is
/// forbidden stays so: taking that back is refused.
fn make_read_only(one: &Mount) -> Result<(), Errno> {
    let kept = [
        ("nosuid", MountFlags::NOSUID),
        ("noexec", MountFlags::NOEXEC),
    ];
    let kept = kept.into_iter().filter(|(name, _)| one.has(name));
    let always = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NODEV;
    let flags = kept.fold(always, |all, (_, flag)| all | flag);
    mount_remount(&one.point, flags, "")
}

fn cover(path: &Path) -> Result<(), Errno> {
    let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("tmpfs", path, "tmpfs", flags, Some(c"size=4k,mode=755"))
}
