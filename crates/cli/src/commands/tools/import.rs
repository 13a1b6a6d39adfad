//! `dotwrap tools import`.

use std::path::PathBuf;

use clap::Args;
use dotwrap_wrapper::{Contract, ImportAction};
use serde_json::json;

use crate::catalogue::{Beside, Catalogue, CatalogueFormat, Change, Kind, Plan, sample};
use crate::commands::{Acting, contract_checks};
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, Column, Tone};
use crate::session::{Ledger, Session};

/// Import tools, candidates, fixtures and contracts from TOML or JSON, or tools from CSV: all or nothing.
///
/// An import opens no gate: what is registered may still not be executed.
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

const PLAN: &[Column<Change>] = &[
    Column::new("ACTION", action),
    Column::new("KIND", |change| Cell::plain(change.kind)),
    Column::whole("NAME", |change| Cell::plain(&change.name)),
    Column::new("DETAIL", |change| {
        Cell::plain(change.detail.as_deref().unwrap_or_default())
    }),
];

fn action(change: &Change) -> Cell {
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
    contract_checks::refuse_open(catalogue.contracts.iter().map(|entry| &entry.said))?;
    let ledger = session.ledger().await?;
    let actor = session.actor(arguments.acting);
    let plan = catalogue.plan(&ledger, Some(&actor)).await?;
    let refused = plan.refused();
    if refused.is_empty() && !arguments.dry_run {
        catalogue.carry_out(&plan, &ledger, Some(&actor)).await?;
    }
    let changes: Vec<Change> = plan.changes().cloned().collect();
    session.output.rows(&changes, PLAN)?;
    if !refused.is_empty() {
        return Err(refusal(&refused, &catalogue));
    }
    session.messages.note(if arguments.dry_run {
        format!("would import {}; nothing was written", summary(&plan))
    } else {
        format!("imported {}", summary(&plan))
    });
    if !arguments.dry_run {
        warn(&catalogue, &ledger, session).await?;
    }
    Ok(ExitStatus::Done)
}

/// A catalogue may be meant for another machine, so only what its contracts lack everywhere is told.
async fn warn(catalogue: &Catalogue, ledger: &Ledger, session: &Session) -> Result<(), Failure> {
    let is_imported = |contract: &Contract| {
        let mut entries = catalogue.contracts.iter().map(|entry| &entry.said);
        entries
            .any(|said| contract.dot_code.as_str() == said.dot_code && contract.mode == said.mode)
    };
    if catalogue.contracts.is_empty() {
        return Ok(());
    }
    let found = contract_checks::look(session, ledger, is_imported).await?;
    for warning in found.into_iter().flat_map(|found| found.warnings) {
        session.messages.warning(warning);
    }
    Ok(())
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
    let beside = match file.as_os_str() == "-" {
        true => Beside::Nowhere,
        false => Beside::of_file(file),
    };
    Catalogue::read(&text, format, &name, &beside)
}

/// All or nothing: where one entry is refused, none is taken, and each is named with its place.
fn refusal(refused: &[&Change], catalogue: &Catalogue) -> Failure {
    let place = |change: &Change| {
        catalogue
            .place_of(change.kind, &change.name)
            .unwrap_or("?")
            .to_owned()
    };
    let reasons: Vec<String> = refused
        .iter()
        .map(|change| {
            format!(
                "{}: {}: {}",
                place(change),
                change.name,
                change.detail.as_deref().unwrap_or("refused")
            )
        })
        .collect();
    let entries: Vec<_> = refused
        .iter()
        .map(|change| {
            json!({
                "kind": change.kind,
                "name": change.name,
                "dot_code": change.dot_code,
                "place": place(change),
                "code": change.code,
                "reason": change.detail,
            })
        })
        .collect();
    // The changes come in the order in which they would be made, so the first is what the others may follow from.
    let code = refused.first().and_then(|change| change.code);
    Failure::new(
        ExitStatus::Usage,
        code.unwrap_or("tool_invalid"),
        format!("nothing was imported: {}", reasons.join("; ")),
    )
    .hint("mend the entries named and import again; `--dry-run` shows the plan")
    .detail(json!({ "refused": entries }))
}

/// What is done to each kind of thing that the catalogue names.
fn summary(plan: &Plan) -> String {
    let kinds = [
        (Kind::Tool, "tools"),
        (Kind::Candidate, "candidates"),
        (Kind::Fixture, "fixtures"),
        (Kind::Contract, "contracts"),
    ];
    let counted = kinds.into_iter().filter_map(|(kind, name)| {
        let count = |action| plan.count(kind, action);
        let (add, change, keep) = (
            count(ImportAction::Add),
            count(ImportAction::Change),
            count(ImportAction::Keep),
        );
        (add + change + keep > 0)
            .then(|| format!("{name}: add {add}, change {change}, keep {keep}"))
    });
    let counted: Vec<_> = counted.collect();
    match counted.is_empty() {
        true => "nothing: the catalogue is empty".to_owned(),
        false => counted.join("; "),
    }
}
