//! The cluster that is measured: private, in a temporary folder, durable as in production. Each side has a database of
//! its own on it, so that the server counts their transactions apart.

use std::path::{Path, PathBuf};

use dotwrap_bench::Failure;
use dotwrap_embedded::{Cluster, DATABASE, Embedded, OWNER};
use tokio_postgres::{Client, Config, NoTls};

/// The database of the `dbos` crate's side.
const OTHER_DATABASE: &str = "workflows";

/// The cluster.
pub(crate) struct Bed {
    cluster: Cluster,
    folder: tempfile::TempDir,
    superuser: Client,
}

/// One side's database, reached over a socket.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) socket_folder: PathBuf,
    pub(crate) port: u16,
    /// The owner's.
    pub(crate) password: String,
    pub(crate) database: &'static str,
}

impl Bed {
    pub(crate) async fn lay() -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("dotwrap-bench").tempdir()?;
        let cluster = Embedded::in_folder(folder.path().join("home"))
            .with_setting("max_connections", "200")
            .with_setting("shared_buffers", "512MB")
            .with_setting("max_wal_size", "4GB")
            .start()
            .await?;
        let superuser = connect(&cluster.superuser_config(DATABASE)).await?;
        let create = format!("CREATE DATABASE {OTHER_DATABASE} OWNER {OWNER}");
        superuser.batch_execute(&create).await?;
        let version: String = superuser
            .query_one("SELECT current_setting('server_version')", &[])
            .await?
            .get(0);
        println!("PostgreSQL {version}, fsync on, over a Unix socket");
        Ok(Self {
            cluster,
            folder,
            superuser,
        })
    }

    /// A folder for the files of runs.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where executed runs are recorded.
    pub(crate) fn of_runs(&self) -> Place {
        self.place(DATABASE)
    }

    /// Where the other side records its workflows.
    pub(crate) fn of_workflows(&self) -> Place {
        self.place(OTHER_DATABASE)
    }

    /// How many transactions a database has committed, reading ones included.
    pub(crate) async fn commits(&self, place: &Place) -> Result<i64, Failure> {
        let asked = "SELECT xact_commit FROM pg_stat_database WHERE datname = $1";
        let row = self.superuser.query_one(asked, &[&place.database]).await?;
        Ok(row.get(0))
    }

    /// Stops the server before its folder goes: while it stops it still writes there.
    pub(crate) async fn clear(self) -> Result<(), Failure> {
        let Self {
            cluster,
            folder,
            superuser,
        } = self;
        drop(superuser);
        tokio::task::spawn_blocking(move || cluster.stop_if_unused()).await??;
        Ok(folder.close()?)
    }

    fn place(&self, database: &'static str) -> Place {
        let owner = self.cluster.config();
        let password = owner.get_password().map(String::from_utf8_lossy);
        Place {
            socket_folder: self.cluster.socket_folder().to_owned(),
            port: owner.get_ports().first().copied().unwrap_or(5432),
            password: password.unwrap_or_default().into_owned(),
            database,
        }
    }
}

impl Place {
    /// The same database through another socket.
    pub(crate) fn through(&self, socket_folder: &Path) -> Self {
        Self {
            socket_folder: socket_folder.to_owned(),
            ..self.clone()
        }
    }

    /// The file that is listened on.
    pub(crate) fn socket(&self) -> PathBuf {
        self.socket_folder.join(format!(".s.PGSQL.{}", self.port))
    }

    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new();
        config
            .host_path(&self.socket_folder)
            .port(self.port)
            .user(OWNER)
            .password(&self.password)
            .dbname(self.database);
        config
    }
}

pub(crate) async fn connect(config: &Config) -> Result<Client, Failure> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
