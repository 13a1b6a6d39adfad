//! `dotwrap runs show`.
use clap::Args;
use dotwrap_app::backend::LedgerClient;
use dotwrap_app::run_detail::RunDetail;
use dotwrap_wrapper::{CorrelationId, ProcessRunId, Run, RunFilter};

use crate::commands::id_prefix::{IdPrefix, MAX_CANDIDATES};
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::run_drawing;
use crate::session::Context;

/// Show one run as a timeline of its layers.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The run's id or an unambiguous beginning of it, or its correlation; `last` is the newest run
    #[arg(value_name = "RUN")]
    run: String,
}

/// Shows a run.
pub(super) async fn execute(
    arguments: &Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let run = find(&arguments.run, &ledger).await?;
    let story = RunDetail::load(run, &ledger).await?;
    session.output.record(&story, run_drawing::draw)?;
    Ok(ExitStatus::Done)
}

/// A run by its id, by its correlation, by the beginning of its id, or the newest.
pub(super) async fn find(name: &str, ledger: &LedgerClient) -> Result<Run, Failure> {
    if name == "last" {
        let page = ledger.runs(&RunFilter::default(), 1).await?;
        return page
            .runs
            .into_iter()
            .next()
            .ok_or_else(|| not_found("there is no run yet"));
    }
    if let Ok(id) = name.parse::<ProcessRunId>()
        && let Some(run) = ledger.run(id).await?
    {
        return Ok(run);
    }
    let mut runs = ledger
        .runs_of_correlation(&CorrelationId::new(name))
        .await?;
    match (runs.pop(), runs.len()) {
        (Some(run), 0) => Ok(run),
        (Some(_), others) => Err(not_found(&format!(
            "{} runs bear the correlation {name}",
            others + 1
        ))
        .hint(format!(
            "`dotwrap runs ls --correlation '{name}'` lists them; name one by its id"
        ))),
        (None, _) => of_prefix(name, ledger).await?.ok_or_else(|| {
            not_found(&format!(
                "there is no run with the id or the correlation {name}"
            ))
        }),
    }
}

/// The only run whose id begins so.
async fn of_prefix(name: &str, ledger: &LedgerClient) -> Result<Option<Run>, Failure> {
    let Ok(prefix) = name.parse::<IdPrefix>() else {
        return Ok(None);
    };
    let (first, last) = prefix.bounds();
    let runs = ledger
        .runs_between(first.into(), last.into(), MAX_CANDIDATES + 1)
        .await?;
    prefix.only_one(runs, "run_unknown", |run| run.process_run_id.to_string())
}

fn not_found(message: &str) -> Failure {
    Failure::new(ExitStatus::Usage, "run_unknown", message)
        .hint("`dotwrap runs ls` lists the newest runs")
}
