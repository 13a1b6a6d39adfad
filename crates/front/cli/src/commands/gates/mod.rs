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
    /// Stop the runs that are under way when the time is over; otherwise they finish, and no other begins
    #[arg(long, conflicts_with = "without_end")]
    stop_at_end: bool,
    #[command(flatten)]
    change: Change,
}

/// Close a gate.
///
/// Runs that are under way are stopped: their tools get SIGTERM within a second, and the grace of their contract. A run
/// that was stopped does not go on when the gate is opened again.
#[derive(Debug, Args)]
pub(crate) struct Close {
    /// The gate's key, or its last part
    #[arg(value_name = "KEY")]
    key: String,
    /// Only keep new runs out: those that are under way finish, verifier included
    #[arg(long, conflicts_with = "now")]
    let_finish: bool,
    /// Stop at once: tools get 300 ms from SIGTERM to SIGKILL, whatever their contracts say
    #[arg(long)]
    now: bool,
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
        Command::Open(open) => open_gate(open, session).await,
        Command::Close(close) => shut_gate(close, session).await,
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
        (true, _) if gate.stop_at_end => {
            Cell::toned("open: its end stops runs", CellStyle::Caution)
        }
        (true, _) => Cell::toned("open", CellStyle::Caution),
        (false, _) if gate.let_finish => Cell::toned("closed: runs finish", CellStyle::Good),
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
    stop_at_end: bool,
    let_finish: bool,
    stop_now: bool,
}

async fn open_gate(open: Open, session: &mut Context) -> Result<ExitStatus, Failure> {
    let key = full_key(&open.key);
    let mut setting = setting(&key, true, open.change, session).stop_at_end(open.stop_at_end);
    if let Some(lasting) = open.duration {
        setting = setting.lasting(lasting.unsigned_abs());
    }
    let posture = session.ledger().await?.set_gate(&setting).await?;
    let consequence = match (open.duration, open.stop_at_end) {
        (Some(_), true) => "; its end stops the runs that are under way then",
        _ => "",
    };
    session.messages.note(format!(
        "{key} says {} now; the posture is {posture}{consequence}",
        setting.value()
    ));
    session.output.change(&Changed {
        key,
        value: setting.value().to_owned(),
        open: true,
        lasting: open.duration,
        posture,
        stop_at_end: open.stop_at_end,
        let_finish: false,
        stop_now: false,
    })?;
    Ok(ExitStatus::Done)
}

async fn shut_gate(close: Close, session: &mut Context) -> Result<ExitStatus, Failure> {
    let key = full_key(&close.key);
    let setting = setting(&key, false, close.change, session)
        .let_finish(close.let_finish)
        .stop_now(close.now);
    let posture = close_gate(session.backend(), &key, &setting).await?;
    let consequence = if close.let_finish {
        "; runs that are under way finish"
    } else {
        ""
    };
    session.messages.note(format!(
        "{key} says {} now; the posture is {posture}{consequence}",
        setting.value()
    ));
    session.output.change(&Changed {
        key,
        value: setting.value().to_owned(),
        open: false,
        lasting: None,
        posture,
        stop_at_end: false,
        let_finish: close.let_finish,
        stop_now: close.now,
    })?;
    Ok(ExitStatus::Done)
}

/// A brake is open when it says `false`; every other gate when it says `true`.
fn setting(key: &str, open: bool, change: Change, session: &Context) -> GateSetting {
    let says = open != (key == gate::DRY_RUN_ONLY);
    GateSetting::new(key, says, change.reason).actor(session.actor(change.acting))
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

/// What the change means for the runs that are under way, where it says something of it.
fn of_runs(change: &GateChange) -> Option<&'static str> {
    match (change.stop_at_end, change.let_finish, change.stop_now) {
        (true, _, _) => Some("stop at its end"),
        (_, true, _) => Some("finish"),
        (_, _, true) => Some("stop now"),
        _ => None,
    }
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
    Column::new("RUNS", |change| Cell::or_dash(of_runs(change))),
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
