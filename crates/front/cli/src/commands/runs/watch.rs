//! `dotwrap runs watch`.
use std::collections::HashSet;
use std::time::Duration;

use clap::Args;
use dotwrap_app::backend::LedgerClient;
use dotwrap_app::labels;
use dotwrap_app::run_detail::RunDetail;
use dotwrap_wrapper::{ProcessRunId, Run, RunFilter, StoredStatus, Verdict};
use nix::sys::signal::Signal;

use super::filter::Filter;
use super::show::find;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, format_time};
use crate::run_drawing;
use crate::session::Context;
use crate::signals::Listener;

/// Follow the runs as they are recorded, until interrupted.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Follow this one run until it has ended; named as for `runs show`
    #[arg(value_name = "RUN")]
    run: Option<String>,
    #[command(flatten)]
    filter: Filter,
    /// How often to look, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    every: f64,
}

/// Polls: a notification would need a session of its own, which a transaction-mode pooler does not give.
pub(super) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let pause = Duration::try_from_secs_f64(arguments.every.max(0.1))
        .map_err(|error| Failure::usage(format!("--every: {error}")))?;
    let ledger = session.ledger().await?;
    match arguments.run {
        Some(name) => watch_one(&name, &ledger, pause, session).await,
        None => {
            let filter = arguments.filter.described();
            let mut interrupt = Listener::of(Signal::SIGINT)
                .map_err(|error| Failure::internal(format!("Ctrl-C cannot be heard: {error}")))?;
            tokio::select! {
                // Heard from the first look to the last: what is only listened for between two looks is lost during
                // one.
                () = interrupt.heard() => Ok(ExitStatus::Done),
                ended = watch_all(filter, &ledger, pause, session) => ended,
            }
        }
    }
}

/// Draws the run anew whenever something was added to it, until it has ended. An interruption ends the program as any
/// other: 0 would say that the run is done.
async fn watch_one(
    name: &str,
    ledger: &LedgerClient,
    pause: Duration,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let mut run = find(name, ledger).await?;
    // `last` means the run that was the last one when the watch began.
    let id = run.process_run_id.to_string();
    let mut shown = None;
    loop {
        let story = RunDetail::load(run, ledger).await?;
        let (parts, receipts) = (story.components.len(), story.receipts.len());
        let state = (story.run.status, parts, receipts, story.events.len());
        if shown.replace(state) != Some(state) {
            session.output.record(&story, run_drawing::draw)?;
        }
        if let Some(status) = ended(story.run.status, story.run.verdict) {
            return Ok(status);
        }
        tokio::time::sleep(pause).await;
        run = find(&id, ledger).await?;
    }
}

/// How the watch ends, once the run has. A tool can come to its end and still have made the wrong thing: the verdict
/// counts.
fn ended(status: StoredStatus, verdict: Option<Verdict>) -> Option<ExitStatus> {
    match (status, verdict) {
        (StoredStatus::Observed | StoredStatus::Started | StoredStatus::StepStarted, _) => None,
        (StoredStatus::Failed | StoredStatus::Stuck | StoredStatus::Orphan, _)
        | (_, Some(Verdict::Fail)) => Some(ExitStatus::Failed),
        _ => Some(ExitStatus::Done),
    }
}

/// How many runs one look takes in; what came between two looks beyond that is said to be left out.
const PAGE: u32 = 200;

/// How many of the runs that were there before are shown, so that there is something to see.
const BACKLOG: usize = 10;

/// Prints each run once, as soon as it is seen; never returns but with a failure.
async fn watch_all(
    filter: RunFilter,
    ledger: &LedgerClient,
    pause: Duration,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    session
        .messages
        .note("following the ledger; interrupt with Ctrl-C");
    // As wide as every later look: what is there already must not come as new in the second.
    let before = ledger.runs(&filter, PAGE).await?.runs;
    print(before.iter().take(BACKLOG), session)?;
    let mut seen = ids(&before);
    loop {
        tokio::time::sleep(pause).await;
        let page = ledger.runs(&filter, PAGE).await?;
        let is_fresh = |run: &&Run| !seen.contains(&run.process_run_id);
        if page.next_page.is_some() && page.runs.iter().all(|run| is_fresh(&run)) {
            session.messages.warning(format!(
                "more than {PAGE} runs came at once; `dotwrap runs ls` has them all"
            ));
        }
        print(page.runs.iter().filter(is_fresh), session)?;
        // Only the newest page can come again.
        seen = ids(&page.runs);
    }
}

fn ids(runs: &[Run]) -> HashSet<ProcessRunId> {
    runs.iter().map(|run| run.process_run_id).collect()
}

/// Prints runs that come newest first, the oldest first.
fn print<'a>(
    runs: impl DoubleEndedIterator<Item = &'a Run>,
    session: &mut Context,
) -> Result<(), Failure> {
    runs.rev()
        .try_for_each(|run| session.output.record(run, line))
}

/// One run on one line.
fn line(run: &Run) -> String {
    let producer = run
        .dot_code
        .as_ref()
        .map_or("–".to_owned(), ToString::to_string);
    format!(
        "{}  {}  {}  {}  {}",
        Cell::toned(format_time(run.created_at), CellStyle::Faint),
        Cell::toned(run.process_run_id, CellStyle::Notice),
        Cell::plain(producer),
        Cell::from(labels::run_status(run)),
        Cell::from(labels::evidence_of_run(run)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_whose_verdict_is_fail_ends_the_watch_as_a_failed_one_does() {
        use StoredStatus::{Completed, Failed, Started};
        assert_eq!(ended(Started, None), None);
        assert_eq!(ended(Failed, None), Some(ExitStatus::Failed));
        assert_eq!(ended(Completed, None), Some(ExitStatus::Done));
        assert_eq!(
            ended(Completed, Some(Verdict::Pass)),
            Some(ExitStatus::Done)
        );
        assert_eq!(
            ended(Completed, Some(Verdict::Fail)),
            Some(ExitStatus::Failed)
        );
    }
}
