//! `dotwrap gates`, `gates open|close|history`.
use clap::{Args, Subcommand};
use dotwrap_app::backend::{LedgerClient, close_gate};
use dotwrap_app::labels;
use dotwrap_wrapper::{Gate, GateChange, GateSetting, Posture, gate};
use jiff::SignedDuration;
use serde::Serialize;

use super::shared::{ActorArgs, at_least_one, duration};
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, Column, draw_table, format_time};
use crate::session::Context;

/// What may be executed: the posture, its gates and their history.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

/// What to do with the gates.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the posture and every gate (this is what `dotwrap gates` does)
    Ls,
    /// Open a gate, for a time
    Open(Open),
    /// Close a gate
    Close(Close),
    /// Every change of a gate: when, by whom, why
    History(History),
}

/// Open a gate, for a time.
///
/// A gate says `true` when it is open. process_dot_runtime.dry_run_only is a brake and works the other way round:
/// opening it sets `false`, and it brakes again when the time is over.
#[derive(Debug, Args)]
pub(crate) struct Open {
    /// The gate's key, or its last part: operator_runtime_enabled, execute_enabled, dry_run_only, real_run_enabled
    #[arg(value_name = "KEY")]
    key: String,
    /// For how long, e.g. 15m, 2h, 7d; then it is closed again by itself
    #[arg(
        long = "for",
        value_name = "DURATION",
        value_parser = duration,
        required_unless_present = "without_end"
    )]
    duration: Option<SignedDuration>,
    /// Leave it open until somebody closes it
    #[arg(long, conflicts_with = "duration")]
    without_end: bool,
    #[command(flatten)]
    change: Change,
}

/// Close a gate.
#[derive(Debug, Args)]
pub(crate) struct Close {
    /// The gate's key, or its last part
    #[arg(value_name = "KEY")]
    key: String,
    #[command(flatten)]
    change: Change,
}

/// Who changes a gate, and why.
#[derive(Debug, Args)]
pub(crate) struct Change {
    /// Why; it stays in the history
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    acting: ActorArgs,
}

/// Every change of a gate: when, by whom, why.
#[derive(Debug, Args)]
pub(crate) struct History {
    /// Only this gate
    #[arg(value_name = "KEY")]
    key: Option<String>,
    /// Maximum number of rows, the newest first
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = at_least_one())]
    limit: u32,
}

/// Shows or changes the gates.
pub(crate) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    match arguments.command.unwrap_or(Command::Ls) {
        Command::Ls => list(session).await,
        Command::Open(open) => set(&open.key, true, open.duration, open.change, session).await,
        Command::Close(close) => set(&close.key, false, None, close.change, session).await,
        Command::History(arguments) => history(arguments, session).await,
    }
}

/// The posture, and the gates that it follows from.
#[derive(Debug, Serialize)]
struct Gates {
    posture: Posture,
    gates: Vec<Gate>,
}

const GATES: &[Column<Gate>] = &[
    Column::whole("GATE", |gate| Cell::plain(&gate.key)),
    Column::new("SAYS", |gate| Cell::or_dash(gate.value.as_ref())),
    Column::new("STATE", state),
    Column::new("EXPIRES", |gate| {
        Cell::or_dash(gate.expires_at.map(format_time))
    }),
    Column::new("CHANGED BY", |gate| Cell::or_dash(gate.updated_by.as_ref())),
    Column::new("REASON", |gate| Cell::or_dash(gate.reason.as_ref())),
];

fn state(gate: &Gate) -> Cell {
    match (gate.open, gate.live) {
        (true, _) => Cell::toned("open", CellStyle::Caution),
        (false, true) => Cell::toned("closed", CellStyle::Good),
        (false, false) => Cell::toned("closed: expired", CellStyle::Good),
    }
}

async fn list(session: &mut Context) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let gates = Gates {
        posture: ledger.posture().await?,
        gates: ledger.gates().await?,
    };
    let layout = session.output.layout();
    session.output.record(&gates, |shown| {
        let posture = format!(
            "{}: {}",
            Cell::from(labels::posture(shown.posture)),
            labels::posture_meaning(shown.posture)
        );
        format!(
            "posture {posture}\n\n{}",
            draw_table(&shown.gates, GATES, layout)
        )
    })?;
    Ok(ExitStatus::Done)
}

/// What a change of a gate made of it.
#[derive(Debug, Serialize)]
struct Changed {
    key: String,
    value: String,
    open: bool,
    /// None: until somebody changes it again.
    lasting: Option<SignedDuration>,
    posture: Posture,
}

/// A brake is open when it says `false`; every other gate when it says `true`.
async fn set(
    key: &str,
    open: bool,
    lasting: Option<SignedDuration>,
    change: Change,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let key = full_key(key);
    let says = if key == gate::DRY_RUN_ONLY {
        !open
    } else {
        open
    };
    let mut setting =
        GateSetting::new(&key, says, change.reason).actor(session.actor(change.acting));
    if let Some(lasting) = lasting {
        setting = setting.lasting(lasting.unsigned_abs());
    }
    let posture = if open {
        session.ledger().await?.set_gate(&setting).await?
    } else {
        close_gate(session.backend(), &key, &setting).await?
    };
    session
        .messages
        .note(format!("{key} says {says} now; the posture is {posture}"));
    session.output.change(&Changed {
        key,
        value: says.to_string(),
        open,
        lasting,
        posture,
    })?;
    Ok(ExitStatus::Done)
}

/// The last part of a key is enough to name it.
fn full_key(key: &str) -> String {
    let known = [
        gate::OPERATOR_RUNTIME_ENABLED,
        gate::EXECUTE_ENABLED,
        gate::DRY_RUN_ONLY,
        gate::REAL_RUN_ENABLED,
    ];
    let named = known
        .iter()
        .find(|known| known.rsplit('.').next() == Some(key));
    named.map_or(key, |known| known).to_owned()
}

const CHANGES: &[Column<GateChange>] = &[
    Column::new("CHANGED", |change| {
        Cell::plain(format_time(change.changed_at))
    }),
    Column::whole("GATE", |change| Cell::plain(&change.key)),
    Column::new("SAYS", |change| Cell::plain(&change.value)),
    Column::new("EXPIRES", |change| {
        Cell::or_dash(change.expires_at.map(format_time))
    }),
    Column::new("ACTOR", |change| Cell::plain(&change.actor)),
    Column::new("LOGIN", |change| Cell::plain(&change.recorded_by)),
    Column::new("REASON", |change| Cell::plain(&change.reason)),
];

async fn history(arguments: History, session: &mut Context) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let (changes, none) = match arguments.key.map(|key| full_key(&key)) {
        None => (
            ledger.gate_history(arguments.limit).await?,
            "no gate was ever changed: they are as shipped".to_owned(),
        ),
        Some(key) => (
            history_of(&key, arguments.limit, &ledger).await?,
            format!("the gate {key} was never changed: it is as shipped"),
        ),
    };
    session.print_list(&changes, CHANGES, none)?;
    Ok(ExitStatus::Done)
}

/// The changes of one gate, out of all: limited first, the changes of the others would push them out. People change
/// gates, so that all are not many.
async fn history_of(
    key: &str,
    limit: u32,
    ledger: &LedgerClient,
) -> Result<Vec<GateChange>, Failure> {
    if !ledger.gates().await?.iter().any(|gate| gate.key == key) {
        return Err(unknown(key));
    }
    let all = ledger.gate_history(u32::MAX).await?;
    let of_this = all.into_iter().filter(|change| change.key == key);
    Ok(of_this.take(limit as usize).collect())
}

/// As the contract refuses to change it.
fn unknown(key: &str) -> Failure {
    Failure::new(
        ExitStatus::Usage,
        "gate_unknown",
        format!("there is no gate '{key}'"),
    )
    .hint("`dotwrap gates` lists the gates")
}
