//! Folders that a tool in the sandbox does not see.
//!
//! Landlock keeps no tool from a socket that has a path: whoever listens there would write for it. An empty folder over the socket's
//! does, mounted where only the tool sees it, and Landlock forbids the tool to mount, to unmount, and to look through other processes' eyes.

use std::path::PathBuf;

/// Hides folders from this process, and so from the tool that it becomes. Before Landlock, which forbids this, too. Returns what still
/// can be seen, and why.
pub(super) fn hide(folders: &[PathBuf]) -> Vec<String> {
    let there: Vec<_> = folders.iter().filter(|folder| folder.exists()).collect();
    if there.is_empty() {
        return Vec::new();
    }
    if let Err(why) = system::see_mounts_of_its_own() {
        return vec![format!("nothing is hidden: {why}")];
    }
    there
        .into_iter()
        .filter_map(|folder| {
            let why = system::cover(folder).err()?;
            Some(format!("{} is not hidden: {why}", folder.display()))
        })
        .collect()
}

#[cfg(target_os = "linux")]
mod system {
    use std::{fs, io, path::Path};

    use nix::{
        errno::Errno,
        mount::{MsFlags, mount},
        sched::{CloneFlags, unshare},
        unistd::{Gid, Uid},
    };

    const NOTHING: Option<&str> = None;

    /// Only root may have its own mounts for the asking. Others are given a user namespace along with them, in which they are who they
    /// are and nobody else is known; whatever rights that gives end when the tool is executed. For root it would end rights that
    /// the tool is to have.
    pub(super) fn see_mounts_of_its_own() -> Result<(), String> {
        let (user, group) = (Uid::effective(), Gid::effective());
        let said = |what: &str, error: &dyn std::fmt::Display| format!("{what}: {error}");
        match unshare(CloneFlags::CLONE_NEWNS) {
            Err(Errno::EPERM) if !user.is_root() => {
                unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)
                    .map_err(|error| said("a user namespace", &error))?;
                stay(user, group).map_err(|error| said("a user namespace's ids", &error))?;
            }
            other => other.map_err(|error| said("a mount namespace", &error))?,
        }
        // What is mounted here is not passed on to where it came from.
        let own = MsFlags::MS_SLAVE | MsFlags::MS_REC;
        mount(NOTHING, "/", NOTHING, own, NOTHING)
            .map_err(|error| said("mounts of its own", &error))
    }

    fn stay(user: Uid, group: Gid) -> io::Result<()> {
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
        fs::write("/proc/self/gid_map", format!("{group} {group} 1"))
    }

    pub(super) fn cover(folder: &Path) -> Result<(), Errno> {
        let flags =
            MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC | MsFlags::MS_RDONLY;
        mount(
            Some("none"),
            folder,
            Some("tmpfs"),
            flags,
            Some("size=4k,mode=0555"),
        )
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::path::Path;

    pub(super) fn see_mounts_of_its_own() -> Result<(), String> {
        Err("this system has no mounts of a process's own".to_owned())
    }

    pub(super) fn cover(_folder: &Path) -> Result<(), String> {
        Ok(())
    }
}
