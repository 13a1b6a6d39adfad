//! Sessions for tests.

use tokio_postgres::{Client, Config, NoTls};

/// Opens a session; the connection's task ends with the client.
///
/// # Panics
/// Where that fails, with the server's message.
pub async fn connect(config: &Config) -> Client {
    match try_connect(config).await {
        Ok(client) => client,
        Err(error) => panic!("cannot connect with {config:?}: {error:?}"),
    }
}

pub(crate) async fn try_connect(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// A quoted identifier.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
