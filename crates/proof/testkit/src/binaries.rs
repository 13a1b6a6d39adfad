//! The programs that the tests need: from an environment variable, else from `scripts/fetch-test-parts`, else from the
//! distribution.

use std::path::{Path, PathBuf};

/// A version of PostgreSQL that the contract is tested on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// The oldest supported version, or the distribution's where that is newer.
    V15,
    /// The newest supported version.
    V18,
}

impl Version {
    /// The oldest and the newest supported version.
    pub const ALL: [Self; 2] = [Self::V15, Self::V18];

    /// Its name in folders and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V15 => "pg15",
            Self::V18 => "pg18",
        }
    }

    fn variable(self) -> &'static str {
        match self {
            Self::V15 => "DOTWRAP_TEST_PG15",
            Self::V18 => "DOTWRAP_TEST_PG18",
        }
    }

    fn of_distribution(self) -> &'static Path {
        Path::new(match self {
            Self::V15 => "/usr/lib/postgresql/15/bin",
            Self::V18 => "/usr/lib/postgresql/18/bin",
        })
    }
}

/// The folder that holds `postgres` and `initdb` of this version.
///
/// # Panics
/// Where there is none, with what to do.
#[must_use]
pub fn postgres_folder(version: Version) -> PathBuf {
    let fetched = parts().join(version.name()).join("bin");
    let places = [fetched.as_path(), version.of_distribution()];
    find(version.variable(), &places, |folder| {
        folder.join("postgres").exists()
    })
    .unwrap_or_else(|| missing(version.name(), version.variable()))
}

/// The program `pgbouncer`.
///
/// # Panics
/// Where there is none, with what to do.
#[must_use]
pub fn pgbouncer() -> PathBuf {
    const VARIABLE: &str = "DOTWRAP_TEST_PGBOUNCER";
    let fetched = parts().join("pgbouncer");
    let places = [fetched.as_path(), Path::new("/usr/sbin/pgbouncer")];
    find(VARIABLE, &places, Path::exists).unwrap_or_else(|| missing("pgbouncer", VARIABLE))
}

/// The folder with the backup programs that were fetched for the tests of the catalogue; it may not be there.
#[must_use]
pub fn fetched_programs() -> PathBuf {
    let configured =
        std::env::var_os("DOTWRAP_TEST_PROGRAM_FOLDER").filter(|value| !value.is_empty());
    configured.map_or_else(|| parts().join("bin"), PathBuf::from)
}

fn find(variable: &str, places: &[&Path], is_there: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    if let Some(configured) = std::env::var_os(variable).filter(|value| !value.is_empty()) {
        let configured = PathBuf::from(configured);
        return is_there(&configured).then_some(configured);
    }
    let place = places.iter().find(|place| is_there(place))?;
    place.canonicalize().ok()
}

fn missing(part: &str, variable: &str) -> ! {
    panic!("this test needs {part}: run scripts/fetch-test-parts, or set {variable} to where it is")
}

/// The download folder of the script.
fn parts() -> PathBuf {
    workspace().join("target/parts")
}

/// The top of the repository.
pub(crate) fn workspace() -> PathBuf {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    top.canonicalize().unwrap_or(top)
}
