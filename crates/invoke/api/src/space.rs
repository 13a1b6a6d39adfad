//! How much room a file system has left, and which one that is.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use nix::sys::statvfs::statvfs;

use crate::current_mounts;

const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];

/// What a file system holds and has left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space {
    /// Where it is mounted, as far as that is known.
    pub mounted_at: Option<PathBuf>,
    /// Its kind, such as `ext4`.
    pub file_system: Option<String>,
    /// How many bytes this account may still write.
    pub free: u64,
    /// How many there are.
    pub total: u64,
    /// Whether no further file can be made, however much is free.
    pub is_out_of_files: bool,
}

impl Space {
    /// Of the file system that a path is on, or would be.
    ///
    /// # Errors
    /// The system's.
    pub fn at(path: &Path) -> io::Result<Self> {
        let place = path.ancestors().find_map(|place| place.canonicalize().ok());
        let place = place.ok_or(io::ErrorKind::NotFound)?;
        let of = statvfs(&place)?;
        let bytes = |blocks: u64| blocks.saturating_mul(of.fragment_size());
        let mounts = current_mounts().unwrap_or_default();
        // Of several that are mounted at one place, the last one is seen.
        let mount = mounts
            .iter()
            .filter(|mount| place.starts_with(&mount.point))
            .max_by_key(|mount| mount.point.as_os_str().len());
        let (mounted_at, file_system) = mount
            .map(|mount| (mount.point.clone(), mount.file_system.clone()))
            .unzip();
        Ok(Self {
            mounted_at,
            file_system,
            free: bytes(of.blocks_available()),
            total: bytes(of.blocks()),
            // Some file systems have no such limit, and say that there are none.
            is_out_of_files: of.files() > 0 && of.files_available() == 0,
        })
    }
}

/// How many bytes this account may still write to the file system of an existing path. Cheaper than [`Space::at`].
///
/// # Errors
/// The system's.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let found = statvfs(path)?;
    Ok(found
        .blocks_available()
        .saturating_mul(found.fragment_size()))
}

impl fmt::Display for Space {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file_system, &self.mounted_at) {
            (Some(kind), Some(place)) => write!(formatter, "{kind} at {}", place.display())?,
            _ => formatter.write_str("its file system")?,
        }
        write!(
            formatter,
            " has {} free of {}",
            length(self.free),
            length(self.total)
        )?;
        match self.is_out_of_files {
            true => formatter.write_str(", and room for no more files"),
            false => Ok(()),
        }
    }
}

fn length(bytes: u64) -> String {
    let mut length = bytes as f64;
    let mut units = UNITS.iter();
    let mut unit = units.next().unwrap_or(&"B");
    while let Some(next) = units.next().filter(|_| length >= 1024.0) {
        length /= 1024.0;
        unit = next;
    }
    match bytes < 1024 {
        true => format!("{bytes} B"),
        false => format!("{length:.1} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_is_that_of_the_nearest_folder_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let here = Space::at(folder.path()).unwrap();
        let below = Space::at(&folder.path().join("not/there/yet")).unwrap();
        assert_eq!(
            (&here.mounted_at, here.total),
            (&below.mounted_at, below.total)
        );
        assert!(here.free <= here.total && here.total > 0);
    }

    #[test]
    fn lengths_are_told_in_fitting_units() {
        assert_eq!(length(0), "0 B");
        assert_eq!(length(1536), "1.5 KiB");
        assert_eq!(length(3 << 30), "3.0 GiB");
        assert_eq!(length(u64::MAX), "16777216.0 TiB");
    }
}
