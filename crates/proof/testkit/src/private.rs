//! A server for one test, with the product's durability.

use dotwrap_embedded::{Cluster, Embedded};
use tempfile::TempDir;
use tokio_postgres::Config;

use crate::binaries::{Version, postgres_folder};

/// A server that no other test uses: for crashes, settings and whatever concerns the whole cluster. Its data are synced
/// to disk; it is stopped, and its data removed, with the value.
#[derive(Debug)]
pub struct PrivateServer {
    cluster: Option<Cluster>,
    /// Dropped after the server.
    _folder: TempDir,
}

impl PrivateServer {
    /// A new server with these settings.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn start(version: Version, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let embedded = Embedded::in_folder(folder.path()).with_binaries(postgres_folder(version));
        let embedded = settings.iter().fold(embedded, |embedded, (name, value)| {
            embedded.with_setting(name, value)
        });
        match embedded.start().await {
            Ok(cluster) => Self {
                cluster: Some(cluster),
                _folder: folder,
            },
            Err(error) => panic!("the private server does not start: {error}"),
        }
    }

    /// The cluster.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        self.cluster.as_ref().expect("there until it is dropped")
    }

    /// How to connect as the plain owner of its database `dotwrap`.
    #[must_use]
    pub fn config(&self) -> Config {
        self.cluster().config()
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.cluster.take().map(Cluster::stop_if_unused) {
            eprintln!("{error}");
        }
    }
}
