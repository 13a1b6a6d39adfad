//! Walks a file or a folder in a stable order.

use std::{
    collections::{BTreeMap, btree_map},
    ffi::OsString,
    fs::{self, Metadata},
    io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

use crate::ReadLimit;

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
    pub(super) metadata: Metadata,
}

pub(super) enum Kind {
    File,
    Link,
    Folder,
    /// A socket, a FIFO or a device, by its word in a listing. It has no content that could be read twice.
    Special(&'static str),
}

/// What cannot be read, with the entry that it is about. The entry's name is the tool's choice: it is bounded, and
/// shown without anything that a terminal would obey.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {source}")]
pub struct EntryError {
    /// The entry, below the output; the output's own path otherwise.
    pub name: String,
    source: io::Error,
}

/// The length limit of a name in an error, in characters.
const MAX_NAME: usize = 200;

/// The error, with the entry that it is about. A limit that was met is about none.
pub(super) fn at_entry(path: &Path, error: io::Error) -> io::Error {
    let is_said = error
        .get_ref()
        .is_some_and(|inner| inner.is::<EntryError>());
    if is_said || error.kind() == io::ErrorKind::TimedOut {
        return error;
    }
    let name = path.to_string_lossy();
    let name: String = name.escape_debug().take(MAX_NAME).collect();
    io::Error::new(
        error.kind(),
        EntryError {
            name,
            source: error,
        },
    )
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
        for entry in fs::read_dir(&folder).map_err(|error| at_entry(&folder, error))? {
            self.limit.check()?;
            let entry = entry.map_err(|error| at_entry(&folder, error))?;
            names.insert(entry.file_name(), ());
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
        let metadata = fs::symlink_metadata(&path).map_err(|error| at_entry(&path, error))?;
        Ok(Self { path, metadata })
    }

    pub(super) fn kind(&self) -> Kind {
        let kind = self.metadata.file_type();
        if kind.is_file() {
            Kind::File
        } else if kind.is_symlink() {
            Kind::Link
        } else if kind.is_dir() {
            Kind::Folder
        } else if kind.is_socket() {
            Kind::Special("socket")
        } else if kind.is_fifo() {
            Kind::Special("fifo")
        } else if kind.is_block_device() {
            Kind::Special("block_device")
        } else {
            Kind::Special("character_device")
        }
    }

    /// Its path below the output; none of the output itself.
    pub(super) fn below(&self, output: &Path) -> Option<&[u8]> {
        let below = self.path.strip_prefix(output).unwrap_or(&self.path);
        let below = below.as_os_str().as_encoded_bytes();
        (!below.is_empty()).then_some(below)
    }

    pub(super) fn append_identity(&self, identities: &mut Vec<u8>) {
        let of = &self.metadata;
        for number in [of.dev(), of.ino(), of.size()] {
            identities.extend_from_slice(&number.to_ne_bytes());
        }
        for number in [of.mtime(), of.mtime_nsec(), of.ctime(), of.ctime_nsec()] {
            identities.extend_from_slice(&number.to_ne_bytes());
        }
    }
}

pub(super) fn unsupported(path: &Path) -> io::Error {
    let what = io::Error::new(
        io::ErrorKind::Unsupported,
        "it is neither a file nor a folder",
    );
    at_entry(path, what)
}
