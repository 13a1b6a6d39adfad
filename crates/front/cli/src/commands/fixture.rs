//! `dotwrap fixture ls|show|put`.
use std::path::PathBuf;

use clap::{Args, Subcommand};
use dotwrap_wrapper::Fixture;
use sha2::{Digest, Sha256};

use super::{ActorArgs, file};
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, Column, escaped_json, format_time};
use crate::session::Context;

/// Inputs that are kept with their digest, for contracts to refer to.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the fixtures
    Ls,
    /// Show what a fixture says
    Show(Show),
    /// Keep a JSON file as a fixture, or replace one
    Put(Put),
}

/// Show what a fixture says.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The fixture's name
    #[arg(value_name = "FIXTURE_REF")]
    fixture_ref: String,
}

/// Keep a JSON file as a fixture, or replace one.
#[derive(Debug, Args)]
pub(crate) struct Put {
    /// The fixture's name
    #[arg(value_name = "FIXTURE_REF")]
    fixture_ref: String,
    /// The file; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The file's SHA-256, as `sha256sum` says it: refused where the file has another
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    #[command(flatten)]
    acting: ActorArgs,
}

const COLUMNS: &[Column<Fixture>] = &[
    Column::whole("FIXTURE", |fixture| {
        Cell::toned(&fixture.fixture_ref, CellStyle::Notice)
    }),
    Column::whole("SHA256", |fixture| Cell::plain(&fixture.sha256)),
    Column::new("STORED", |fixture| {
        Cell::plain(format_time(fixture.created_at))
    }),
];

/// Lists, shows or keeps fixtures.
pub(crate) async fn execute(
    command: Command,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    match command {
        Command::Ls => list(session).await,
        Command::Show(arguments) => show(arguments, session).await,
        Command::Put(arguments) => put(arguments, session).await,
    }
}

async fn list(session: &mut Context) -> Result<ExitStatus, Failure> {
    let fixtures = session.ledger().await?.fixtures().await?;
    session.print_list(
        &fixtures,
        COLUMNS,
        "no fixture is kept; `dotwrap fixture put NAME FILE` keeps one",
    )?;
    Ok(ExitStatus::Done)
}

async fn show(arguments: Show, session: &mut Context) -> Result<ExitStatus, Failure> {
    let name = arguments.fixture_ref;
    let found = session.ledger().await?.fixture(&name).await?;
    let fixture = found.ok_or_else(|| {
        Failure::new(
            ExitStatus::Usage,
            "fixture_missing",
            format!("there is no fixture '{name}'"),
        )
        .hint("`dotwrap fixture ls` lists them")
    })?;
    session.output.record(&fixture, |fixture| {
        let body = serde_json::to_string_pretty(&fixture.body).unwrap_or_default();
        format!("{}\n", escaped_json(&body))
    })?;
    Ok(ExitStatus::Done)
}

async fn put(arguments: Put, session: &mut Context) -> Result<ExitStatus, Failure> {
    let (text, _) = file::read(&arguments.file)?;
    let sha256 = arguments
        .sha256
        .unwrap_or_else(|| format!("{:x}", Sha256::digest(text.as_bytes())));
    let ledger = session.ledger().await?;
    let actor = session.actor(arguments.acting);
    let name = ledger
        .put_fixture(&arguments.fixture_ref, &text, &sha256, Some(&actor))
        .await?;
    session
        .messages
        .note(format!("kept {name}, SHA-256 {sha256}"));
    if let Some(fixture) = ledger.fixture(&name).await? {
        session.output.change(&fixture)?;
    }
    Ok(ExitStatus::Done)
}
