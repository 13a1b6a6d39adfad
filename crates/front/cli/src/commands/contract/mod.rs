//! `dotwrap contract ls|show|set|retire`.

mod difference;
mod explain;
mod set;
use clap::{Args, Subcommand};
use dotwrap_wrapper::{Contract, DotCode};
use serde::Serialize;

use super::{ActorArgs, unknown_dot};
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, Column, escaped_json};
use crate::session::Context;

/// What is called for a DOT in each mode, and what it may do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the contracts
    Ls,
    /// Show the contracts of one DOT, whole
    Show(Show),
    /// Set contracts from a file, or change them
    Set(set::Arguments),
    /// Retire a DOT's contract in a mode: nothing is called by it any more
    Retire(Retire),
}

/// Show the contracts of one DOT, whole.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The DOT's code
    #[arg(value_name = "DOT_CODE")]
    dot_code: String,
    /// Say in sentences what each contract allows, defaults included
    #[arg(long)]
    explain: bool,
}

/// Retire a DOT's contract in a mode: nothing is called by it any more.
///
/// `contract set` with contract_status = "active" puts it back into use.
#[derive(Debug, Args)]
pub(crate) struct Retire {
    /// The DOT's code
    #[arg(value_name = "DOT_CODE")]
    dot_code: String,
    /// The contract's mode: PLAN_ONLY, VERIFY_ONLY, DRY_RUN or REAL_RUN
    #[arg(value_name = "MODE")]
    mode: String,
    /// Why; it stays on record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    acting: ActorArgs,
}

const COLUMNS: &[Column<Contract>] = &[
    Column::whole("DOT", |contract| {
        Cell::toned(&contract.dot_code, CellStyle::Notice)
    }),
    Column::whole("MODE", |contract| Cell::plain(&contract.mode)),
    Column::new("STATUS", |contract| Cell::plain(&contract.contract_status)),
    Column::new("CALLS", |contract| {
        Cell::or_dash(contract.endpoint_ref.as_ref())
    }),
    Column::new("FIXTURE", |contract| {
        Cell::or_dash(contract.fixture_ref.as_ref())
    }),
    Column::new("CANDIDATE", |contract| {
        Cell::or_dash(contract.candidate_code.as_ref())
    }),
];

/// Lists, shows, sets or retires contracts.
pub(crate) async fn execute(
    command: Command,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    match command {
        Command::Ls => list(session).await,
        Command::Show(arguments) => show(arguments, session).await,
        Command::Set(arguments) => set::execute(arguments, session).await,
        Command::Retire(arguments) => retire(arguments, session).await,
    }
}

async fn list(session: &mut Context) -> Result<ExitStatus, Failure> {
    let contracts = session.ledger().await?.contracts().await?;
    session.print_list(
        &contracts,
        COLUMNS,
        "no DOT has a contract; `dotwrap contract set FILE` sets one",
    )?;
    Ok(ExitStatus::Done)
}

async fn show(arguments: Show, session: &mut Context) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let dot_code = DotCode::new(arguments.dot_code);
    let contracts = ledger.contracts_of(&dot_code).await?;
    if contracts.is_empty() {
        ledger
            .tool(&dot_code)
            .await?
            .ok_or_else(|| unknown_dot(&dot_code))?;
        session.messages.note(format!("{dot_code} has no contract"));
    }
    if arguments.explain {
        return explain::execute(&contracts, &ledger, session).await;
    }
    session.output.record(&contracts, |contracts| {
        contracts
            .iter()
            .map(|contract| {
                let text = serde_json::to_string_pretty(contract).unwrap_or_default();
                format!("{}\n", escaped_json(&text))
            })
            .collect()
    })?;
    Ok(ExitStatus::Done)
}

/// What the contract is now.
#[derive(Debug, Serialize)]
struct Retired {
    dot_code: DotCode,
    mode: String,
    contract_status: &'static str,
    /// False: it was retired already.
    changed: bool,
}

async fn retire(arguments: Retire, session: &mut Context) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let actor = session.actor(arguments.acting);
    let dot_code = DotCode::new(arguments.dot_code);
    // `dry-run` as `run --mode` has it is meant, too.
    let mode = arguments.mode.to_uppercase().replace('-', "_");
    let reason = arguments.reason.as_deref();
    let changed = ledger
        .retire_contract(&dot_code, &mode, reason, Some(&actor))
        .await?;
    session.messages.note(if changed {
        format!("the contract {dot_code} {mode} is retired")
    } else {
        format!("the contract {dot_code} {mode} was retired already")
    });
    session.output.change(&Retired {
        dot_code,
        mode,
        contract_status: "retired",
        changed,
    })?;
    Ok(ExitStatus::Done)
}
