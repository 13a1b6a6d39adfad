//! The shared servers of a test run.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dotwrap_embedded::{Cluster, Embedded, Origin};
use nix::unistd::Uid;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use tokio::sync::OnceCell;
use tokio_postgres::Config;

use crate::binaries::{Version, postgres_folder, workspace};
use crate::{cleanup, connect};

/// Long enough to keep running between two test programs.
const LINGER: Duration = Duration::from_secs(30);

/// Settings for speed and many connections. The data are disposable; crash tests use their own server.
const SETTINGS: [(&str, &str); 9] = [
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("synchronous_commit", "off"),
    ("max_connections", "400"),
    ("shared_buffers", "256MB"),
    ("max_wal_size", "4GB"),
    ("checkpoint_timeout", "1h"),
    ("max_locks_per_transaction", "256"),
    // No test idles for so long, and `doctor` finds nothing to mend.
    ("idle_in_transaction_session_timeout", "10min"),
];

/// The pg_hba.conf: every user as any role without a password, because the tests are about the privileges of roles.
const EVERYBODY: &str = "local all all trust\nlocal replication all trust\n";

/// A shared server.
#[derive(Debug)]
pub struct TestServer {
    cluster: Cluster,
    version: Version,
    /// The template with the contract, once it was asked for.
    pub(crate) template: OnceCell<String>,
}

impl TestServer {
    /// The shared server of this version. The first to ask starts it; it stays for the process's life.
    ///
    /// # Panics
    /// Where PostgreSQL is missing or does not start, with what to do.
    pub async fn pg(version: Version) -> &'static Self {
        static V15: OnceCell<TestServer> = OnceCell::const_new();
        static V18: OnceCell<TestServer> = OnceCell::const_new();
        let server = match version {
            Version::V15 => &V15,
            Version::V18 => &V18,
        };
        server.get_or_init(|| Self::start(version)).await
    }

    async fn start(version: Version) -> Self {
        let programs = postgres_folder(version);
        let folder = folder(version, &programs);
        let rules = folder.with_extension("hba.conf");
        let rules =
            hba_for_all(&rules).unwrap_or_else(|error| panic!("{}: {error}", rules.display()));
        let embedded = Embedded::in_folder(folder)
            .with_binaries(programs)
            .with_setting("hba_file", &rules)
            .with_idle_timeout(LINGER);
        let embedded = SETTINGS.iter().fold(embedded, |embedded, (name, value)| {
            embedded.with_setting(name, value)
        });
        let cluster = match embedded.start().await {
            Ok(cluster) => cluster,
            Err(error) => panic!("the test server {} does not start: {error}", version.name()),
        };
        let server = Self {
            cluster,
            version,
            template: OnceCell::new(),
        };
        if server.cluster.origin() != Origin::Attached {
            let client = connect(&server.superuser_config("postgres")).await;
            cleanup::drop_stale(&client).await;
        }
        server
    }

    /// Which version it is.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The folder of its socket.
    #[must_use]
    pub fn socket_folder(&self) -> &std::path::Path {
        self.cluster.socket_folder()
    }

    /// How to connect to one of its databases as one of its roles.
    #[must_use]
    pub fn config(&self, role: &str, database: &str) -> Config {
        let mut config = self.superuser_config(database);
        config.user(role);
        config
    }

    /// How to connect to one of its databases as the superuser.
    #[must_use]
    pub fn superuser_config(&self, database: &str) -> Config {
        self.cluster.superuser_config(database)
    }
}

/// Writes the rules to this file, whole at any time: other test programs do the same. Returns its name.
fn hba_for_all(path: &Path) -> io::Result<String> {
    let mut file = NamedTempFile::new_in(path.parent().unwrap_or(Path::new("/")))?;
    file.write_all(EVERYBODY.as_bytes())?;
    // The account that runs the server for root reads it.
    file.as_file()
        .set_permissions(Permissions::from_mode(0o644))?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(path.display().to_string())
}

/// One folder for each checkout, version, place of its programs and user, in the folder for temporary files: its path
/// is short, and the account that runs the server for root can reach it. The place may be changed, and what lies there
/// be another version.
fn folder(version: Version, programs: &Path) -> PathBuf {
    let checkout = workspace();
    let places = [&checkout, programs].map(|path| path.as_os_str().as_encoded_bytes());
    let places = Sha256::digest(places.join(&0));
    let places: String = places[..4]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let name = format!(
        "dotwrap-test-{}-{places}-{}",
        Uid::effective(),
        version.name()
    );
    std::env::temp_dir().join(name)
}
