//! Where a run's files are: `<root>/<process_run_id>/<producer|verifier>/`.

use std::{
    fs::DirBuilder,
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use dotwrap_wrapper::{ComponentRole, ProcessRunId};
use nix::{
    errno::Errno,
    unistd::{AccessFlags, access},
};
use serde_json::Value as Json;

use crate::Error;

/// Of a run's folder, in bytes: with `file://` before it and a file's name behind it, it is a reference of at most 2000
/// characters.
const LONGEST_PATH: usize = 1_800;

/// The folder below which every run gets one of its own.
#[derive(Clone, Debug)]
pub struct RunFolders(PathBuf);

/// One run's folder, which is there when something is in it. Nobody but the user can look into it: outputs may be secrets.
#[derive(Clone, Debug)]
pub(crate) struct RunFolder(PathBuf);

impl RunFolders {
    /// Runs get their folders below this one, which is made when it is needed.
    pub fn below(root: impl Into<PathBuf>) -> Self {
        Self(root.into())
    }

    /// The folder of a run, whether it is there or not.
    pub fn of(&self, run: ProcessRunId) -> PathBuf {
        self.0.join(run.to_string())
    }

    /// The place of a run that is about to begin. Its calls make their folders in it when they have something to keep; that they can is
    /// looked at here, so that a place that can not be written to is met before the ledger is.
    pub(crate) fn place(&self, run: ProcessRunId) -> Result<RunFolder, Error> {
        let path = self.of(run);
        let refused = |source: io::Error| Error::Folder {
            path: path.clone(),
            source,
        };
        // Tools are told absolute paths, whatever their working folder is.
        let absolute = std::path::absolute(&path).map_err(refused)?;
        if absolute.as_os_str().len() > LONGEST_PATH {
            let source = io::Error::new(
                io::ErrorKind::InvalidFilename,
                format!(
                    "it is longer than {LONGEST_PATH} bytes, and the ledger would not take the names of the files in it"
                ),
            );
            return Err(refused(source));
        }
        match access(&self.0, AccessFlags::W_OK | AccessFlags::X_OK) {
            Ok(()) => {}
            Err(Errno::ENOENT) => make(&self.0).map_err(refused)?,
            Err(error) => return Err(refused(error.into())),
        }
        Ok(RunFolder(absolute))
    }
}

fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

impl RunFolder {
    /// Where the folder of one side's call is.
    pub(crate) fn of_call(&self, role: ComponentRole) -> PathBuf {
        self.0.join(role.as_ref())
    }

    /// Leaves a note beside the outputs, for what the ledger would not take.
    pub(crate) fn leave(&self, name: &str, note: &Json) {
        let path = self.0.join(name);
        let written = make(&self.0).and_then(|()| std::fs::write(&path, note.to_string()));
        if let Err(error) = written {
            tracing::warn!(%error, file = %path.display(), "a note could not be left");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_whose_files_the_ledger_could_not_name_is_not_used() {
        let root = tempfile::tempdir().unwrap();
        let long = root.path().join("x/".repeat(LONGEST_PATH / 2));
        assert!(RunFolders::below(long).place(ProcessRunId::mint()).is_err());
        assert_eq!(root.path().read_dir().unwrap().count(), 0);
        assert!(
            RunFolders::below(root.path())
                .place(ProcessRunId::mint())
                .is_ok()
        );
    }
}
