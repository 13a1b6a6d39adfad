//! Where a run's files are: `<root>/<process_run_id>/<producer|verifier>/`.

use std::{
    fs::{self, DirBuilder, File, Metadata},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use dotwrap_invoke::Space;
use dotwrap_wrapper::{ComponentRole, ProcessRunId};
use nix::{
    errno::Errno,
    fcntl::{OFlag, open, openat},
    sys::stat::Mode,
    unistd::{AccessFlags, UnlinkatFlags, access, geteuid, unlinkat},
};
use serde_json::Value as Json;
use url::Url;

use crate::Error;

/// The length limit of a run folder's URL, including `file://` and percent signs: with a file name it is a reference of
/// at most 2000 characters.
const LONGEST_ADDRESS: usize = 1_800;

/// The member of a run's evidence with its folder's path.
pub(crate) const FOLDER: &str = "folder";

/// The file in a run's folder with evidence that the ledger refused.
pub(crate) const UNRECORDED: &str = "unrecorded_evidence.json";

/// The folder that contains one folder per run.
#[derive(Clone, Debug)]
pub struct RunsDir(PathBuf);

/// One run's folder, which exists once it has content. Only the user can read it: outputs may be secrets.
#[derive(Clone, Debug)]
pub(crate) struct RunFolder(PathBuf);

impl RunsDir {
    /// Creates run folders in this one, which is created when needed.
    pub fn below(root: impl Into<PathBuf>) -> Self {
        Self(root.into())
    }

    /// The folder of all runs.
    pub fn root(&self) -> &Path {
        &self.0
    }

    /// The folder of a run, whether it exists or not.
    pub fn of(&self, run: ProcessRunId) -> PathBuf {
        self.0.join(run.to_string())
    }

    /// Refuses a disk with less than this many free bytes. One whose space is not known is not refused.
    pub(crate) fn require_free(&self, needed: u64) -> Result<(), Error> {
        match Space::at(&self.0) {
            Ok(space) if space.free < needed => Err(Error::DiskFull {
                space: Box::new(space),
                needed,
            }),
            _ => Ok(()),
        }
    }

    /// Reserves the folder of a run that is about to begin. Its calls create their folders in it when they have files
    /// to keep. This checks that they can, so that an unwritable path is reported before the ledger is written.
    pub(crate) fn reserve(&self, run: ProcessRunId) -> Result<RunFolder, Error> {
        let path = self.of(run);
        let refused = |source: io::Error| Error::Folder {
            source: naming_space(&path, source),
            path: path.clone(),
        };
        // Tools get absolute paths, whatever their working folder is.
        let absolute = std::path::absolute(&path).map_err(refused)?;
        if Url::from_file_path(&absolute)
            .is_ok_and(|address| address.as_str().len() > LONGEST_ADDRESS)
        {
            let source = io::Error::new(
                io::ErrorKind::InvalidFilename,
                format!(
                    "its address is longer than {LONGEST_ADDRESS} characters, and the ledger would not take the names of the files in it"
                ),
            );
            return Err(refused(source));
        }
        match access(&self.0, AccessFlags::W_OK | AccessFlags::X_OK) {
            Ok(()) => {}
            Err(Errno::ENOENT) => make(&self.0).map_err(refused)?,
            Err(error) => return Err(refused(error.into())),
        }
        match fs::symlink_metadata(&absolute) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(refused(error)),
            Ok(found) => restrict_to_owner(&found)
                .and_then(|()| require_empty(&absolute))
                .map_err(refused)?,
        }
        Ok(RunFolder(absolute))
    }
}

/// Refuses an existing entry with a run's name that is a link, or that other users can read or change.
fn restrict_to_owner(found: &Metadata) -> io::Result<()> {
    let what = if found.is_symlink() {
        "it is a link, and links are not followed here: remove it"
    } else if !found.is_dir() {
        "it is no folder: remove it"
    } else if found.uid() != geteuid().as_raw() {
        "it belongs to another user: remove it, or give the run another id"
    } else if found.mode() & 0o077 != 0 {
        "others may look into it: remove it, or make it yours alone with `chmod 700`"
    } else {
        return Ok(());
    };
    Err(io::Error::new(io::ErrorKind::AlreadyExists, what))
}

/// Refuses a folder with content: it is another run's, with the same id in another ledger.
fn require_empty(folder: &Path) -> io::Result<()> {
    match fs::read_dir(folder)?.next() {
        None => Ok(()),
        Some(_) => Err(io::Error::new(
            io::ErrorKind::DirectoryNotEmpty,
            "it holds what another run has left: give the run another id, or name another --runs-folder",
        )),
    }
}

fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

impl RunFolder {
    /// The path, where the folder has content and the path is valid UTF-8.
    pub(crate) fn if_there(&self) -> Option<&str> {
        self.0.to_str().filter(|_| self.0.is_dir())
    }

    /// The path.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The folder of one member's call.
    pub(crate) fn of_call(&self, role: ComponentRole) -> PathBuf {
        self.0.join(role.as_ref())
    }

    /// Writes a file with evidence that the ledger refused. Returns its path, if it could be written.
    pub(crate) fn write_unrecorded_note(&self, note: &Json) -> Option<PathBuf> {
        let path = self.0.join(UNRECORDED);
        match self.write_anew(UNRECORDED, &note.to_string()) {
            Ok(()) => Some(path),
            Err(error) => {
                let error = naming_space(&self.0, error);
                tracing::warn!(%error, file = %path.display(), "what could not be recorded could not be noted either");
                None
            }
        }
    }

    /// Creates a new file in the folder. A tool may have replaced the folder by a link, which is refused, or the file
    /// by a link, which is removed. Both are resolved relative to the opened folder.
    fn write_anew(&self, name: &str, text: &str) -> io::Result<()> {
        make(&self.0)?;
        let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let folder = open(&self.0, flags, Mode::empty()).map_err(io::Error::from)?;
        match unlinkat(&folder, name, UnlinkatFlags::NoRemoveDir) {
            Err(error) if error != Errno::ENOENT => return Err(error.into()),
            _ => {}
        }
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = openat(&folder, name, flags, Mode::S_IRUSR | Mode::S_IWUSR)?;
        File::from(file).write_all(text.as_bytes())
    }
}

/// Adds the free space to the error of a full disk.
fn naming_space(path: &Path, error: io::Error) -> io::Error {
    if error.kind() != io::ErrorKind::StorageFull {
        return error;
    }
    match Space::at(path) {
        Ok(space) => io::Error::new(error.kind(), format!("{error}: {space}")),
        Err(_) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_with_a_path_too_long_for_the_ledger_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let long = root.path().join("x/".repeat(LONGEST_ADDRESS / 2));
        assert!(RunsDir::below(long).reserve(ProcessRunId::mint()).is_err());
        // Each of these letters is six characters of an address.
        let encoded = root.path().join("é/".repeat(LONGEST_ADDRESS / 7));
        assert!(
            RunsDir::below(encoded)
                .reserve(ProcessRunId::mint())
                .is_err()
        );
        assert_eq!(root.path().read_dir().unwrap().count(), 0);
        assert!(
            RunsDir::below(root.path())
                .reserve(ProcessRunId::mint())
                .is_ok()
        );
    }

    #[test]
    fn existing_entry_at_a_run_folders_path_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let (folders, elsewhere) = (RunsDir::below(root.path()), root.path().join("other"));
        let place = |put: &dyn Fn(&Path)| {
            let run = ProcessRunId::mint();
            put(&folders.of(run));
            folders.reserve(run)
        };
        let mode = |mode| move |path: &Path| DirBuilder::new().mode(mode).create(path).unwrap();
        fs::create_dir(&elsewhere).unwrap();
        let link = |path: &Path| std::os::unix::fs::symlink(&elsewhere, path).unwrap();
        let file = |path: &Path| fs::write(path, "").unwrap();
        for (put, word) in [
            (&link as &dyn Fn(&Path), "link"),
            (&file, "no folder"),
            (&mode(0o755), "chmod 700"),
        ] {
            let error = place(put).unwrap_err().to_string();
            let names_it = error.contains(&root.path().display().to_string());
            assert!(error.contains(word) && names_it, "{error}");
        }
        place(&mode(0o700)).unwrap();
        let used = |path: &Path| {
            mode(0o700)(path);
            fs::write(path.join("output"), "").unwrap();
        };
        let error = place(&used).unwrap_err().to_string();
        assert!(error.contains("another run"), "{error}");
    }
    #[test]
    fn note_is_written_through_no_link() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().unwrap();
        let folders = RunsDir::below(root.path().join("runs"));
        let victim = root.path().join("victim");
        fs::write(&victim, "kept").unwrap();
        let note = serde_json::json!({"reason": "a test"});
        let run = ProcessRunId::mint();
        let folder = folders.reserve(run).unwrap();
        fs::create_dir(folders.of(run)).unwrap();
        symlink(&victim, folders.of(run).join(UNRECORDED)).unwrap();
        let path = folder.write_unrecorded_note(&note).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "kept");
        assert!(path.symlink_metadata().unwrap().is_file());
        assert_eq!(fs::read_to_string(path).unwrap(), note.to_string());
        // The whole folder, led elsewhere by a link.
        let elsewhere = root.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        let run = ProcessRunId::mint();
        let folder = folders.reserve(run).unwrap();
        symlink(&elsewhere, folders.of(run)).unwrap();
        assert_eq!(folder.write_unrecorded_note(&note), None);
        assert_eq!(elsewhere.read_dir().unwrap().count(), 0);
    }
}
