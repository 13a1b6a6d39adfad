//! `dotwrap embedded dump`.
use std::path::PathBuf;

use clap::Args;
use dotwrap_app::embedded::dump;
use dotwrap_embedded::DumpFormat;
use indicatif::HumanBytes;
use serde::Serialize;

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::session::Context;

/// Write the embedded database's ledger to a new file, while others use it.
///
/// The file is as of one moment, and only its owner can read it. pg_restore puts it into a database, psql with --sql.
/// It needs pg_dump, which comes with PostgreSQL's client programs. Outputs of runs are not in it: see --runs-folder.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The file to create; one that exists is not replaced
    file: PathBuf,
    /// SQL as text, for psql, instead of pg_restore's compressed archive
    #[arg(long)]
    sql: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    file: PathBuf,
    /// `archive` or `sql`.
    format: &'static str,
    bytes: u64,
    schema: String,
}

/// Writes it.
pub(super) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let (format, name) = match arguments.sql {
        true => (DumpFormat::Sql, "sql"),
        false => (DumpFormat::Archive, "archive"),
    };
    let bytes = dump(session.backend(), format, &arguments.file).await?;
    let file = std::path::absolute(&arguments.file).unwrap_or(arguments.file);
    session.messages.note(format!(
        "wrote the ledger to {} ({})",
        file.display(),
        HumanBytes(bytes)
    ));
    session.output.change(&Report {
        file,
        format: name,
        bytes,
        schema: session.settings.schema.clone(),
    })?;
    Ok(ExitStatus::Done)
}
