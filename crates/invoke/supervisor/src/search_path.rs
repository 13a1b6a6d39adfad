//! Where programs are looked for: in a fixed list, never in the caller's `PATH`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use dotwrap_invoke::UnsupportedContract;
use nix::unistd::{AccessFlags, access};

const SYSTEM: [&str; 6] = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];

/// Debian keeps most of PostgreSQL's programs out of the common folders, one folder a version.
const POSTGRESQL: &str = "/usr/lib/postgresql";

/// The folders in which programs are looked for, in their order. Also the tools' `PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchPath(Vec<PathBuf>);

impl SearchPath {
    /// The system's folders, and behind them those of its PostgreSQL versions, the newest first.
    pub fn of_system() -> Self {
        let mut folders: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
        folders.extend(versions_below(Path::new(POSTGRESQL)));
        Self(folders)
    }

    /// These folders alone.
    pub fn of(folders: impl IntoIterator<Item = PathBuf>) -> Self {
        Self(folders.into_iter().collect())
    }

    /// The same behind these folders.
    #[must_use]
    pub fn behind(&self, folders: impl Iterator<Item = PathBuf>) -> Self {
        Self(folders.chain(self.0.iter().cloned()).collect())
    }

    /// As a value for `PATH`.
    pub fn as_variable(&self) -> String {
        let folders: Vec<_> = self
            .0
            .iter()
            .map(|folder| folder.to_string_lossy())
            .collect();
        folders.join(":")
    }

    /// Finds a program by its name, or by its absolute path.
    ///
    /// # Errors
    /// `program_missing`.
    pub fn find(&self, program: &str) -> Result<PathBuf, UnsupportedContract> {
        if program.contains('/') {
            let path = PathBuf::from(program);
            return match is_program(&path) {
                true => Ok(path),
                false => Err(
                    missing(format!("{program} is not there or cannot be executed"))
                        .hint("install it, or name another path in the contract's endpoint_ref"),
                ),
            };
        }
        let mut candidates = self.0.iter().map(|folder| folder.join(program));
        candidates.find(|path| is_program(path)).ok_or_else(|| {
            let hint = format!(
                "install it, or name its absolute path in the contract's endpoint_ref; looked for in {}",
                self.as_variable()
            );
            missing(format!("there is no program `{program}`")).hint(hint)
        })
    }
}

impl Default for SearchPath {
    fn default() -> Self {
        Self::of_system()
    }
}

fn missing(message: String) -> UnsupportedContract {
    UnsupportedContract::local("program_missing", message)
}

fn is_program(path: &Path) -> bool {
    path.is_absolute() && path.is_file() && access(path, AccessFlags::X_OK).is_ok()
}

fn versions_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut versions: Vec<u32> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    versions.sort_unstable_by(|one, other| other.cmp(one));
    versions
        .into_iter()
        .map(|version| folder.join(version.to_string()).join("bin"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["9", "15", "18", "else"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let found = versions_below(folder.path());
        let expected = ["18", "15", "9"].map(|version| folder.path().join(version).join("bin"));
        assert_eq!(found, expected);
    }

    #[test]
    fn what_can_not_be_executed_is_no_program() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("text"), "").unwrap();
        let path = SearchPath::of([folder.path().to_owned()]);
        let refused = path.find("text").unwrap_err();
        assert_eq!(refused.code, "program_missing");
        assert!(refused.hint.is_some());
        assert!(SearchPath::of_system().find("sh").is_ok());
        assert!(SearchPath::of_system().find("/bin/sh").is_ok());
        assert!(SearchPath::of([]).find("sh").is_err());
    }
}
