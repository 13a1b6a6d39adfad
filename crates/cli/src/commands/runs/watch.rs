//! `dotwrap runs watch`.

use std::collections::HashSet;
use std::time::Duration;

use clap::Args;
use dotwrap_wrapper::{ProcessRunId, Run, RunFilter, StoredStatus};

use super::filter::Filter;
use super::show::{find, story};
use crate::badges;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, Tone, moment};
use crate::session::{Ledger, Session};
use crate::timeline::RunStory;

/// Follow the runs as they are recorded, until interrupted.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Follow this one run until it has ended
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
    session: &mut Session,
) -> Result<ExitStatus, Failure> {
    let pause = Duration::try_from_secs_f64(arguments.every.max(0.1))
        .map_err(|error| Failure::usage(format!("--every: {error}")))?;
    let ledger = session.ledger().await?;
    match arguments.run {
        Some(name) => watch_one(&name, &ledger, pause, session).await,
        None => watch_all(arguments.filter.described(), &ledger, pause, session).await,
    }
}

/// Draws the run anew whenever something was added to it, until it has ended.
async fn watch_one(
    name: &str,
    ledger: &Ledger,
    pause: Duration,
    session: &mut Session,
) -> Result<ExitStatus, Failure> {
    let mut run = find(name, ledger).await?;
    // `last` means the run that was the last one when the watch began.
    let id = run.process_run_id.to_string();
    let mut shown = None;
    loop {
        let story = story(run, ledger).await?;
        let state = (story.run.status, story.components.len(), story.events.len());
        if shown.replace(state) != Some(state) {
            session.output.record(&story, RunStory::draw)?;
        }
        if let Some(status) = ended(story.run.status) {
            return Ok(status);
        }
        tokio::time::sleep(pause).await;
        run = find(&id, ledger).await?;
    }
}

/// How the watch ends, once the run has.
fn ended(status: StoredStatus) -> Option<ExitStatus> {
    match status {
        StoredStatus::Observed | StoredStatus::Started | StoredStatus::StepStarted => None,
        StoredStatus::Failed | StoredStatus::Stuck | StoredStatus::Orphan => {
            Some(ExitStatus::Failed)
        }
        _ => Some(ExitStatus::Done),
    }
}

/// How many runs one look takes in; what came between two looks beyond that is said to be left out.
const A_LOOK: u32 = 200;

/// Prints each run once, as soon as it is seen.
async fn watch_all(
    filter: RunFilter,
    ledger: &Ledger,
    pause: Duration,
    session: &mut Session,
) -> Result<ExitStatus, Failure> {
    session
        .messages
        .note("following the ledger; interrupt with Ctrl-C");
    let mut seen: HashSet<ProcessRunId> = HashSet::new();
    let mut first = true;
    loop {
        let page = ledger
            .runs(&filter, if first { 10 } else { A_LOOK })
            .await?;
        let fresh: Vec<&Run> = page
            .runs
            .iter()
            .rev()
            .filter(|run| !seen.contains(&run.process_run_id))
            .collect();
        if !first && page.next_page.is_some() && fresh.len() == page.runs.len() {
            session.messages.warning(format!(
                "more than {A_LOOK} runs came at once; `dotwrap runs ls` has them all"
            ));
        }
        for run in &fresh {
            session.output.record(run, |run| line(run))?;
        }
        // Only the newest page can come again.
        seen = page.runs.iter().map(|run| run.process_run_id).collect();
        first = false;
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = tokio::signal::ctrl_c() => return Ok(ExitStatus::Done),
        }
    }
}

/// One run on one line.
fn line(run: &Run) -> String {
    let producer = run
        .dot_code
        .as_ref()
        .map_or("–".to_owned(), ToString::to_string);
    format!(
        "{}  {}  {}  {}  {}",
        Cell::toned(moment(run.created_at), Tone::Faint),
        Cell::toned(run.process_run_id, Tone::Notice),
        Cell::plain(producer),
        badges::status(run.status),
        badges::evidence_word(run.evidence_type),
    )
}
