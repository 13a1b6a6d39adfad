//! The cluster that is measured: private, in a temporary folder, durable as in production.

use dotwrap_contract::InstallOptions;
use dotwrap_embedded::{Cluster, Embedded};
use tokio_postgres::{Client, Config, NoTls};

use dotwrap_bench::Failure;

/// A cluster with the contract in it and pairs to record; gone when dropped.
pub(crate) struct Bed {
    cluster: Cluster,
    _folder: tempfile::TempDir,
}

impl Bed {
    /// `pairs`: how many pairs `P0`, `P1`, … with their verifiers `P0_V`, … are registered.
    pub(crate) async fn lay(pairs: usize) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("dotwrap-bench").tempdir()?;
        let cluster = Embedded::in_folder(folder.path().join("home"))
            .with_setting("max_connections", "200")
            .with_setting("shared_buffers", "512MB")
            .with_setting("max_wal_size", "4GB")
            .start()
            .await?;
        let bed = Self {
            cluster,
            _folder: folder,
        };
        let owner = connect(&bed.cluster.config()).await?;
        dotwrap_contract::apply(&owner, &InstallOptions::default()).await?;
        register(&owner, pairs).await?;
        println!("PostgreSQL {}, fsync on", server_version(&owner).await?);
        Ok(bed)
    }

    /// A connection that may call the contract's functions.
    pub(crate) async fn caller(&self) -> Result<Client, Failure> {
        connect(&self.cluster.config()).await
    }

    /// A connection that may write the tables behind the contract's back: what the bare inserts need.
    pub(crate) async fn superuser(&self) -> Result<Client, Failure> {
        connect(&self.cluster.superuser_config(dotwrap_embedded::DATABASE)).await
    }
}

async fn connect(config: &Config) -> Result<Client, Failure> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn server_version(client: &Client) -> Result<String, Failure> {
    Ok(client
        .query_one("SELECT current_setting('server_version')", &[])
        .await?
        .get(0))
}

async fn register(client: &Client, pairs: usize) -> Result<(), Failure> {
    let tools: Vec<_> = (0..pairs)
        .flat_map(|number| {
            let (producer, verifier) = (format!("P{number}"), format!("P{number}_V"));
            [
                serde_json::json!({"dot_code": producer, "name": producer, "tier": "B", "paired_dot": verifier, "pair_role": "producer"}),
                serde_json::json!({"dot_code": verifier, "name": verifier, "tier": "A", "paired_dot": producer, "pair_role": "verifier"}),
            ]
        })
        .collect();
    client
        .query(
            "SELECT * FROM dot.fn_dot_tools_import($1, 'bench')",
            &[&serde_json::Value::from(tools)],
        )
        .await?;
    Ok(())
}
