//! Files that are read while somebody else may change them.

use std::{
    collections::BTreeMap,
    fs::{File, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use crate::{Digest, ReadLimit};

/// How long a file must not have changed before its digest is kept. The times of a file have the resolution of the
/// kernel's tick: a second change within one tick would leave the same stamp.
const MIN_AGE: Duration = Duration::from_secs(2);

/// How many digests the process keeps.
const MAX_KEPT: usize = 64;

static KEPT: Mutex<BTreeMap<Stamp, Digest>> = Mutex::new(BTreeMap::new());

/// An open file, and what it was when it was opened.
#[derive(Debug)]
pub struct StampedFile {
    file: File,
    stamp: Stamp,
    links: u64,
}

/// Which file it is, and when it was last changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    /// When its content was changed: seconds and nanoseconds.
    modified: (i64, i64),
    /// When content, name, owner or mode were changed.
    changed: (i64, i64),
}

impl StampedFile {
    /// # Errors
    /// The file system's.
    pub fn of(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            stamp: Stamp::of(&metadata),
            links: metadata.nlink(),
            file,
        })
    }

    /// Its size in bytes when it was opened.
    pub fn size(&self) -> u64 {
        self.stamp.size
    }

    /// Whether this path leads to the file, unchanged since it was opened. A file that was renamed away and back has
    /// another `ctime`, and counts as changed.
    pub fn is_at(&self, path: &Path) -> bool {
        path.metadata()
            .is_ok_and(|now| Stamp::of(&now) == self.stamp)
    }

    /// The digest of its content. None where the file changed between opening and the end of the reading.
    ///
    /// # Errors
    /// The file system's, and the limit's.
    pub fn digest(&self, limit: &ReadLimit) -> io::Result<Option<Digest>> {
        let (digest, length) = Digest::of_reader(limit.reader(&self.file))?;
        let is_same = length == self.stamp.size && self.has_same_content()?;
        Ok(is_same.then_some(digest))
    }

    /// As [`StampedFile::digest`]. A file that this process has read before, and that has not changed since, is not read
    /// again.
    ///
    /// # Errors
    /// As [`StampedFile::digest`].
    pub fn kept_digest(&self, limit: &ReadLimit) -> io::Result<Option<Digest>> {
        let known = kept().get(&self.stamp).copied();
        if known.is_some() {
            return Ok(known);
        }
        let is_old = self.stamp.is_older_than(MIN_AGE);
        let digest = self.digest(limit)?;
        if let (Some(digest), true) = (digest, is_old) {
            let mut kept = kept();
            if kept.len() >= MAX_KEPT {
                kept.pop_first();
            }
            kept.insert(self.stamp, digest);
        }
        Ok(digest)
    }

    /// An upgrade takes the file's name away, which changes `ctime` and the number of links, and not the content.
    fn has_same_content(&self) -> io::Result<bool> {
        let metadata = self.file.metadata()?;
        let now = Stamp::of(&metadata);
        let was_unlinked = metadata.nlink() < self.links;
        Ok(now == self.stamp
            || (was_unlinked && now.size == self.stamp.size && now.modified == self.stamp.modified))
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    fn is_older_than(self, age: Duration) -> bool {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let newest = now.unwrap_or_default().saturating_sub(age);
        i64::try_from(newest.as_secs()).is_ok_and(|newest| self.changed.0 < newest)
    }
}

fn kept() -> std::sync::MutexGuard<'static, BTreeMap<Stamp, Digest>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write};

    use super::*;

    fn opened(path: &Path) -> StampedFile {
        StampedFile::of(File::open(path).unwrap()).unwrap()
    }

    #[test]
    fn changed_file_has_no_digest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "abc").unwrap();
        let limit = ReadLimit::none();
        let file = opened(&path);
        assert_eq!(file.digest(&limit).unwrap(), Some(Digest::of("abc")));
        assert!(file.is_at(&path));
        let longer = opened(&path);
        let mut writer = File::options().append(true).open(&path).unwrap();
        writer.write_all(b"d").unwrap();
        assert_eq!(longer.digest(&limit).unwrap(), None);
        assert!(!longer.is_at(&path));
    }

    #[test]
    fn replaced_file_is_not_at_its_path_and_keeps_its_digest() {
        let folder = tempfile::tempdir().unwrap();
        let (path, new) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&path, "old").unwrap();
        fs::write(&new, "new").unwrap();
        let file = opened(&path);
        fs::rename(&new, &path).unwrap();
        assert!(!file.is_at(&path));
        let digest = file.digest(&ReadLimit::none()).unwrap();
        assert_eq!(digest, Some(Digest::of("old")));
    }

    #[test]
    fn old_file_is_read_once() {
        let file = opened(Path::new("/bin/sh"));
        let first = file.kept_digest(&ReadLimit::none()).unwrap();
        assert!(first.is_some() && kept().contains_key(&file.stamp));
        // Nothing can be read of a file whose end was reached.
        assert_eq!(file.kept_digest(&ReadLimit::none()).unwrap(), first);
        let folder = tempfile::tempdir().unwrap();
        let young = folder.path().join("young");
        fs::write(&young, "").unwrap();
        let young = opened(&young);
        young.kept_digest(&ReadLimit::none()).unwrap();
        assert!(!kept().contains_key(&young.stamp));
    }
}
