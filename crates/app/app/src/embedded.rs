//! The life of the embedded database: taking its ledger out as a file, and moving it to a database of one's own.
use std::path::Path;

use dotwrap_contract::{
    InstallOptions, abandon_transfer, begin_transfer, check_transfer_target, installed, row_counts,
    settle_transfer,
};
use dotwrap_embedded::{Cluster, DumpFormat, Embedded, Moved};
use dotwrap_verify::VerifyOptions;
use dotwrap_wrapper::{ConnectionTarget, ErrorClass};
use serde::Serialize;
use tokio::task::block_in_place;
use tokio_postgres::Client;

use crate::{
    Problem,
    backend::{Backend, Connection, embedded as server, install_options},
    settings::{DatabaseUrl, Settings},
};

/// What a move did.
#[derive(Debug, Serialize)]
pub struct MoveReport {
    /// The folder of the embedded database, which keeps its ledger.
    pub from: std::path::PathBuf,
    /// The database that has the ledger now, without a password.
    pub to: String,
    /// The schema, there as here.
    pub schema: String,
    /// How many rows were moved.
    pub rows: i64,
    /// How many runs there are among them.
    pub runs: i64,
    /// How many rules of `verify` hold there.
    pub verified_rules: usize,
    /// The note that keeps the embedded database from being used further.
    pub note: std::path::PathBuf,
}

/// The embedded database of these settings, also where another database is configured.
///
/// # Errors
/// There is no folder for it.
pub fn embedded(settings: &Settings) -> Result<Embedded, Problem> {
    server::describe(settings)
}

/// Writes the ledger of the embedded database to a new file, and returns its size in bytes. Needs a multi-threaded
/// runtime.
///
/// # Errors
/// There is no ledger, the server cannot be started, `pg_dump` is missing or fails, or the file cannot be written.
pub async fn dump(backend: Backend<'_>, format: DumpFormat, file: &Path) -> Result<u64, Problem> {
    let Source { cluster, .. } = source(backend).await?;
    Ok(block_in_place(|| {
        cluster.dump(&backend.settings.schema, format, file)
    })?)
}

/// Moves the ledger of the embedded database into another one: dump, restore, comparison, `verify`. The embedded
/// database keeps its ledger and is not used further. Needs a multi-threaded runtime.
///
/// # Errors
/// Somebody else uses the embedded database; the other one holds a ledger, cannot be reached, or does not take this
/// one. The embedded database is used as before then.
pub async fn move_ledger(backend: Backend<'_>, to: &DatabaseUrl) -> Result<MoveReport, Problem> {
    server::refuse_moved(backend.settings)?;
    let parsed = ConnectionTarget::parse(to.reveal()).map_err(dotwrap_wrapper::Error::from)?;
    let target = parsed.with_application_name("dotwrap");
    let Source {
        cluster,
        client,
        role_prefix,
    } = source(backend).await?;
    let options = InstallOptions {
        role_prefix,
        ..install_options(backend.settings)
    };
    let mut other = dotwrap_wrapper::connect(&target).await?;
    check_transfer_target(&other, &options).await?;
    cluster.require_sole_use()?;
    let schema = &options.schema;
    let before = row_counts(&client, schema).await?;
    begin_transfer(&other, &options).await?;
    backend.notices.note("copying the ledger …");
    if let Err(problem) = copy(&cluster, schema, &target, to) {
        let left = abandon_transfer(&other, &options).await;
        let problem = problem.hint(format!(
            "the embedded database is as it was; nothing is in {target}"
        ));
        return Err(match left {
            Ok(()) => problem,
            Err(error) => problem.hint(format!(
                "the embedded database is as it was; remove the empty schema {schema:?} in {target} before another try ({error})"
            )),
        });
    }
    settle_transfer(&other, &options).await?;
    let after = row_counts(&other, schema).await?;
    if before != after {
        return Err(not_moved(
            format!("the rows in {target} are not as many as here"),
            &target,
        ));
    }
    let verified_rules = verified(&mut other, schema, &target).await?;
    let Moved { to, note, .. } = cluster.note_moved(&target.to_string())?;
    Ok(MoveReport {
        from: cluster.folder().to_owned(),
        to,
        schema: schema.clone(),
        rows: after.values().sum(),
        runs: after.get(RUNS).copied().unwrap_or_default(),
        verified_rules,
        note,
    })
}

/// The table of runs.
const RUNS: &str = "process_run_observation";

/// The ledger of the embedded database, with the contract of this program.
struct Source {
    cluster: Cluster,
    client: Client,
    role_prefix: String,
}

async fn source(backend: Backend<'_>) -> Result<Source, Problem> {
    let settings = backend.settings;
    let status = server::describe(settings)?.status()?;
    if !status.exists {
        return Err(nothing_there(format!(
            "there is no embedded database in {}",
            status.folder.display()
        )));
    }
    let mut reached = server::start(settings, backend.notices).await?;
    let client = backend.connect(&mut reached).await?;
    if installed(&client, &settings.schema).await?.is_none() {
        return Err(nothing_there(format!(
            "the embedded database has no ledger in the schema \"{}\"",
            settings.schema
        )));
    }
    server::install_on_first_use(client, &reached.target, settings, backend.notices).await?;
    let client = backend.connect(&mut reached).await?;
    let found = installed(&client, &settings.schema).await?;
    let Connection { cluster, .. } = reached;
    Ok(Source {
        cluster: cluster.ok_or_else(|| Problem::internal("no embedded server"))?,
        client,
        role_prefix: found
            .and_then(|found| found.role_prefix)
            .unwrap_or_else(|| settings.role_prefix.clone()),
    })
}

fn nothing_there(message: String) -> Problem {
    Problem::usage(message).hint("`dotwrap embedded status` says where it is looked for: DOTWRAP_HOME, or home in dotwrap.toml")
}

fn copy(
    cluster: &Cluster,
    schema: &str,
    target: &ConnectionTarget,
    to: &DatabaseUrl,
) -> Result<(), Problem> {
    let variables = ConnectionTarget::libpq_environment(to.reveal());
    let variables = variables.map_err(dotwrap_wrapper::Error::from)?;
    let database = target.config().get_dbname().unwrap_or_default();
    let folder = tempfile::Builder::new()
        .prefix("moving-")
        .tempdir_in(cluster.folder())
        .map_err(|error| {
            let folder = cluster.folder().display();
            Problem::usage(format!("no file can be created in {folder}: {error}"))
        })?;
    let archive = folder.path().join("ledger.dump");
    block_in_place(|| {
        cluster.dump(schema, DumpFormat::Archive, &archive)?;
        cluster.restore_elsewhere(&archive, database, &variables)
    })?;
    Ok(())
}

async fn verified(
    client: &mut Client,
    schema: &str,
    target: &ConnectionTarget,
) -> Result<usize, Problem> {
    let options = VerifyOptions {
        schema: schema.to_owned(),
        ..VerifyOptions::default()
    };
    let report = dotwrap_verify::verify(client, &options).await?;
    if report.is_clean() {
        return Ok(report.checks.len());
    }
    let broken: Vec<&str> = report.failed().map(|check| check.name).collect();
    Err(not_moved(
        format!(
            "verify finds {} violations in {target}: {}",
            report.violations(),
            broken.join(", ")
        ),
        target,
    ))
}

/// The copy is there and is not to be used.
fn not_moved(message: String, target: &ConnectionTarget) -> Problem {
    Problem::new(ErrorClass::Internal, "not_moved", message).hint(format!(
        "the embedded database is as it was, and is still used: see what `dotwrap verify` finds in it, then remove the copy: \
         DATABASE_URL={target} dotwrap uninstall"
    ))
}
