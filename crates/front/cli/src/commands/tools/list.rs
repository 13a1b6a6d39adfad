//! `dotwrap tools ls`.
use clap::Args;
use dotwrap_wrapper::{ComponentRole, Tool};

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, Column};
use crate::session::Context;

/// List the tools.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only producers
    #[arg(long)]
    producers: bool,
}

const TOOLS: &[Column<Tool>] = &[
    Column::whole("DOT", |tool| Cell::code(&tool.dot_code)),
    Column::new("TIER", |tool| Cell::plain(&tool.tier)),
    Column::new("ROLE", |tool| Cell::or_dash(tool.pair_role)),
    Column::whole("PAIR", |tool| Cell::or_dash(tool.paired_dot.as_ref())),
    Column::new("ENGINE", |tool| Cell::plain(&tool.execution_engine)),
    Column::new("OPERATION", |tool| Cell::plain(&tool.operation)),
    Column::new("NAME", |tool| Cell::plain(&tool.name)),
];

/// Lists the tools.
pub(super) async fn execute(
    arguments: &Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let mut tools = session.ledger().await?.tools().await?;
    let is_registered = !tools.is_empty();
    tools.retain(|tool| !arguments.producers || tool.pair_role == Some(ComponentRole::Producer));
    let none = if is_registered {
        "no producer is among the registered DOTs"
    } else {
        "no DOT is registered; try `dotwrap tools import --sample`"
    };
    session.print_list(&tools, TOOLS, none)?;
    Ok(ExitStatus::Done)
}
