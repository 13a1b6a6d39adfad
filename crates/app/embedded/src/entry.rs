//! A file or folder that is inspected and changed through one descriptor: where another account owns its folder, a path
//! could name another file at the time of the change.
use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

/// An entry of a folder, never what a link leads to.
pub(crate) struct Entry {
    path: PathBuf,
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "only Linux changes by it")
    )]
    file: File,
    found: Metadata,
}

impl Entry {
    /// Opens the entry at the path without following a link. Needs no read permission.
    ///
    /// # Errors
    /// Where nothing is there, or it cannot be opened; on Linux a link is an entry of its own.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(flags().bits())
            .open(path)?;
        let found = file.metadata()?;
        Ok(Self {
            path: path.to_owned(),
            file,
            found,
        })
    }

    /// Its owner, type and mode when it was opened.
    pub(crate) fn found(&self) -> &Metadata {
        &self.found
    }

    /// Whether it is a folder, or a file that has no other name: a hard link may lead to another account's file.
    pub(crate) fn is_plain(&self) -> bool {
        self.found.is_dir() || (!self.found.is_symlink() && self.found.nlink() == 1)
    }

    /// Sets its permission bits.
    pub(crate) fn set_mode(&self, mode: u32) -> io::Result<()> {
        std::fs::set_permissions(self.handle(), Permissions::from_mode(mode))
    }

    /// A path to this very entry, as long as this value lives.
    #[cfg(target_os = "linux")]
    pub(crate) fn handle(&self) -> PathBuf {
        use std::os::fd::AsRawFd;
        PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd()))
    }

    /// The path by which it was opened: this system has no other.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn handle(&self) -> PathBuf {
        self.path.clone()
    }

    /// The path by which it was opened.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(target_os = "linux")]
fn flags() -> OFlag {
    OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC
}

#[cfg(not(target_os = "linux"))]
fn flags() -> OFlag {
    OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC
}
