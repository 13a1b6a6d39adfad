//! `dotwrap runs ls`.
use clap::Args;
use dotwrap_app::labels;
use dotwrap_app::settings::Format;
use dotwrap_wrapper::{Run, RunCursor};

use super::filter::Filter;
use crate::commands::shared::at_least_one;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, Column, draw_table, format_minute, format_time};
use crate::session::Context;

/// List the newest runs.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    filter: Filter,
    /// Go on behind this place, which an earlier list printed
    #[arg(long, value_name = "CURSOR")]
    after: Option<RunCursor>,
    /// Maximum number of rows
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = at_least_one())]
    limit: u32,
}

/// From which width on a terminal is shown everything.
const WIDE: u16 = 180;

/// All that is known of a run at a glance, for a wide terminal.
const WIDE_COLUMNS: &[Column<Listed>] = &[
    Column::whole("RUN", |listed| {
        Cell::toned(listed.run.process_run_id, CellStyle::Notice)
    }),
    Column::whole("RECORDED", |listed| {
        Cell::plain(format_time(listed.run.created_at))
    }),
    Column::new("PRODUCER", |listed: &Listed| {
        Cell::code_or_dash(listed.run.dot_code.as_ref())
    }),
    Column::whole("STATUS", |listed| {
        Cell::from(labels::run_status(&listed.run))
    }),
    Column::whole("VERDICT", |listed| {
        Cell::from(labels::verdict_of_run(&listed.run))
    }),
    Column::whole("EVIDENCE", |listed| {
        Cell::from(labels::evidence_of_run(&listed.run))
    }),
    Column::whole("ATTEMPT", |listed| Cell::plain(listed.run.attempt)),
    Column::new("CANDIDATE", |listed: &Listed| {
        Cell::code(&listed.run.process_candidate_code)
    }),
    Column::new("INPUT", |listed: &Listed| {
        Cell::or_dash(listed.run.input_ref.as_ref())
    }),
    Column::new("CORRELATION", |listed| {
        Cell::plain(&listed.run.correlation_id)
    }),
];

/// What fits 80 columns. `runs show` takes the beginning of the id.
const COLUMNS: &[Column<Listed>] = &[
    Column::whole("RUN", |listed| {
        Cell::toned(&listed.short_id, CellStyle::Notice)
    }),
    Column::whole("RECORDED", |listed| {
        Cell::plain(format_minute(listed.run.created_at))
    }),
    Column::new("PRODUCER", |listed: &Listed| {
        Cell::code_or_dash(listed.run.dot_code.as_ref())
    })
    .at_least(13),
    Column::new("STATUS", |listed: &Listed| short_status(&listed.run)).at_least(9),
    Column::whole("VERDICT", |listed| {
        Cell::from(labels::short_verdict_of_run(&listed.run))
    }),
    Column::new("EVIDENCE", |listed: &Listed| {
        Cell::from(labels::short_evidence_of_run(&listed.run))
    })
    .at_least(9),
];

/// A run and as much of its id as tells it from the others of the list.
struct Listed {
    run: Run,
    short_id: String,
}

/// The status in one word.
fn short_status(run: &Run) -> Cell {
    let status = Cell::from(labels::run_status(run));
    match status.text.split_once(' ') {
        Some((word, _)) => Cell::toned(word, status.tone),
        None => status,
    }
}

/// How much of an id is shown at least: what it has of the time, to the millisecond.
const MIN_ID: usize = 13;

fn listed(runs: Vec<Run>) -> Vec<Listed> {
    let ids: Vec<String> = runs
        .iter()
        .map(|run| run.process_run_id.to_string())
        .collect();
    let mut sorted: Vec<&str> = ids.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    let common = |pair: &[&str]| {
        let both = pair[0].bytes().zip(pair[1].bytes());
        both.take_while(|(one, other)| one == other).count()
    };
    let needed = sorted.windows(2).map(|pair| common(pair) + 1).max();
    let length = needed.unwrap_or_default().max(MIN_ID);
    let of_run = |(run, id): (_, &String)| Listed {
        run,
        short_id: id.chars().take(length).collect(),
    };
    runs.into_iter().zip(&ids).map(of_run).collect()
}

/// Lists the newest runs.
pub(super) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let filtered = arguments.filter.leaves_out() || arguments.after.is_some();
    let mut filter = arguments.filter.described();
    filter.after = arguments.after;
    let ledger = session.ledger().await?;
    let page = ledger.runs(&filter, arguments.limit).await?;
    if page.runs.is_empty() {
        session.messages.note(if filtered {
            "no such run; `dotwrap runs ls` without a filter lists the newest"
        } else {
            "no runs yet; try `dotwrap tools import --sample`, then `dotwrap run DOT_SHA256SUM --mode simulate --input release.tar`"
        });
    }
    let count = page.runs.len();
    let has_warnings = page.runs.iter().any(|run| run.warnings > 0);
    if session.output.format() == Format::Table {
        print_table(page.runs, session)?;
    } else {
        session.output.rows::<Run>(&page.runs, &[])?;
    }
    if has_warnings && session.output.format() == Format::Table {
        session
            .messages
            .note("!: with warnings, which `dotwrap runs show` prints");
    }
    if let Some(next) = page.next_page {
        session.messages.note(format!(
            "{count} shown; --limit shows more, --after {next} shows the next"
        ));
    }
    Ok(ExitStatus::Done)
}

fn print_table(runs: Vec<Run>, session: &mut Context) -> Result<(), Failure> {
    if runs.is_empty() {
        return Ok(());
    }
    let layout = session.output.layout();
    let columns = match layout.is_at_least(WIDE) {
        true => WIDE_COLUMNS,
        false => COLUMNS,
    };
    let table = draw_table(&listed(runs), columns, layout);
    session.output.text(&table)
}
