//! `dotwrap status`.
use clap::Args;
use dotwrap_app::labels;
use dotwrap_wrapper::{DotCode, DotStatus};

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, Column};
use crate::session::Context;

/// What was observed of each DOT, and what to do next.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only this DOT
    #[arg(value_name = "DOT_CODE")]
    dot_code: Option<String>,
}

const COLUMNS: &[Column<DotStatus>] = &[
    Column::whole("DOT", |dot| Cell::code(&dot.dot_code)),
    Column::new("ENGINE", |dot| Cell::plain(&dot.engine)),
    Column::whole("BADGE", |dot| {
        Cell::from(labels::wrapper_status(
            dot.wrapper_status,
            dot.dry_run_ready,
        ))
    }),
    Column::whole("STATUS", |dot| Cell::plain(dot.wrapper_status)),
    Column::new("LAST EVIDENCE", |dot| {
        dot.last_observation_type.map_or_else(
            || Cell::or_dash(None::<&str>),
            |kind| Cell::from(labels::evidence_word(kind)),
        )
    }),
    Column::new("NEXT", |dot| Cell::plain(&dot.next_action)),
];

/// Lists the rows of `v_process_dot_wrapper_status`.
pub(crate) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let dots = match arguments.dot_code.map(DotCode::new) {
        None => ledger.dot_statuses().await?,
        Some(code) => vec![
            ledger
                .dot_status(&code)
                .await?
                .ok_or_else(|| super::unknown_dot(&code))?,
        ],
    };
    session.print_list(
        &dots,
        COLUMNS,
        "no DOT is registered; try `dotwrap tools import --sample`",
    )?;
    Ok(ExitStatus::Done)
}
