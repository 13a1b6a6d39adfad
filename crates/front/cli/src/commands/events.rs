//! `dotwrap events ls|activate|deactivate`.
use clap::{Args, Subcommand};
use dotwrap_wrapper::{Event, EventType};
use serde::Serialize;

use super::shared::{ChangeArgs, at_least_one};
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, Column, format_time};
use crate::session::Context;

/// The event types and the outbox.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the event types
    Ls,
    /// List what is in the outbox
    Outbox(Outbox),
    /// From now on write events of a type
    Activate(Switch),
    /// From now on write no events of a type
    Deactivate(Switch),
}

/// List what is in the outbox.
#[derive(Debug, Args)]
pub(crate) struct Outbox {
    /// Maximum number of rows, the newest first
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = at_least_one())]
    limit: u32,
}

/// Switch an event type.
#[derive(Debug, Args)]
pub(crate) struct Switch {
    /// The event type, e.g. process.run.completed
    #[arg(value_name = "EVENT_TYPE")]
    event_type: String,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Lists or switches event types, or lists the outbox.
pub(crate) async fn execute(
    command: Command,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    match command {
        Command::Ls => list(session).await,
        Command::Outbox(arguments) => outbox(&arguments, session).await,
        Command::Activate(arguments) => switch(arguments, true, session).await,
        Command::Deactivate(arguments) => switch(arguments, false, session).await,
    }
}

const TYPES: &[Column<EventType>] = &[
    Column::whole("EVENT TYPE", |kind| Cell::plain(&kind.event_type)),
    Column::new("ACTIVE", |kind| {
        if kind.active {
            Cell::toned("active", CellStyle::Good)
        } else {
            Cell::toned("inactive", CellStyle::Faint)
        }
    }),
    Column::new("STREAM", |kind| Cell::plain(&kind.stream)),
    Column::new("LANE", |kind| Cell::plain(&kind.lane)),
    Column::new("SEVERITY", |kind| Cell::plain(&kind.severity)),
    Column::new("DESCRIPTION", |kind| Cell::plain(&kind.description)),
];

async fn list(session: &mut Context) -> Result<ExitStatus, Failure> {
    let types = session.ledger().await?.event_types().await?;
    session.output.rows(&types, TYPES)?;
    Ok(ExitStatus::Done)
}

const EVENTS: &[Column<Event>] = &[
    Column::new("OCCURRED", |event| {
        Cell::plain(format_time(event.occurred_at))
    }),
    Column::whole("EVENT TYPE", |event| Cell::plain(&event.event_type)),
    Column::whole("RUN", |event| Cell::plain(event.process_run_id)),
    Column::new("CORRELATION", |event| Cell::plain(&event.correlation_id)),
];

async fn outbox(arguments: &Outbox, session: &mut Context) -> Result<ExitStatus, Failure> {
    let events = session.ledger().await?.events(arguments.limit).await?;
    session.print_list(
        &events,
        EVENTS,
        "the outbox is empty; events are written where their type is active: `dotwrap events ls`",
    )?;
    Ok(ExitStatus::Done)
}

/// What a type is from now on.
#[derive(Debug, Serialize)]
struct Switched {
    event_type: String,
    active: bool,
    /// False: it was so already.
    changed: bool,
}

async fn switch(
    arguments: Switch,
    active: bool,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let actor = session.actor(arguments.change.acting);
    let kind = &arguments.event_type;
    let changed = ledger
        .set_event_type_active(kind, active, Some(&actor), &arguments.change.reason)
        .await?;
    let state = if active { "active" } else { "inactive" };
    session.messages.note(if changed {
        format!("{kind} is {state} from now on")
    } else {
        format!("{kind} was {state} already")
    });
    session.output.change(&Switched {
        event_type: arguments.event_type,
        active,
        changed,
    })?;
    Ok(ExitStatus::Done)
}
