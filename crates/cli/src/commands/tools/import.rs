//! `dotwrap tools import`.

use std::path::PathBuf;

use clap::Args;
use dotwrap_wrapper::{ImportAction, ToolChange};
use serde_json::json;

use crate::catalogue::{Catalogue, CatalogueFormat, sample};
use crate::commands::Acting;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, Column, Tone};
use crate::session::Session;

/// Import tools from TOML, JSON or CSV: all or nothing.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The file; `-` reads standard input
    #[arg(value_name = "FILE", required_unless_present = "sample")]
    file: Option<PathBuf>,
    /// Import the sample catalogue that is built in
    #[arg(long, conflicts_with = "file")]
    sample: bool,
    /// How the file is written, where its name does not say so
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<CatalogueFormat>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    acting: Acting,
}

const PLAN: &[Column<ToolChange>] = &[
    Column::new("ACTION", action),
    Column::whole("DOT", |change| Cell::plain(&change.dot_code)),
    Column::new("DETAIL", |change| {
        Cell::plain(change.detail.as_deref().unwrap_or_default())
    }),
];

fn action(change: &ToolChange) -> Cell {
    let tone = match change.action {
        ImportAction::Add => Tone::Good,
        ImportAction::Change => Tone::Notice,
        ImportAction::Keep => Tone::Faint,
        ImportAction::Refuse => Tone::Bad,
    };
    Cell::toned(change.action, tone)
}

/// Imports a catalogue.
pub(super) async fn execute(
    arguments: Arguments,
    session: &mut Session,
) -> Result<ExitStatus, Failure> {
    let catalogue = read(&arguments)?;
    let ledger = session.ledger().await?;
    let actor = session.actor(arguments.acting);
    let plan = ledger
        .plan_import(&catalogue.definitions(), Some(&actor))
        .await?;
    let refused: Vec<&ToolChange> = plan
        .iter()
        .filter(|change| change.action == ImportAction::Refuse)
        .collect();
    if !refused.is_empty() {
        session.output.rows(&plan, PLAN)?;
        return Err(refusal(&refused, &catalogue));
    }
    if arguments.dry_run {
        session.output.rows(&plan, PLAN)?;
        session
            .messages
            .note(format!("would {}; nothing was written", summary(&plan)));
        return Ok(ExitStatus::Done);
    }
    let done = catalogue.register(&ledger, Some(&actor)).await?;
    session.output.rows(&done, PLAN)?;
    session
        .messages
        .note(format!("imported: {}", summary(&done)));
    Ok(ExitStatus::Done)
}

fn read(arguments: &Arguments) -> Result<Catalogue, Failure> {
    let Some(file) = &arguments.file else {
        return sample();
    };
    let format = match arguments.format {
        Some(format) => format,
        None if file.as_os_str() == "-" => {
            return Err(
                Failure::usage("standard input does not say how it is written")
                    .hint("add --format toml|json|csv"),
            );
        }
        None => CatalogueFormat::of_path(file)?,
    };
    let (text, name) = crate::commands::file::read(file)?;
    Catalogue::read(&text, format, &name)
}

/// All or nothing: where one entry is refused, none is taken, and each is named with its place.
fn refusal(refused: &[&ToolChange], catalogue: &Catalogue) -> Failure {
    let place = |change: &ToolChange| {
        catalogue
            .place_of(&change.dot_code)
            .unwrap_or("?")
            .to_owned()
    };
    let reasons: Vec<String> = refused
        .iter()
        .map(|change| {
            format!(
                "{}: {}: {}",
                place(change),
                change.dot_code,
                change.detail.as_deref().unwrap_or("refused")
            )
        })
        .collect();
    let entries: Vec<_> = refused
        .iter()
        .map(|change| json!({ "dot_code": change.dot_code, "place": place(change), "reason": change.detail }))
        .collect();
    Failure::new(
        ExitStatus::Usage,
        "tool_invalid",
        format!("nothing was imported: {}", reasons.join("; ")),
    )
    .hint("mend the entries named and import again; `--dry-run` shows the plan")
    .detail(json!({ "refused": entries }))
}

fn summary(plan: &[ToolChange]) -> String {
    let count = |action| plan.iter().filter(|change| change.action == action).count();
    format!(
        "add {}, change {}, keep {}",
        count(ImportAction::Add),
        count(ImportAction::Change),
        count(ImportAction::Keep)
    )
}
