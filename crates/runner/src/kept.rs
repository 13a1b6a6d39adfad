//! What runs have left in their folders, for whoever clears it away.

use std::{fs, io};

use dotwrap_invoke::Output;
use dotwrap_wrapper::ProcessRunId;

use crate::{RunFolders, folder::UNRECORDED};

impl RunFolders {
    /// The runs that have a folder here, in the order of their ids, which is mostly that of their beginnings. What does not bear a run's
    /// id, and what is no folder, is nobody's here.
    ///
    /// # Errors
    /// The folder of all runs can not be read. That it is not there is no error: no run has left anything then.
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
            // Under another spelling of the id it would not be found again.
            let run = run.filter(|run| name.to_str() == Some(&run.to_string()));
            if entry.file_type()?.is_dir() {
                runs.extend(run);
            }
        }
        runs.sort();
        Ok(runs)
    }

    /// Whether a run's folder holds what the ledger could not be told. Nobody else knows it.
    pub fn holds_unrecorded(&self, run: ProcessRunId) -> bool {
        fs::symlink_metadata(self.of(run).join(UNRECORDED)).is_ok()
    }

    /// How many bytes lie in a run's folder.
    pub fn size_of(&self, run: ProcessRunId) -> u64 {
        Output::size_at(&self.of(run))
    }

    /// Removes a run's folder and everything in it. No link is followed.
    ///
    /// # Errors
    /// What could not be removed; the rest may be gone.
    pub fn remove(&self, run: ProcessRunId) -> io::Result<()> {
        fs::remove_dir_all(self.of(run))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_folders_that_bear_a_runs_id_are_runs() {
        let root = tempfile::tempdir().unwrap();
        let folders = RunFolders::below(root.path().join("runs"));
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
        assert_eq!(folders.size_of(run), 5);
    }

    #[test]
    fn what_a_link_leads_to_stays() {
        let root = tempfile::tempdir().unwrap();
        let folders = RunFolders::below(root.path().join("runs"));
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
}
