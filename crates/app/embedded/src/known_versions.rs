//! The versions of programs that were asked before, in a file of the cluster's folder. Starting a program only to get
//! its version costs each command some milliseconds.

use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{binaries::Version, files};

/// How many programs are remembered.
const MAX_KNOWN: usize = 32;

/// What is known, and where it is kept.
#[derive(Debug)]
pub(crate) struct KnownVersions {
    file: PathBuf,
    known: Vec<Known>,
    is_changed: bool,
}

/// A program as it was when it was asked. Another file in its place, or other content or rights, make it another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    version: (u32, u32),
}

impl KnownVersions {
    /// Reads the file. One that is missing or unreadable knows nothing.
    pub(crate) fn read(file: PathBuf) -> Self {
        let text = fs::read(&file).unwrap_or_default();
        Self {
            known: serde_json::from_slice(&text).unwrap_or_default(),
            file,
            is_changed: false,
        }
    }

    /// The version of a program, asked only where it is not known.
    ///
    /// # Errors
    /// Those of asking.
    pub(crate) fn of(
        &mut self,
        program: &Path,
        ask: impl FnOnce(&Path) -> Result<Version, String>,
    ) -> Result<Version, String> {
        let Ok(found) = fs::metadata(program) else {
            return ask(program);
        };
        let known = self.known.iter().find(|known| known.is(&found));
        if let Some((major, minor)) = known.map(|known| known.version) {
            return Ok(Version { major, minor });
        }
        let version = ask(program)?;
        self.known.insert(0, Known::new(&found, version));
        self.known.truncate(MAX_KNOWN);
        self.is_changed = true;
        Ok(version)
    }

    /// Keeps what was learnt. What cannot be kept is asked again the next time.
    pub(crate) fn keep(&self) {
        if !self.is_changed {
            return;
        }
        let text = serde_json::to_vec(&self.known).unwrap_or_default();
        if let Err(error) = files::replace(&self.file, &text) {
            tracing::debug!(%error, "the versions of programs cannot be kept");
        }
    }
}

impl Known {
    fn new(found: &Metadata, version: Version) -> Self {
        Self {
            device: found.dev(),
            inode: found.ino(),
            bytes: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
            version: (version.major, version.minor),
        }
    }

    fn is(&self, found: &Metadata) -> bool {
        let (major, minor) = self.version;
        *self == Self::new(found, Version { major, minor })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_asked_once_and_again_when_it_was_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (program, file) = (folder.path().join("postgres"), folder.path().join("known"));
        fs::write(&program, "one").unwrap();
        let version = |major| Version { major, minor: 4 };
        let mut first = KnownVersions::read(file.clone());
        assert_eq!(first.of(&program, |_| Ok(version(15))), Ok(version(15)));
        first.keep();
        let unasked = |_: &Path| panic!("it is known");
        let mut second = KnownVersions::read(file.clone());
        assert_eq!(second.of(&program, unasked), Ok(version(15)));
        fs::write(&program, "two and more").unwrap();
        let mut third = KnownVersions::read(file.clone());
        assert_eq!(third.of(&program, |_| Ok(version(18))), Ok(version(18)));
        // What cannot be asked is not remembered.
        let failed = third.of(folder.path(), |_| Err("no".to_owned()));
        assert_eq!(failed, Err("no".to_owned()));
        third.keep();
        fs::write(&file, "no JSON").unwrap();
        let mut fourth = KnownVersions::read(file);
        assert_eq!(fourth.of(&program, |_| Ok(version(17))), Ok(version(17)));
    }
}
