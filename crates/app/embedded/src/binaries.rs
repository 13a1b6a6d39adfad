//! Finds PostgreSQL's programs: in the configured folder, else the newest in `PATH`, the distribution's folders and the
//! download folder.
use std::cmp::Reverse;
use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::ask_version::ask_version;
use crate::cluster_dir::variable;
use crate::error::Error;
use crate::known_versions::KnownVersions;

/// The oldest major version that the contract runs on.
pub const OLDEST_MAJOR: u32 = 15;

/// Folders of distributions; a `*` stands for any one name.
const DISTRIBUTION_FOLDERS: [&str; 12] = [
    "/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
    "/usr/pgsql-*/bin",                                   // PGDG on Fedora, RHEL
    "/usr/lib/postgresql*/bin",                           // openSUSE
    "/usr/libexec/postgresql*",                           // Alpine
    "/usr/lib64/pgsql/bin",                               // Gentoo and others
    "/usr/local/pgsql/bin",                               // built from source
    "/usr/local/lib/postgresql/*/bin",                    // FreeBSD and others
    "/opt/homebrew/opt/postgresql*/bin",                  // Homebrew on Apple silicon
    "/usr/local/opt/postgresql*/bin",                     // Homebrew on Intel
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",     // Homebrew on Linux
    "/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
    "/opt/local/lib/postgresql*/bin",                     // MacPorts
];

/// A version of PostgreSQL, such as 18.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The major version; data folders of different ones do not fit each other.
    pub major: u32,
    /// The minor version; zero for a pre-release.
    pub minor: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.major, self.minor)
    }
}

impl Version {
    /// Reads the answer of `postgres --version`: `postgres (PostgreSQL) 15.14 (Debian …)`, `… 19beta1`.
    pub(crate) fn parse(answer: &str) -> Option<Self> {
        let (_, version) = answer.split_once("(PostgreSQL) ")?;
        let (major, rest) = leading_number(version)?;
        let minor = rest
            .strip_prefix('.')
            .and_then(leading_number)
            .map_or(0, |(minor, _)| minor);
        Some(Self { major, minor })
    }
}

fn leading_number(text: &str) -> Option<(u32, &str)> {
    let end = text
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// A folder with the programs of one PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    folder: PathBuf,
    version: Version,
}

impl Binaries {
    /// Checks a folder with programs, and returns why it cannot be used.
    fn in_folder(
        folder: PathBuf,
        account: &Account,
        known: &mut KnownVersions,
    ) -> Result<Self, String> {
        for program in ["postgres", "initdb"] {
            if !folder.join(program).is_file() {
                return Err(format!("there is no `{program}` in it"));
            }
        }
        let version = known.of(&folder.join("postgres"), |program| {
            ask_version(program, account)
        })?;
        if version.major < OLDEST_MAJOR {
            return Err(format!("it holds PostgreSQL {version}"));
        }
        Ok(Self { folder, version })
    }

    /// A folder with programs of this version, unchecked.
    #[cfg(test)]
    pub(crate) fn of(folder: PathBuf, version: Version) -> Self {
        Self { folder, version }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// The resolved folder of the programs. It shows when a package manager replaced a program, and a link that was changed
/// to another version does not.
fn resolve(folder: &Path) -> Result<PathBuf, String> {
    let folder = folder
        .canonicalize()
        .map_err(|error| format!("it cannot be opened ({error})"))?;
    let linked = folder.join("postgres").canonicalize().ok();
    let linked = linked.as_deref().and_then(Path::parent);
    Ok(match linked {
        Some(linked) if linked.join("initdb").is_file() => linked.to_owned(),
        _ => folder,
    })
}

/// The usable and the rejected programs.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The usable folders, the newest version first.
    pub(crate) serving: Vec<Binaries>,
    /// Folders with an unusable `postgres`.
    pub(crate) passed_over: Vec<PassedOver>,
}

/// A folder with an unusable `postgres`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// The folder.
    pub path: PathBuf,
    /// The reason.
    pub problem: String,
}

/// The folders to search.
#[derive(Clone, Debug)]
pub(crate) enum Search {
    /// The folder that `DOTWRAP_PG_BIN` names, else the installed versions.
    AsConfigured,
    /// Only this folder.
    Only(PathBuf),
    /// These folders.
    Among(Vec<PathBuf>),
}

impl Search {
    /// All usable programs, the newest first, including downloaded ones unless a folder was configured.
    pub(crate) fn find(
        &self,
        fetched: &Path,
        account: &Account,
        mut known: KnownVersions,
    ) -> Result<Found, Error> {
        let configured = match self {
            Self::Only(folder) => Some(folder.clone()),
            Self::AsConfigured => variable("DOTWRAP_PG_BIN").map(PathBuf::from),
            Self::Among(_) => None,
        };
        let found = match configured {
            Some(folder) => only(&folder, account, &mut known),
            None => {
                let mut folders = match self {
                    Self::Among(folders) => folders.clone(),
                    _ => installed(),
                };
                folders.extend(matching(&fetched.join("*/bin")));
                Ok(serving(&folders, account, &mut known))
            }
        };
        known.keep();
        found
    }
}

fn only(folder: &Path, account: &Account, known: &mut KnownVersions) -> Result<Found, Error> {
    let resolved = resolve(folder);
    match resolved.and_then(|folder| Binaries::in_folder(folder, account, known)) {
        Ok(binaries) => Ok(Found {
            serving: vec![binaries],
            passed_over: Vec::new(),
        }),
        Err(problem) => Err(Error::ConfiguredBinaries {
            path: folder.to_owned(),
            problem,
        }),
    }
}

/// The folders of `PATH` and those of the distributions.
pub(crate) fn installed() -> Vec<PathBuf> {
    let path = variable("PATH").unwrap_or_default();
    let distributions = DISTRIBUTION_FOLDERS.iter();
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .chain(distributions.flat_map(|pattern| matching(Path::new(pattern))))
        .collect()
}

fn serving(folders: &[PathBuf], account: &Account, known: &mut KnownVersions) -> Found {
    let mut seen = HashSet::new();
    let mut found = Found::default();
    for folder in folders {
        let binaries = match folder.join("postgres").try_exists() {
            Ok(false) => continue,
            Ok(true) => match resolve(folder) {
                // Several folders lead to one.
                Ok(resolved) if !seen.insert(resolved.clone()) => continue,
                resolved => resolved.and_then(|folder| Binaries::in_folder(folder, account, known)),
            },
            Err(error) => Err(format!("it cannot be looked into ({error})")),
        };
        match binaries {
            Ok(binaries) => found.serving.push(binaries),
            Err(problem) => {
                tracing::debug!(folder = %folder.display(), problem, "passed over");
                let passed_over = PassedOver {
                    path: folder.clone(),
                    problem,
                };
                if !found.passed_over.contains(&passed_over) {
                    found.passed_over.push(passed_over);
                }
            }
        }
    }
    found
        .serving
        .sort_by_key(|binaries| Reverse(binaries.version));
    found
}

/// The folders that a pattern stands for; as in a shell, a star stands for no hidden name. The standard library has no
/// globbing, and one star a name is all that is needed.
fn matching(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let name = part.as_os_str().to_string_lossy().into_owned();
        found = match name.split_once('*') {
            None => found.into_iter().map(|path| path.join(part)).collect(),
            Some((before, after)) => found
                .iter()
                .flat_map(|path| entries(path, before, after))
                .collect(),
        };
    }
    found.retain(|folder| folder.is_dir());
    found
}

fn entries(folder: &Path, before: &str, after: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            !name.starts_with('.')
                && name.len() >= before.len() + after.len()
                && name.starts_with(before)
                && name.ends_with(after)
        })
        .map(|entry| entry.path())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_output_of_each_distribution_is_parsed() {
        let version = |major, minor| Some(Version { major, minor });
        assert_eq!(
            Version::parse("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"),
            version(15, 14)
        );
        assert_eq!(Version::parse("postgres (PostgreSQL) 18.4"), version(18, 4));
        assert_eq!(
            Version::parse("postgres (PostgreSQL) 19beta1"),
            version(19, 0)
        );
        assert_eq!(Version::parse("PostgreSQL of the future"), None);
    }

    #[test]
    fn a_pattern_finds_each_matching_folder() {
        let top = tempfile::tempdir().unwrap();
        for name in ["15/bin", "18/bin", "other", ".1half-unpacked/bin"] {
            fs::create_dir_all(top.path().join("lib").join(name)).unwrap();
        }
        let mut found: Vec<PathBuf> = matching(&top.path().join("lib/*/bin"));
        found.sort();
        let expected = ["15", "18"].map(|name| top.path().join("lib").join(name).join("bin"));
        assert_eq!(found, expected);
    }
}
