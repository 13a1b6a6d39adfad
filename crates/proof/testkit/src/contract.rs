//! Installs the contract once per server, into a template.

use dotwrap_contract::{InstallOptions, apply, contract_digest};
use tokio_postgres::{Client, Config};

use crate::session::{connect, quoted};

/// The plain owner that installs the contract into the template: `LOGIN CREATEROLE`, no superuser.
pub(crate) const OWNER: &str = "dotwrap_test_owner";

/// The name of the template with this version of the contract.
pub(crate) fn template_name() -> String {
    format!("template_{}", &contract_digest()[..16])
}

/// Creates the template unless it exists. One process at a time; the template gets its final name when it is complete.
pub(crate) async fn make_template(postgres: &Config) -> String {
    let name = template_name();
    let client = connect(postgres).await;
    // Released when the session ends.
    run(&client, "SELECT pg_advisory_lock(7305481)").await;
    if !exists(&client, "pg_database WHERE datname = $1", &name).await {
        build(&client, postgres, &name).await;
    }
    name
}

async fn build(client: &Client, postgres: &Config, name: &str) {
    const BUILDING: &str = "template_being_built";
    run(
        client,
        &format!("DROP DATABASE IF EXISTS {BUILDING} WITH (FORCE)"),
    )
    .await;
    create_owner(client, OWNER).await;
    run(client, &format!("CREATE DATABASE {BUILDING} OWNER {OWNER}")).await;
    install(postgres.clone().user(OWNER).dbname(BUILDING)).await;
    for command in [
        format!("ALTER DATABASE {BUILDING} RENAME TO {name}"),
        // Cloning needs it to be without sessions.
        format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"),
    ] {
        run(client, &command).await;
    }
}

/// Installs the contract as its users do.
async fn install(owner: &Config) {
    let client = connect(owner).await;
    if let Err(error) = apply(&client, &InstallOptions::default()).await {
        panic!("the contract cannot be installed into the template: {error:?}");
    }
}

/// A plain owner, as managed PostgreSQL services provide.
pub(crate) async fn create_owner(client: &Client, name: &str) {
    if !exists(client, "pg_roles WHERE rolname = $1", name).await {
        run(
            client,
            &format!("CREATE ROLE {} LOGIN CREATEROLE", quoted(name)),
        )
        .await;
    }
}

/// Whether the catalogue has a row of this name.
async fn exists(client: &Client, table_and_condition: &str, name: &str) -> bool {
    let query = format!("SELECT EXISTS (SELECT FROM {table_and_condition})");
    let row = client.query_one(&query, &[&name]).await;
    row.expect("the catalogue").get(0)
}

/// Runs commands; an error fails the test with the server's message.
pub(crate) async fn run(client: &Client, commands: &str) {
    if let Err(error) = client.batch_execute(commands).await {
        panic!("{commands}: {error:?}");
    }
}
