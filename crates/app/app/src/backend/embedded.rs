//! The embedded default: a private PostgreSQL, where no database is configured.
use std::collections::BTreeSet;
use std::path::PathBuf;

use dotwrap_contract::{contract_digest, installed};
use dotwrap_embedded::Embedded;
use dotwrap_wrapper::{ConnectionTarget, DEFAULT_SCHEMA, ErrorClass};
use tokio_postgres::Client;

use super::{Connection, Notices, install, install_options};
use crate::{
    Problem,
    settings::{DatabaseChoice, Settings},
};

/// Starts the server, or joins it where another `dotwrap` runs it. The first time takes some seconds: that is said
/// before.
pub(crate) async fn start(
    settings: &Settings,
    notices: &dyn Notices,
) -> Result<Connection, Problem> {
    let embedded = describe(settings)?;
    if !embedded.folder().join("data").exists() {
        notices.note(&format!(
            "no database is configured: making dotwrap's own PostgreSQL in {}\n(the real thing is one setting away: DATABASE_URL)",
            embedded.folder().display()
        ));
    }
    let cluster = embedded.start().await?.restarting_if_killed();
    // Not by its URL: what a URL leaves open is filled from `PG…` variables, which are meant for another server.
    let target = |config, role| {
        let target = ConnectionTarget::for_socket(config).map_err(dotwrap_wrapper::Error::from)?;
        let target = target.with_password_source(cluster.password_source(role));
        Ok::<_, Problem>(target.with_application_name("dotwrap"))
    };
    let usual = target(cluster.config(), dotwrap_embedded::OWNER)?;
    let reserve = cluster
        .reserve_config()
        .map(|config| target(config, dotwrap_embedded::RESERVE))
        .transpose()?;
    Ok(Connection {
        target: usual,
        reserve,
        is_reserve: false,
        cluster: Some(cluster),
    })
}

/// Refuses an embedded database whose ledger was moved: what is recorded here would be missing there.
pub(crate) fn refuse_moved(settings: &Settings) -> Result<(), Problem> {
    let Some(moved) = describe(settings)?.moved() else {
        return Ok(());
    };
    let message = format!(
        "the ledger of the embedded database was moved to {} at {}, and no database is configured",
        moved.to, moved.at
    );
    Err(Problem::new(ErrorClass::Argument, "ledger_moved", message).hint(format!(
        "set DATABASE_URL, or database_url in the user's dotwrap.toml; to use the embedded database again as it was then, remove {}",
        moved.note.display()
    )))
}

/// The embedded server that runs with its keeper just now, if it does.
pub(crate) async fn kept(settings: &Settings) -> Result<Option<Embedded>, Problem> {
    if settings.database != DatabaseChoice::Embedded {
        return Ok(None);
    }
    let embedded = describe(settings)?;
    Ok(embedded.ensure_kept().await?.then_some(embedded))
}

pub(crate) fn describe(settings: &Settings) -> Result<Embedded, Problem> {
    let embedded = match &settings.home {
        Some(home) => {
            let home = std::path::absolute(home).map_err(|error| {
                Problem::usage(format!(
                    "the folder {} cannot be used: the working folder, which it lies in, cannot be found ({error})",
                    home.display()
                ))
                .hint("work in a folder that exists, or name DOTWRAP_HOME by its whole path")
            })?;
            Embedded::in_folder(home.join("embedded"))
        }
        None => Embedded::from_environment()?,
    };
    // Nobody's forgotten psql keeps a pair for ever.
    let embedded = embedded.with_setting("idle_in_transaction_session_timeout", "10min");
    Ok(match &settings.pg_bin {
        Some(folder) => embedded.with_binaries(folder),
        None => embedded,
    })
}

/// The paths whose reader gets into a ledger of this account: the cluster in use, that of these settings and the
/// default one, whether they are there or not. The files of passwords are named beside their folders: they may be
/// links.
pub(crate) fn secret_paths(settings: &Settings, in_use: Option<PathBuf>) -> Vec<PathBuf> {
    let others = [
        describe(settings)
            .ok()
            .map(|embedded| embedded.folder().to_owned()),
        dotwrap_embedded::default_folder().ok(),
    ];
    let folders = in_use.into_iter().chain(others.into_iter().flatten());
    folders
        .collect::<BTreeSet<_>>()
        .into_iter()
        .flat_map(|folder| {
            let passwords = dotwrap_embedded::password_file(&folder);
            [folder, passwords]
        })
        .collect()
}

/// Installs or upgrades the contract where the schema does not hold this program's. Only the schema that nobody had to
/// name is made without being asked: another name may be a slip of the finger, and an empty ledger would look like a
/// clean one.
pub(crate) async fn install_on_first_use(
    client: Client,
    target: &ConnectionTarget,
    settings: &Settings,
    notices: &dyn Notices,
) -> Result<(), Problem> {
    let before = installed(&client, &settings.schema).await?;
    let digest = contract_digest();
    if before
        .as_ref()
        .is_some_and(|before| before.digest == digest)
    {
        return Ok(());
    }
    drop(client);
    if before.is_none() && settings.schema != DEFAULT_SCHEMA {
        return Ok(());
    }
    let mut options = install_options(settings);
    // An installation keeps the roles that it was made with.
    if let Some(prefix) = before.and_then(|before| before.role_prefix) {
        options.role_prefix = prefix;
    }
    let plan = install(target, &options).await?;
    let done = if plan.is_fresh() {
        "installed"
    } else {
        "upgraded"
    };
    notices.note(&format!(
        "{done} the contract in schema \"{}\" of the embedded database",
        settings.schema
    ));
    Ok(())
}
