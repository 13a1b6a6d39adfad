//! Installs the contract into the database that the first argument names, and says what that did.
//!
//! `cargo run -p dotwrap-contract --example install -- "host=/run/postgresql dbname=mine user=me" [SCHEMA]
//! [ROLE_PREFIX]`

use dotwrap_contract::{InstallOptions, apply, plan};
use tokio_postgres::NoTls;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let target = arguments
        .next()
        .ok_or("which database? pass a connection string")?;
    let defaults = InstallOptions::default();
    let options = InstallOptions {
        schema: arguments.next().unwrap_or(defaults.schema),
        role_prefix: arguments.next().unwrap_or(defaults.role_prefix),
        ..InstallOptions::default()
    };
    let (client, connection) = tokio_postgres::connect(&target, NoTls).await?;
    tokio::spawn(connection);
    if std::env::var_os("DRY_RUN").is_some() {
        print!("{}", plan(&client, &options).await?.script());
        return Ok(());
    }
    let done = apply(&client, &options).await?;
    for warning in &done.warnings {
        eprintln!("{warning}");
    }
    println!(
        "{}",
        if done.is_current() {
            "already current"
        } else {
            "installed"
        }
    );
    Ok(())
}
