//! What a call left: a file, or a folder, with its digest.

#[cfg(test)]
mod tests;
mod walk;

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use nix::fcntl::OFlag;

pub use self::walk::EntryError;
pub(crate) use self::walk::Walk;
use self::walk::{Kind, at_entry, unsupported};
use crate::{Digest, ReadLimit, parent::Parent};

/// In which `st_blocks` is counted, whatever the file system's own blocks are.
const BLOCK: u64 = 512;

/// What a call left behind, and what it was when the call had ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Where it is.
    pub path: PathBuf,
    /// Of the file; of a folder, of its listing (see [`Output::of`]).
    pub digest: Digest,
    /// In bytes, without what a file system adds.
    pub size: u64,
    /// Which files these were, and when they were last touched; see [`Output::change`].
    identity: Digest,
    /// The folder that it was in.
    parent: Parent,
    /// How many of its files have other names too, through which they can be changed.
    pub hard_links: u64,
    /// How many sockets, FIFOs and devices are in it: only their kind and name are digested.
    pub special: u64,
}

/// How an output differs from what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display)]
pub enum Change {
    /// Its size.
    #[strum(to_string = "its size is another one")]
    Size,
    /// Its files are others, or were touched: written, renamed, linked, or given other rights.
    #[strum(to_string = "it was replaced or touched")]
    Identity,
    /// Its content.
    #[strum(to_string = "its content is another one")]
    Content,
}

impl Output {
    /// Reads the whole of a file or a folder, without a limit.
    ///
    /// A folder's digest is that of a listing with one line an entry, in the order of their paths: a kind (`file`,
    /// `link`, `folder`, `socket`, `fifo`, `block_device`, `character_device`), the digest of the file's content or of
    /// the link's target, and the path, each followed by a NUL character. Times, owners and permissions are not part of
    /// it, and neither is which device it is.
    ///
    /// # Errors
    /// What cannot be read, with an [`EntryError`]; a device, a FIFO or a socket in the output's own place is
    /// `Unsupported`. A link in the output's own place is not
    /// followed, and one in the place of the folder that it is in is `NotADirectory`.
    pub fn of(path: &Path) -> io::Result<Self> {
        Self::of_within(path, &ReadLimit::none())
    }

    /// As [`Output::of`], within a limit.
    ///
    /// # Errors
    /// As [`Output::of`], and the limit's.
    pub fn of_within(path: &Path, limit: &ReadLimit) -> io::Result<Self> {
        let parent = Parent::of(path)?;
        let (mut contents, mut identities) = (Vec::new(), Vec::new());
        let (mut size, mut hard_links, mut special) = (0, 0, 0);
        let mut digest = None;
        for entry in Walk::of(path, limit)? {
            let entry = entry?;
            // Before the content is read: a change meanwhile shows as another identity later.
            entry.append_identity(&mut identities);
            hard_links += u64::from(entry.metadata.is_file() && entry.metadata.nlink() > 1);
            let at_this = |error| at_entry(&entry.path, error);
            let (word, content) = match entry.kind() {
                Kind::File => {
                    let file = open_file(&entry.path).map_err(at_this)?;
                    let file = file.ok_or_else(|| unsupported(&entry.path))?;
                    let read = Digest::of_reader(limit.reader(file));
                    let (digest, length) = read.map_err(at_this)?;
                    size += length;
                    ("file", digest.to_hex())
                }
                Kind::Special(word) => {
                    special += 1;
                    (word, String::new())
                }
                Kind::Link => {
                    let target = fs::read_link(&entry.path).map_err(at_this)?;
                    let digest = Digest::of(target.as_os_str().as_encoded_bytes());
                    ("link", digest.to_hex())
                }
                Kind::Folder => ("folder", String::new()),
            };
            match entry.below(path) {
                Some(below) => {
                    append_line(&mut contents, [word.as_bytes(), content.as_bytes(), below])
                }
                None if word == "file" => digest = Some(content.parse().map_err(io::Error::other)?),
                None if word == "folder" => {}
                None => return Err(unsupported(path)),
            }
        }
        // What was read by its path was in this folder all the while, or in one that is not put back.
        parent.check(path)?;
        Ok(Self {
            path: path.to_owned(),
            parent,
            digest: digest.unwrap_or_else(|| Digest::of(contents)),
            size,
            identity: Digest::of(identities),
            hard_links,
            special,
        })
    }

    /// How what is there now differs from what it was; none, where it does not.
    ///
    /// Size and identity are compared first, and the content is read only where both are the same. The identity is, of
    /// the folder that it is in, device and inode, and of every file, link and folder, its device and inode, its size,
    /// and when its content (`mtime`) and the file itself (`ctime`) were last changed. Reading changes none of these,
    /// and neither does `atime`. Renaming something away and back, a further hard link and `chmod` do change `ctime`,
    /// so something that was swapped and put back is found, although its digest is the same.
    ///
    /// # Errors
    /// As [`Output::of_within`].
    pub fn change(&self, limit: &ReadLimit) -> io::Result<Option<Change>> {
        if Parent::of(&self.path)? != self.parent {
            return Ok(Some(Change::Identity));
        }
        let (mut identities, mut size) = (Vec::new(), 0);
        for entry in Walk::of(&self.path, limit)? {
            let entry = entry?;
            entry.append_identity(&mut identities);
            if entry.metadata.is_file() {
                size += entry.metadata.len();
            }
        }
        if size != self.size {
            return Ok(Some(Change::Size));
        }
        if Digest::of(identities) != self.identity {
            return Ok(Some(Change::Identity));
        }
        let now = Self::of_within(&self.path, limit)?;
        Ok((now.digest != self.digest).then_some(Change::Content))
    }

    /// How many bytes lie there, in a file or in a folder's files: counted without reading them, and without following
    /// links. What cannot be looked at is not counted.
    ///
    /// # Errors
    /// The limit's.
    pub fn size_at(path: &Path, limit: &ReadLimit) -> io::Result<u64> {
        sum(path, limit, |file| file.len())
    }

    /// How much of the disk they take, in bytes: holes take none. A file with several names in it is counted once for
    /// each.
    ///
    /// # Errors
    /// The limit's.
    pub fn disk_usage(path: &Path, limit: &ReadLimit) -> io::Result<u64> {
        sum(path, limit, |file| file.blocks().saturating_mul(BLOCK))
    }
}

/// Opens a file for reading, and nothing else: a link in its place is not followed, and a pipe is not waited for.
/// None: it is no file.
///
/// # Errors
/// The file system's.
pub fn open_file(path: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits())
        .open(path)?;
    Ok(file.metadata()?.is_file().then_some(file))
}

fn sum(path: &Path, limit: &ReadLimit, of: impl Fn(&Metadata) -> u64) -> io::Result<u64> {
    let mut size = 0_u64;
    let walk = match Walk::of(path, limit) {
        Err(error) if error.kind() != io::ErrorKind::TimedOut => return Ok(0),
        walk => walk?,
    };
    for entry in walk {
        match entry {
            Ok(entry) if entry.metadata.is_file() => {
                size = size.saturating_add(of(&entry.metadata))
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(error),
            _ => {}
        }
    }
    Ok(size)
}

fn append_line(listing: &mut Vec<u8>, parts: [&[u8]; 3]) {
    for part in parts {
        listing.extend_from_slice(part);
        listing.push(0);
    }
    listing.push(b'\n');
}
