//! The folder that an output is in, looked at without following a link.

use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

/// The folder that something is in: its device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parent(u64, u64);

impl Parent {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let parent = path.parent().unwrap_or(Path::new("/"));
        let parent = match parent.as_os_str().is_empty() {
            true => Path::new("."),
            false => parent,
        };
        let found = fs::symlink_metadata(parent)?;
        match found.is_dir() {
            true => Ok(Self(found.dev(), found.ino())),
            false => Err(io::Error::new(
                io::ErrorKind::NotADirectory,
                "a link or no folder is in the place of the output's folder",
            )),
        }
    }

    pub(crate) fn check(self, path: &Path) -> io::Result<()> {
        match Self::of(path)? == self {
            true => Ok(()),
            false => Err(io::Error::new(
                io::ErrorKind::NotADirectory,
                "the output's folder was replaced while it was read",
            )),
        }
    }
}
