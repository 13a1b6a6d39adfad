//! A real pgbouncer in transaction mode, the most restrictive mode for clients.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::unistd::Uid;
use tempfile::TempDir;
use tokio_postgres::{Client, Config};

use crate::binaries::pgbouncer;
use crate::database::TestDatabase;
use crate::session::{connect, try_connect};

const PORT: u16 = 6432;

/// The time limit for opening its socket.
const STARTING: Duration = Duration::from_secs(20);

/// A pgbouncer in front of one test's database; it ends with the value.
#[derive(Debug)]
pub struct Pooler {
    process: Child,
    folder: TempDir,
    database: String,
}

impl Pooler {
    /// Starts it. Each transaction may get any server session of the pool, the least recently used first, so that a
    /// dependency on session state fails soon. It has the roles that exist now.
    ///
    /// # Panics
    /// Where pgbouncer is missing or does not start.
    pub async fn transaction_mode(database: &TestDatabase) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("dotwrap-pooler-")
            .tempdir()
            .expect("a temporary folder");
        let users = users(&database.superuser().await).await;
        write_configuration(folder.path(), database.server().socket_folder(), &users);
        let process = spawn(folder.path(), database.server().socket_folder());
        let mut pooler = Self {
            process,
            folder,
            database: database.name().to_owned(),
        };
        pooler
            .wait_until_ready(&pooler.config_as(database.owner()))
            .await;
        pooler
    }

    /// How to connect through it as this role.
    #[must_use]
    pub fn config_as(&self, role: &str) -> Config {
        let mut config = Config::new();
        config
            .host_path(self.folder.path())
            .port(PORT)
            .user(role)
            .dbname(&self.database);
        config
    }

    /// The same as a URL, for programs.
    #[must_use]
    pub fn url_as(&self, role: &str) -> String {
        let folder = self.folder.path().display();
        format!(
            "postgresql://{role}@/{}?host={folder}&port={PORT}",
            self.database
        )
    }

    /// A session through it as this role.
    pub async fn client_as(&self, role: &str) -> Client {
        connect(&self.config_as(role)).await
    }

    async fn wait_until_ready(&mut self, config: &Config) {
        let begun = Instant::now();
        while let Err(error) = try_connect(config).await {
            let ended = self.process.try_wait().ok().flatten();
            if ended.is_some() || begun.elapsed() > STARTING {
                let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                panic!("pgbouncer is not ready ({ended:?}, {error:?}):\n{log}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Every login role, because pgbouncer accepts only users of its list.
async fn users(client: &Client) -> String {
    let rows = client
        .query("SELECT rolname::text FROM pg_roles WHERE rolcanlogin", &[])
        .await
        .expect("the catalogue");
    rows.iter()
        .map(|row| {
            format!(
                "\"{}\" \"\"\n",
                row.get::<_, String>(0).replace('"', "\"\"")
            )
        })
        .collect()
}

fn write_configuration(folder: &Path, server: &Path, users: &str) {
    let configuration = format!(
        "[databases]\n* = host={server} port=5432\n\
         [pgbouncer]\npool_mode = transaction\nserver_round_robin = 1\nlisten_port = {PORT}\nunix_socket_dir = {folder}\n\
         auth_type = trust\nauth_file = {folder}/users\nlogfile = {folder}/log\nmax_client_conn = 500\n\
         default_pool_size = 20\nserver_check_query =\n",
        server = server.display(),
        folder = folder.display(),
    );
    fs::write(folder.join("pgbouncer.ini"), configuration).expect("the configuration");
    fs::write(folder.join("users"), users).expect("the users");
}

/// pgbouncer refuses root too; it runs as the account that the server runs as, which may enter the server's socket
/// folder.
fn spawn(folder: &Path, server: &Path) -> Child {
    let mut command = Command::new(pgbouncer());
    if Uid::effective().is_root() {
        let owner = server.metadata().expect("the server's socket folder");
        command.uid(owner.uid()).gid(owner.gid());
        chown(folder, Some(owner.uid()), Some(owner.gid())).expect("the pooler's folder");
        for file in ["pgbouncer.ini", "users"] {
            let readable = fs::Permissions::from_mode(0o644);
            fs::set_permissions(folder.join(file), readable).expect("a readable file");
        }
    }
    command
        .arg("--quiet")
        .arg(folder.join("pgbouncer.ini"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("pgbouncer does not start: {error}"))
}
