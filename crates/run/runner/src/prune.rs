//! Lists and removes the files of runs.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use dotwrap_invoke::{Output, ReadLimit, mounts};
use dotwrap_wrapper::{ProcessRunId, Run};

use crate::{
    RunsDir,
    folder::{FOLDER, UNRECORDED},
};

impl RunsDir {
    /// The runs with a folder here, ordered by id, which is mostly the order of their start. Ignores entries that are
    /// no folders or have no run's id as their name.
    ///
    /// # Errors
    /// The folder of all runs cannot be read. A missing folder is no error: there are no files then.
    pub fn kept(&self) -> io::Result<Vec<ProcessRunId>> {
        let entries = match fs::read_dir(self.root()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut runs = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let run: Option<ProcessRunId> = name.to_str().and_then(|name| name.parse().ok());
            // Another spelling of the id would not be found again.
            let run = run.filter(|run| name.to_str() == Some(&run.to_string()));
            if entry.file_type()?.is_dir() {
                runs.extend(run);
            }
        }
        runs.sort();
        Ok(runs)
    }

    /// Whether a run's folder has evidence that the ledger refused. The folder is its only copy. True where the folder
    /// cannot be read.
    pub fn holds_unrecorded(&self, run: ProcessRunId) -> bool {
        match fs::symlink_metadata(self.of(run).join(UNRECORDED)) {
            Ok(_) => true,
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }

    /// The disk usage of a run's folder, in bytes; holes in files do not count.
    pub fn size_of(&self, run: ProcessRunId) -> u64 {
        Output::disk_usage(&self.of(run), &ReadLimit::none()).unwrap_or(0)
    }

    /// Whether the ledger names this folder as the location of the run's files: ids are unique in one ledger, and
    /// folders may serve several. None where the ledger names no location, as for a run that its runner did not
    /// conclude.
    pub fn is_recorded_location(&self, run: &Run) -> Option<bool> {
        let recorded = run.evidence_ref[FOLDER].as_str()?;
        let [here, there] = [self.of(run.process_run_id), PathBuf::from(recorded)]
            .map(|folder| folder.canonicalize().ok());
        Some(here.is_some() && here == there)
    }

    /// Removes a run's folder with its content. Follows no link. Makes folders without permissions accessible first.
    ///
    /// # Errors
    /// A file system is mounted in it, and nothing was removed; or an entry could not be removed, and others may be
    /// gone. A missing folder is no error.
    pub fn remove(&self, run: ProcessRunId) -> io::Result<()> {
        let folder = self.of(run);
        let Ok(real) = folder.canonicalize() else {
            return ignore_not_found(fs::remove_dir_all(folder));
        };
        if let Some(mount) = mounted_below(&real)? {
            let mount = mount.strip_prefix(&real).unwrap_or(&mount);
            let what = format!(
                "something is mounted at {} in it: unmount it first",
                mount.display()
            );
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, what));
        }
        match ignore_not_found(fs::remove_dir_all(&folder)) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                make_writable(&folder);
                ignore_not_found(fs::remove_dir_all(&folder))
            }
            done => done,
        }
    }
}

/// Another process may have removed it.
fn ignore_not_found(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Makes every folder below that belongs to this account writable before it is read. A failure is reported by the
/// removal.
fn make_writable(folder: &Path) {
    let _another_s = fs::set_permissions(folder, Permissions::from_mode(0o700));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        // A link to a folder does not count as a folder.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            make_writable(&entry.path());
        }
    }
}

/// Finds a mount below the folder: its content would be removed as well.
fn mounted_below(folder: &Path) -> io::Result<Option<PathBuf>> {
    let mut places = mounts()?.into_iter().map(|mount| mount.point);
    Ok(places.find(|place| place.starts_with(folder)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_folders_that_bear_a_runs_id_are_runs() {
        let root = tempfile::tempdir().unwrap();
        let folders = RunsDir::below(root.path().join("runs"));
        assert_eq!(folders.kept().unwrap(), []);
        let [run, file, link, upper] = [(); 4].map(|()| ProcessRunId::mint());
        fs::create_dir_all(folders.of(run).join("producer")).unwrap();
        fs::write(folders.of(run).join("producer/output"), "12345").unwrap();
        fs::write(folders.of(file), "").unwrap();
        symlink(folders.of(run), folders.of(link)).unwrap();
        let shouted = upper.to_string().to_uppercase();
        fs::create_dir(folders.root().join(shouted)).unwrap();
        fs::create_dir(folders.root().join("notes")).unwrap();
        assert_eq!(folders.kept().unwrap(), [run]);
        let file = fs::File::create(folders.of(run).join("sparse")).unwrap();
        file.set_len(1 << 40).unwrap();
        let size = folders.size_of(run);
        assert!((1..1 << 30).contains(&size), "{size}");
    }

    #[test]
    fn target_of_a_symlink_is_not_removed() {
        let root = tempfile::tempdir().unwrap();
        let folders = RunsDir::below(root.path().join("runs"));
        let run = ProcessRunId::mint();
        let other = root.path().join("other");
        fs::create_dir_all(folders.of(run)).unwrap();
        fs::create_dir(&other).unwrap();
        fs::write(other.join("file"), "").unwrap();
        symlink(&other, folders.of(run).join("link")).unwrap();
        folders.remove(run).unwrap();
        assert_eq!(folders.kept().unwrap(), []);
        assert!(other.join("file").exists());
    }

    #[test]
    fn read_only_folder_is_removed_and_missing_folder_is_no_error() {
        let root = tempfile::tempdir().unwrap();
        let folders = RunsDir::below(root.path());
        let run = ProcessRunId::mint();
        let closed = folders.of(run).join("producer/modules/closed");
        fs::create_dir_all(&closed).unwrap();
        fs::write(closed.join("file"), "").unwrap();
        for folder in [&closed, closed.parent().unwrap()] {
            fs::set_permissions(folder, Permissions::from_mode(0o000)).unwrap();
        }
        folders.remove(run).unwrap();
        assert_eq!(folders.kept().unwrap(), []);
        folders.remove(run).unwrap();
    }
}
