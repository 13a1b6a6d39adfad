//! `dotwrap lease ls|release`.
use clap::{Args, Subcommand};
use dotwrap_app::labels;
use dotwrap_wrapper::{LeaseRecord, LeaseState};
use serde::Serialize;

use super::shared::ChangeArgs;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, Column, format_time};
use crate::session::Context;

/// Leases of pairs: list, release.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the leases
    Ls(List),
    /// Take a lease away from its holder
    Release(Release),
}

/// List the leases.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those that are held
    #[arg(long)]
    held: bool,
}

/// Take a lease away from its holder.
///
/// An executed run that was begun under it cannot go on: its next call is refused as lease_lost. A simulated run is
/// bound to no lease; its holder learns of it when it renews the lease or gives it back.
#[derive(Debug, Args)]
pub(crate) struct Release {
    /// The lease's name, e.g. dot_exec:DOT_SHA256SUM
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Lists leases, or takes one away.
pub(crate) async fn execute(
    command: Command,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    match command {
        Command::Ls(arguments) => list(&arguments, session).await,
        Command::Release(arguments) => release(arguments, session).await,
    }
}

const COLUMNS: &[Column<LeaseRecord>] = &[
    Column::whole("LEASE", |lease| Cell::plain(&lease.lease_name)),
    Column::new("STATE", |lease| Cell::from(labels::lease(lease.state))),
    Column::new("HOLDER", |lease| Cell::plain(&lease.lease_holder)),
    Column::new("ACQUIRED", |lease| {
        Cell::or_dash(lease.acquired_at.map(format_time))
    }),
    Column::new("EXPIRES", |lease| {
        Cell::or_dash(lease.expires_at.map(format_time))
    }),
    Column::new("RELEASED", |lease| {
        Cell::or_dash(lease.released_at.map(format_time))
    }),
    Column::new("TAKEN", |lease| Cell::plain(lease.acquisitions)),
];

async fn list(arguments: &List, session: &mut Context) -> Result<ExitStatus, Failure> {
    let mut leases = session.ledger().await?.leases().await?;
    leases.retain(|lease| !arguments.held || lease.state == LeaseState::Held);
    let none = if arguments.held {
        "nobody holds a lease"
    } else {
        "no lease was ever taken; `dotwrap run` takes one"
    };
    session.print_list(&leases, COLUMNS, none)?;
    Ok(ExitStatus::Done)
}

/// What came of taking a lease away.
#[derive(Debug, Serialize)]
struct Released {
    lease_name: String,
    /// False: nobody held it, and nothing was changed.
    taken: bool,
}

async fn release(arguments: Release, session: &mut Context) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let actor = session.actor(arguments.change.acting);
    let taken = ledger
        .force_release_lease(&arguments.name, Some(&actor), &arguments.change.reason)
        .await?;
    let name = &arguments.name;
    session.messages.note(if taken {
        format!("took {name} away from its holder")
    } else {
        format!("nobody held {name}; nothing was changed")
    });
    session.output.change(&Released {
        lease_name: arguments.name,
        taken,
    })?;
    Ok(ExitStatus::Done)
}
