//! `dotwrap runs ls`.

use clap::Args;
use dotwrap_wrapper::Run;

use super::filter::Filter;
use crate::commands::shared::at_least_one;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::labels;
use crate::output::{Cell, CellStyle, Column, format_time};
use crate::session::Context;

/// List the newest runs.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    filter: Filter,
    /// At most so many
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = at_least_one())]
    limit: u32,
}

const COLUMNS: &[Column<Run>] = &[
    Column::whole("RUN", |run| {
        Cell::toned(run.process_run_id, CellStyle::Notice)
    }),
    Column::new("RECORDED", |run| Cell::plain(format_time(run.created_at))),
    Column::new("PRODUCER", |run| Cell::code_or_dash(run.dot_code.as_ref())),
    Column::new("CANDIDATE", |run| Cell::code(&run.process_candidate_code)),
    Column::whole("STATUS", labels::run_status),
    Column::whole("EVIDENCE", labels::evidence_of_run),
    Column::new("CORRELATION", |run| Cell::plain(&run.correlation_id)),
];

/// Lists the newest runs.
pub(super) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let filtered = arguments.filter.leaves_out();
    let page = session
        .ledger()
        .await?
        .runs(&arguments.filter.described(), arguments.limit)
        .await?;
    if page.runs.is_empty() {
        session.messages.note(if filtered {
            "no such run; `dotwrap runs ls` without a filter lists the newest"
        } else {
            "no runs yet; try `dotwrap tools import --sample`, then `dotwrap run DOT_SHA256SUM --input release.tar`"
        });
    }
    session.output.rows(&page.runs, COLUMNS)?;
    if page.next_page.is_some() {
        session.messages.note(format!(
            "the newest {}; --limit shows more",
            page.runs.len()
        ));
    }
    Ok(ExitStatus::Done)
}
