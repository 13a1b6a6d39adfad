//! `dotwrap contract set`.
use std::path::PathBuf;

use clap::Args;
use dotwrap_app::backend::LedgerClient;
use dotwrap_catalogue::{Catalogue, CatalogueFormat, FileSource, Plan};
use dotwrap_exec::Runner;
use dotwrap_wrapper::{CatalogueChange, Contract, ImportAction, Tool};
use serde_json::json;

use super::difference;
use crate::commands::{
    ActorArgs,
    execution::{ExecutionArgs, refuse_uncallable},
    file,
};
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::session::Context;

/// Set contracts from a file, or change them: all or nothing.
///
/// A catalogue as `tools import` takes it, TOML or JSON: its `[[contract]]` tables are set, the others are left alone.
/// The fields are those of `contract show`; what is left out takes the contract's default. An active contract that
/// could not be run on this machine is refused.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The file, .toml or .json; `-` reads TOML from standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Set them also where this machine could not run them
    #[arg(long)]
    force: bool,
    /// Why; it stands in the contract's history, and is required where a contract changes
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    acting: ActorArgs,
}

/// A contract that is to be set, with its tool.
struct Judged<'a> {
    change: &'a CatalogueChange,
    contract: &'a Contract,
    tool: Tool,
}

/// Sets contracts.
pub(super) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let (catalogue, name) = read(&arguments.file, session)?;
    let ledger = session.ledger().await?;
    let actor = session.actor(arguments.acting);
    let mut plan = catalogue.plan(&ledger, &actor).await?;
    if !arguments.force {
        plan = refuse_uncallable(plan)?;
    }
    if let Some(refusal) = plan.refusal(
        &catalogue,
        "set",
        "correct the entries named and set them again",
    ) {
        return Err(refusal.into());
    }
    let judged = check(&plan, &ledger).await?;
    let runner = ExecutionArgs::default().runner(session, &ledger)?;
    refuse_what_can_not_be_run(&judged, &catalogue, &runner, arguments.force, session)?;
    show_differences(&plan, &ledger, session).await?;
    let reason = arguments
        .reason
        .as_deref()
        .filter(|reason| !reason.trim().is_empty());
    require_reason(&plan, reason)?;
    let registered = catalogue.register(&ledger, Some(&actor), reason).await?;
    for change in registered.changes() {
        session.messages.note(match change.action {
            ImportAction::Keep => format!("kept {}: nothing changed", change.name),
            _ => format!("set {}", change.name),
        });
    }
    for Judged {
        change,
        contract,
        tool,
    } in &judged
    {
        for warning in runner.warnings(tool, contract) {
            session
                .messages
                .warning(format!("{}: {warning}", change.name));
        }
    }
    if plan.changes().is_empty() {
        session.messages.note(format!("{name} names no contract"));
    }
    Ok(ExitStatus::Done)
}

/// Shows what changes in contracts that are set already.
async fn show_differences(
    plan: &Plan,
    ledger: &LedgerClient,
    session: &Context,
) -> Result<(), Failure> {
    for change in plan.changes() {
        let (ImportAction::Change, Some(after)) = (change.action, &change.contract) else {
            continue;
        };
        let contracts = ledger.contracts_to_call_of(&after.dot_code).await?;
        let before = contracts.iter().find(|one| one.mode == after.mode);
        for line in before.map_or_else(Vec::new, |before| difference::lines(before, after)) {
            session.messages.note(format!("{}: {line}", change.name));
        }
    }
    Ok(())
}

/// A contract that changes needs a reason: runs before and after were called differently.
fn require_reason(plan: &Plan, reason: Option<&str>) -> Result<(), Failure> {
    let mut changes = plan.changes().iter();
    let changed = changes.find(|change| change.action == ImportAction::Change);
    match changed.filter(|_| reason.is_none()) {
        Some(change) => Err(Failure::new(
            ExitStatus::Usage,
            "reason_required",
            format!("{} changes, and the call does not say why", change.name),
        )
        .hint("say why: --reason TEXT; it stands in the contract's history")),
        None => Ok(()),
    }
}

/// The contracts of a catalogue, and how messages name the file.
fn read(file: &std::path::Path, session: &Context) -> Result<(Catalogue, String), Failure> {
    let (text, name) = file::read(file)?;
    let format = match name.ends_with(".json") {
        true => CatalogueFormat::Json,
        false => CatalogueFormat::Toml,
    };
    let beside = match file.as_os_str() == "-" {
        true => FileSource::Nowhere,
        false => FileSource::of_file(file),
    };
    let catalogue = Catalogue::read(&text, format, &name, &beside)?;
    if catalogue.names_more_than_contracts() {
        session.messages.note(format!(
            "only the contracts of {name} are set; `dotwrap tools import` takes all of it"
        ));
    }
    Ok((catalogue.contracts_alone(), name))
}

/// The active contracts with their tools.
async fn check<'a>(plan: &'a Plan, ledger: &LedgerClient) -> Result<Vec<Judged<'a>>, Failure> {
    let mut judged = Vec::new();
    for change in plan.changes() {
        let active = change.contract.as_ref();
        let Some(contract) = active.filter(|contract| contract.contract_status == "active") else {
            continue;
        };
        if let Some(tool) = ledger.tool(&contract.dot_code).await? {
            judged.push(Judged {
                change,
                contract,
                tool,
            });
        }
    }
    Ok(judged)
}

/// What a run on this machine would be refused for is not set, unless it is meant for another one.
fn refuse_what_can_not_be_run(
    judged: &[Judged<'_>],
    catalogue: &Catalogue,
    runner: &Runner,
    is_forced: bool,
    session: &Context,
) -> Result<(), Failure> {
    let mut refused = Vec::new();
    for Judged {
        change,
        contract,
        tool,
    } in judged
    {
        let Err(unusable) = runner.check(tool, contract) else {
            continue;
        };
        let place = catalogue.location_of(change.kind, change.entry);
        let said = format!("{}: {}", unusable.code, unusable.message);
        if is_forced {
            session
                .messages
                .warning(format!("{} cannot be run here: {said}", change.name));
        } else {
            refused.push((place.unwrap_or("?"), change, said, unusable));
        }
    }
    let Some((_, _, _, first)) = refused.first() else {
        return Ok(());
    };
    let reasons: Vec<_> = refused
        .iter()
        .map(|(place, change, said, _)| {
            format!("{place}: {} cannot be run here: {said}", change.name)
        })
        .collect();
    let entries: Vec<_> = refused
        .iter()
        .map(|(place, change, _, unusable)| {
            json!({"kind": change.kind, "name": change.name, "dot_code": change.dot_code, "place": place,
                   "code": unusable.code, "reason": unusable.message})
        })
        .collect();
    let mend = first
        .hint
        .as_ref()
        .map(|hint| format!("{hint}; "))
        .unwrap_or_default();
    let message = format!("nothing was set: {}", reasons.join("; "));
    Err(Failure::new(ExitStatus::Blocked, first.code, message)
        .hint(format!(
            "{mend}where another machine runs them, set them with --force"
        ))
        .detail(json!({ "refused": entries })))
}
