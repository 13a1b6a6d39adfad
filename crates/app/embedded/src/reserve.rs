//! The reserve: a file that takes space on the disk of the data. Where the disk is full, PostgreSQL cannot start, and
//! without it nothing tells which files of old runs can go. The reserve is removed then, and created again when there
//! is space.
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::statvfs::statvfs;
use rustix::fs::{FallocateFlags, fallocate};

use crate::cluster_dir::ClusterDir;
use crate::files;

/// Its size: two segments of the write-ahead log.
const SIZE: u64 = 32 << 20;

/// The free space that is left beside it when it is created.
const SPARE: u64 = 2 * SIZE;

/// With less free space a start may fail: it is less than a segment of the write-ahead log.
const FULL: u64 = 16 << 20;

/// What PostgreSQL and the system say of a full disk.
const NO_SPACE: &str = "No space left on device";

/// The interval at which the keeper looks whether there is space for it again.
const INTERVAL: Duration = Duration::from_secs(2);

/// Looks after the reserve while a server runs.
#[derive(Debug, Default)]
pub(crate) struct ReserveKeeper {
    looked_at: Option<Instant>,
}

impl ReserveKeeper {
    /// Creates the reserve if it is missing and there is space.
    pub(crate) fn attend(&mut self, home: &ClusterDir) {
        if self.looked_at.is_some_and(|then| then.elapsed() < INTERVAL) {
            return;
        }
        self.looked_at = Some(Instant::now());
        if let Err(error) = create_if_possible(home) {
            tracing::debug!(%error, "no reserve");
        }
    }
}

/// Removes the reserve if the disk is full, so that the server can start. Returns whether it did.
pub(crate) fn give_up_if_full(home: &ClusterDir) -> bool {
    let is_full = free(home.folder()).is_ok_and(|free| free < FULL)
        || files::tail(&home.log()).contains(NO_SPACE);
    let gone = is_full && fs::remove_file(home.reserve()).is_ok();
    if gone {
        tracing::warn!(
            folder = %home.folder().display(),
            "the disk of the embedded database is full; its reserve of {} MiB is given up", SIZE >> 20
        );
    }
    gone
}

fn create_if_possible(home: &ClusterDir) -> io::Result<()> {
    let path = home.reserve();
    if path.symlink_metadata().is_ok()
        || !is_on_same_disk(home)?
        || free(home.folder())? < SIZE + SPARE
    {
        return Ok(());
    }
    // Under another name until it is whole; a file that is dropped before is removed.
    let file = tempfile::Builder::new()
        .prefix(".reserve-")
        .tempfile_in(home.folder())?;
    allocate(file.as_file())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Really takes the space: a file of zeros that were only skipped would take none.
fn allocate(mut file: &File) -> io::Result<()> {
    if fallocate(file, FallocateFlags::empty(), 0, SIZE).is_ok() {
        return Ok(());
    }
    // A file system without such a call. What it may compress would take no space either.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut block = Vec::with_capacity(1 << 20);
    for _ in 0..SIZE >> 20 {
        block.clear();
        while block.len() < 1 << 20 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            block.extend_from_slice(&state.to_le_bytes());
        }
        file.write_all(&block)?;
    }
    file.sync_all()
}

/// The data may lie on another disk, with a link in its place.
fn is_on_same_disk(home: &ClusterDir) -> io::Result<bool> {
    Ok(home.data().metadata()?.dev() == home.folder().metadata()?.dev())
}

fn free(folder: &Path) -> io::Result<u64> {
    let found = statvfs(folder)?;
    Ok(found
        .blocks_available()
        .saturating_mul(found.fragment_size()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Account;

    #[test]
    fn the_reserve_takes_its_space_and_stays_while_there_is_more() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        let home = ClusterDir::prepared(folder.path().to_owned(), Account::Mine);
        create_if_possible(&home).unwrap();
        let found = home.reserve().metadata().unwrap();
        assert!(found.blocks() * 512 >= SIZE, "{}", found.blocks());
        assert!(!give_up_if_full(&home));
        assert!(home.reserve().exists());
        fs::write(home.log(), format!("FATAL: could not write: {NO_SPACE}\n")).unwrap();
        assert!(give_up_if_full(&home));
        assert!(!home.reserve().exists());
    }
}
