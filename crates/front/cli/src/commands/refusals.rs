//! `dotwrap refusals ls`.
use clap::{Args, Subcommand};
use dotwrap_wrapper::{RecordedRefusal, RefusalCatalogueEntry};

use super::shared::at_least_one;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, Column, format_time};
use crate::session::Context;

/// Calls that were refused, as their clients reported them.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the newest refusals
    Ls(List),
    /// What each refusal code means and what to do about it
    Codes,
}

/// List the newest refusals.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Maximum number of rows
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = at_least_one())]
    limit: u32,
}

/// Lists what was refused, or what each code means.
pub(crate) async fn execute(
    command: Command,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    match command {
        Command::Ls(arguments) => list(&arguments, session).await,
        Command::Codes => codes(session).await,
    }
}

const REFUSALS: &[Column<RecordedRefusal>] = &[
    Column::new("REFUSED", |refusal| {
        Cell::plain(format_time(refusal.refused_at))
    }),
    Column::whole("CODE", |refusal| {
        Cell::toned(&refusal.refusal_code, CellStyle::Bad)
    }),
    Column::new("ACTOR", |refusal| Cell::or_dash(refusal.actor.as_ref())),
    Column::new("DOT", |refusal| {
        Cell::code_or_dash(refusal.dot_code.as_ref())
    }),
    Column::new("POSTURE", |refusal| Cell::plain(&refusal.posture)),
    Column::new("MESSAGE", |refusal| Cell::plain(&refusal.message)),
];

async fn list(arguments: &List, session: &mut Context) -> Result<ExitStatus, Failure> {
    let refusals = session.ledger().await?.refusals(arguments.limit).await?;
    session.print_list(&refusals, REFUSALS, "nothing was refused yet")?;
    Ok(ExitStatus::Done)
}

const CODES: &[Column<RefusalCatalogueEntry>] = &[
    Column::whole("CODE", |entry| Cell::plain(&entry.code)),
    Column::new("SQLSTATE", |entry| Cell::plain(&entry.sqlstate)),
    Column::new("KIND", |entry| Cell::plain(&entry.kind)),
    Column::new("WHAT TO DO", |entry| Cell::plain(&entry.hint)),
];

async fn codes(session: &mut Context) -> Result<ExitStatus, Failure> {
    let codes = session.ledger().await?.refusal_catalogue().await?;
    session.output.rows(&codes, CODES)?;
    Ok(ExitStatus::Done)
}
