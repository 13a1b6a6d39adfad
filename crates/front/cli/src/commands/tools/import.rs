//! `dotwrap tools import`.
use std::path::PathBuf;

use clap::Args;
use dotwrap_app::backend::LedgerClient;
use dotwrap_catalogue::{Catalogue, CatalogueFormat, FileSource, Plan, sample};
use dotwrap_exec::contract_warnings;
use dotwrap_wrapper::{CatalogueChange, CatalogueKind, Contract, ImportAction};
use serde::Serialize;

use crate::commands::{
    ActorArgs,
    execution::{ExecutionArgs, refuse_uncallable},
};
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, Column};
use crate::session::Context;

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
    /// Why; it stands in the history of the contracts that change
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    acting: ActorArgs,
}

/// What is told of an entry. Its contract's values are not.
#[derive(Debug, Serialize)]
struct Change {
    kind: CatalogueKind,
    name: String,
    dot_code: Option<String>,
    action: ImportAction,
    detail: Option<String>,
    warning: Option<String>,
}

impl From<&CatalogueChange> for Change {
    fn from(change: &CatalogueChange) -> Self {
        Self {
            kind: change.kind,
            name: change.name.clone(),
            dot_code: change.dot_code.clone(),
            action: change.action,
            detail: change.detail.clone(),
            warning: change.warning.clone(),
        }
    }
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
        ImportAction::Add => CellStyle::Good,
        ImportAction::Change => CellStyle::Notice,
        ImportAction::Keep | ImportAction::Skip => CellStyle::Faint,
        ImportAction::Refuse => CellStyle::Bad,
    };
    Cell::toned(change.action, tone)
}

/// Imports a catalogue.
pub(super) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let catalogue = read(&arguments)?;
    let ledger = session.ledger().await?;
    let actor = session.actor(arguments.acting);
    let mut plan = catalogue.plan(&ledger, &actor).await?;
    plan = refuse_uncallable(plan)?;
    let hint = "correct the entries named and import again; `--dry-run` shows the plan";
    let refusal = plan.refusal(&catalogue, "imported", hint);
    if refusal.is_none() && !arguments.dry_run {
        plan = catalogue
            .register(&ledger, Some(&actor), arguments.reason.as_deref())
            .await?;
    }
    let changes: Vec<_> = plan.changes().iter().map(Change::from).collect();
    session.output.rows(&changes, PLAN)?;
    if let Some(refusal) = refusal {
        return Err(refusal.into());
    }
    for change in &changes {
        if let Some(warning) = &change.warning {
            session
                .messages
                .warning(format!("{}: {warning}", change.name));
        }
    }
    session.messages.note(if arguments.dry_run {
        format!("would import {}; nothing was written", summary(&plan))
    } else {
        format!("imported {}", summary(&plan))
    });
    if !arguments.dry_run {
        warn(&plan, &ledger, session).await?;
    }
    Ok(ExitStatus::Done)
}

/// A catalogue may be meant for another machine, so only what its contracts lack everywhere is told.
async fn warn(plan: &Plan, ledger: &LedgerClient, session: &Context) -> Result<(), Failure> {
    let imported: Vec<&Contract> = plan
        .changes()
        .iter()
        .filter_map(|change| change.contract.as_ref())
        .collect();
    if imported.is_empty() {
        return Ok(());
    }
    let is_imported = |contract: &Contract| {
        let is_it =
            |other: &&Contract| contract.dot_code == other.dot_code && contract.mode == other.mode;
        imported.iter().any(is_it)
    };
    let runner = ExecutionArgs::default().runner(session, ledger)?;
    for warning in contract_warnings(ledger, &runner, is_imported).await? {
        session.messages.warning(warning);
    }
    Ok(())
}

fn read(arguments: &Arguments) -> Result<Catalogue, Failure> {
    let Some(file) = &arguments.file else {
        return Ok(sample()?);
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
        true => FileSource::Nowhere,
        false => FileSource::of_file(file),
    };
    Ok(Catalogue::read(&text, format, &name, &beside)?)
}

/// What is done to each kind of thing that the catalogue names.
fn summary(plan: &Plan) -> String {
    let kinds = [
        (CatalogueKind::Tool, "tools"),
        (CatalogueKind::Candidate, "candidates"),
        (CatalogueKind::Fixture, "fixtures"),
        (CatalogueKind::Contract, "contracts"),
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
