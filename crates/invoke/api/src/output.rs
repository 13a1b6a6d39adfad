//! What a call left: a file, or a folder, with its digest.

use std::{
    collections::{BTreeMap, btree_map},
    ffi::OsString,
    fs::{self, File, Metadata, OpenOptions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use nix::fcntl::OFlag;

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
    /// A folder's digest is that of a listing with one line an entry, in the order of their paths: a kind (`file`, `link`,
    /// `folder`), the digest of the file's content or of the link's target, and the path, each followed by a NUL
    /// character. Times, owners and permissions are not part of it.
    ///
    /// # Errors
    /// What can not be read; a device, a pipe or a socket is `Unsupported`. A link in the output's own place is not followed, and one in the
    /// place of the folder that it is in is `NotADirectory`.
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
        let (mut size, mut hard_links) = (0, 0);
        let mut digest = None;
        for entry in Walk::of(path, limit)? {
            let entry = entry?;
            // Before the content is read: a change meanwhile shows as another identity later.
            entry.append_identity(&mut identities);
            hard_links += u64::from(entry.metadata.is_file() && entry.metadata.nlink() > 1);
            let (word, content) = match entry.kind()? {
                Kind::File => {
                    let file = open_file(&entry.path)?.ok_or_else(|| unsupported(&entry.path))?;
                    let (digest, length) = Digest::of_reader(limit.reader(file))?;
                    size += length;
                    ("file", digest.to_hex())
                }
                Kind::Link => {
                    let target = fs::read_link(&entry.path)?;
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
        })
    }

    /// How what is there now differs from what it was; none, where it does not.
    ///
    /// Size and identity are compared first, and the content is read only where both are the same. The identity is, of
    /// the folder that it is in, device and inode, and of every file, link and folder, its device and inode, its size, and when its content (`mtime`) and the file itself
    /// (`ctime`) were last changed. Reading changes none of these, and neither does `atime`. Renaming something away
    /// and back, a further hard link and `chmod` do change `ctime`, so something that was swapped and put back is
    /// found, although its digest is the same.
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

    /// How many bytes lie there, in a file or in a folder's files: counted without reading them, and without following links.
    /// What can not be looked at is not counted.
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

/// What lies at a path, the path itself first, each folder's entries in the order of their names. Links are not
/// followed. The limit is looked at before each entry, and while a folder's names are read: there may be millions.
pub(crate) struct Walk<'a> {
    limit: &'a ReadLimit,
    root: Option<Entry>,
    folders: Vec<Names>,
    /// The folder that was given last, and is looked into next.
    into: Option<PathBuf>,
}

struct Names {
    folder: PathBuf,
    names: btree_map::IntoIter<OsString, ()>,
}

pub(crate) struct Entry {
    pub(crate) path: PathBuf,
    metadata: Metadata,
}

enum Kind {
    File,
    Link,
    Folder,
}

impl<'a> Walk<'a> {
    pub(crate) fn of(path: &Path, limit: &'a ReadLimit) -> io::Result<Self> {
        limit.check()?;
        Ok(Self {
            limit,
            root: Some(Entry::at(path.to_owned())?),
            folders: Vec::new(),
            into: None,
        })
    }

    fn enter(&mut self, folder: PathBuf) -> io::Result<()> {
        let mut names = BTreeMap::new();
        for entry in fs::read_dir(&folder)? {
            self.limit.check()?;
            names.insert(entry?.file_name(), ());
        }
        let names = names.into_iter();
        self.folders.push(Names { folder, names });
        Ok(())
    }

    fn next_path(&mut self) -> Option<PathBuf> {
        loop {
            let Names { folder, names } = self.folders.last_mut()?;
            match names.next() {
                Some((name, ())) => return Some(folder.join(name)),
                None => drop(self.folders.pop()),
            }
        }
    }

    fn step(&mut self) -> io::Result<Option<Entry>> {
        self.limit.check()?;
        if let Some(folder) = self.into.take() {
            self.enter(folder)?;
        }
        let entry = match self.root.take() {
            Some(root) => root,
            None => match self.next_path() {
                Some(path) => Entry::at(path)?,
                None => return Ok(None),
            },
        };
        if entry.metadata.is_dir() {
            self.into = Some(entry.path.clone());
        }
        Ok(Some(entry))
    }
}

impl Iterator for Walk<'_> {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}

impl Entry {
    fn at(path: PathBuf) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(&path)?;
        Ok(Self { path, metadata })
    }

    fn kind(&self) -> io::Result<Kind> {
        let kind = self.metadata.file_type();
        if kind.is_file() {
            Ok(Kind::File)
        } else if kind.is_symlink() {
            Ok(Kind::Link)
        } else if kind.is_dir() {
            Ok(Kind::Folder)
        } else {
            Err(unsupported(&self.path))
        }
    }

    /// Its path below the output; none of the output itself.
    fn below(&self, output: &Path) -> Option<&[u8]> {
        let below = self.path.strip_prefix(output).unwrap_or(&self.path);
        let below = below.as_os_str().as_encoded_bytes();
        (!below.is_empty()).then_some(below)
    }

    fn append_identity(&self, identities: &mut Vec<u8>) {
        let of = &self.metadata;
        for number in [of.dev(), of.ino(), of.size()] {
            identities.extend_from_slice(&number.to_ne_bytes());
        }
        for number in [of.mtime(), of.mtime_nsec(), of.ctime(), of.ctime_nsec()] {
            identities.extend_from_slice(&number.to_ne_bytes());
        }
    }
}

fn unsupported(path: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        format!("{} is neither a file nor a folder", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    fn change(output: &Output) -> Option<Change> {
        output.change(&ReadLimit::none()).unwrap()
    }

    /// Until the file system's clock has ticked: two changes within one tick have one time.
    fn wait_for_tick(folder: &Path) {
        let time = || {
            let probe = tempfile::NamedTempFile::new_in(folder).unwrap();
            let of = probe.as_file().metadata().unwrap();
            (of.ctime(), of.ctime_nsec())
        };
        let before = time();
        while time() == before {}
    }

    #[test]
    fn output_swapped_and_put_back_is_noticed() {
        for name in ["a", "folder"] {
            let below = folder_with(&[("a", "abc"), ("folder/b", "1")]);
            let [path, aside, other] = [name, "aside", "other"].map(|name| below.path().join(name));
            let output = Output::of(&path).unwrap();
            wait_for_tick(below.path());
            assert_eq!(change(&output), None);
            fs::rename(&path, &aside).unwrap();
            fs::write(&path, "another").unwrap();
            fs::rename(&path, &other).unwrap();
            fs::rename(&aside, &path).unwrap();
            assert_eq!(Output::of(&path).unwrap().digest, output.digest);
            assert_eq!(change(&output), Some(Change::Identity), "{name}");
        }
    }

    #[test]
    fn link_or_other_folder_in_the_place_of_the_outputs_is_noticed() {
        let below = folder_with(&[("producer/output", "abc")]);
        let [producer, aside] = ["producer", "aside"].map(|name| below.path().join(name));
        let path = producer.join("output");
        let output = Output::of(&path).unwrap();
        fs::rename(&producer, &aside).unwrap();
        fs::create_dir(&producer).unwrap();
        // The same file, in another folder.
        fs::rename(aside.join("output"), &path).unwrap();
        assert_eq!(change(&output), Some(Change::Identity));
        fs::rename(&path, aside.join("output")).unwrap();
        fs::remove_dir(&producer).unwrap();
        std::os::unix::fs::symlink(&aside, &producer).unwrap();
        let error = Output::of(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotADirectory);
        assert!(output.change(&ReadLimit::none()).is_err());
    }

    #[test]
    fn replaced_rewritten_and_linked_files_are_noticed() {
        let copy = |path: &Path| {
            let other = path.with_extension("new");
            fs::copy(path, &other).unwrap();
            fs::rename(other, path).unwrap();
        };
        let rewrite = |path: &Path| fs::write(path, "abc").unwrap();
        let link = |path: &Path| fs::hard_link(path, path.with_extension("link")).unwrap();
        let longer = |path: &Path| fs::write(path, "abcd").unwrap();
        for (touch, found) in [
            (&copy as &dyn Fn(&Path), Change::Identity),
            (&rewrite, Change::Identity),
            (&link, Change::Identity),
            (&longer, Change::Size),
        ] {
            let below = folder_with(&[("a", "abc")]);
            let path = below.path().join("a");
            let output = Output::of(&path).unwrap();
            wait_for_tick(below.path());
            touch(&path);
            assert_eq!(change(&output), Some(found));
        }
    }

    #[test]
    fn reading_is_no_change() {
        let below = folder_with(&[("a/b", "abc")]);
        let output = Output::of(below.path()).unwrap();
        wait_for_tick(tempfile::tempdir().unwrap().path());
        fs::read(below.path().join("a/b")).unwrap();
        assert_eq!(fs::read_dir(below.path()).unwrap().count(), 1);
        assert_eq!(change(&output), None);
    }

    #[test]
    fn holes_take_no_space() {
        let below = folder_with(&[("a", "abc")]);
        let file = File::create(below.path().join("sparse")).unwrap();
        file.set_len(1 << 40).unwrap();
        let limit = ReadLimit::none();
        assert_eq!(
            Output::size_at(below.path(), &limit).unwrap(),
            (1 << 40) + 3
        );
        assert!(Output::disk_usage(below.path(), &limit).unwrap() < 1 << 20);
    }

    #[test]
    fn a_file_s_digest_is_that_of_its_bytes() {
        let folder = folder_with(&[("a", "abc")]);
        let output = Output::of(&folder.path().join("a")).unwrap();
        assert_eq!((output.digest, output.size), (Digest::of("abc"), 3));
    }

    #[test]
    fn folders_with_the_same_content_have_the_same_digest() {
        let files = [("a", "1"), ("b/c", "2")];
        let one = Output::of(folder_with(&files).path()).unwrap().digest;
        assert_eq!(Output::of(folder_with(&files).path()).unwrap().digest, one);
        for other in [
            &[("a", "1"), ("b/c", "3")][..],
            &[("a", "1"), ("b/d", "2")],
            &[("a", "1")],
            &[("a", "1"), ("b/c", "2"), ("d", "")],
        ] {
            assert_ne!(
                Output::of(folder_with(other).path()).unwrap().digest,
                one,
                "{other:?}"
            );
        }
    }

    #[test]
    fn a_flipped_byte_is_noticed() {
        let folder = folder_with(&[("a/b", "abc")]);
        let output = Output::of(folder.path()).unwrap();
        wait_for_tick(tempfile::tempdir().unwrap().path());
        assert_eq!(change(&output), None);
        fs::write(folder.path().join("a/b"), "abd").unwrap();
        assert_ne!(change(&output), None);
    }

    #[test]
    fn a_link_counts_by_its_text_and_what_it_points_to_does_not() {
        let outside = folder_with(&[("a", "abc"), ("b/c", "1")]);
        let folder = folder_with(&[("x", "1")]);
        for name in ["a", "b"] {
            let link = folder.path().join(name);
            std::os::unix::fs::symlink(outside.path().join(name), link).unwrap();
        }
        let output = Output::of(folder.path()).unwrap();
        assert_eq!(output.size, 1);
        wait_for_tick(outside.path());
        fs::write(outside.path().join("a"), "abd").unwrap();
        fs::write(outside.path().join("b/c"), "2").unwrap();
        assert_eq!(change(&output), None);
        fs::remove_file(folder.path().join("a")).unwrap();
        std::os::unix::fs::symlink("elsewhere", folder.path().join("a")).unwrap();
        assert_ne!(change(&output), None);
    }

    #[test]
    fn a_link_in_the_output_s_place_is_not_followed() {
        let folder = folder_with(&[("a", "abc")]);
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path().join("a"), &link).unwrap();
        assert_eq!(
            Output::of(&link).unwrap_err().kind(),
            io::ErrorKind::Unsupported
        );
    }
}
