//! A gate that closes while a tool runs: the call is stopped, and the ledger keeps a receipt of the stop.
use std::time::{Duration, Instant};

use dotwrap_app::labels;
use dotwrap_catalogue::{Catalogue, CatalogueFormat, FileSource};
use dotwrap_exec::{Mode, Progress, Step};
use dotwrap_wrapper::{DotCode, gate};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::executing::{drawn, missing_program};
use crate::demo::context::DemoContext;
use crate::demo::printer::DemoPrinter;
use crate::demo::sandbox::Attempt;
use crate::failure::Failure;
use crate::output::Cell;

const SLEEP_TOOL: &str = "DOT_DEMO_SLEEP";

/// As its contract in sleeper.toml says it.
const GRACE_MS: u64 = 2000;

/// The tool is left alone for so long, so that it is running when it is stopped.
const MAX_RUNTIME: Duration = Duration::from_millis(500);

/// Tells when the tool is called.
#[derive(Default)]
struct StopRow(Notify);

impl Progress for StopRow {
    fn step(&self, step: Step<'_>) {
        if let Step::Calling { .. } = step {
            self.0.notify_one();
        }
    }
}

/// Calls a tool that would take half a minute, and closes a gate meanwhile.
pub(in crate::demo) async fn stop(
    stage: &mut DemoContext,
    narrator: &mut DemoPrinter<'_>,
) -> Result<Value, Failure> {
    Catalogue::read(
        include_str!("../sleeper.toml"),
        CatalogueFormat::Toml,
        "demo/sleeper.toml",
        &FileSource::Nowhere,
    )?
    .register(&stage.wrapper, None, None)
    .await?;
    narrator.paragraph("a tool that would sleep for half a minute is called, and meanwhile:")?;
    narrator.command("gates close real_run_enabled --reason …")?;
    let workshop = &stage.workshop;
    let (told, sleeper) = (StopRow::default(), DotCode::new(SLEEP_TOOL));
    workshop.declare(&sleeper).await?;
    let run = workshop.run(&sleeper, None, Mode::RealRun, &told);
    tokio::pin!(run);
    let tried = tokio::select! {
        refused = &mut run => refused?,
        () = told.0.notified() => {
            let close = async {
                tokio::time::sleep(MAX_RUNTIME).await;
                workshop.set_gate(gate::REAL_RUN_ENABLED, false, "to see a call stopped").await?;
                Ok::<_, Failure>(Instant::now())
            };
            let (tried, closed) = tokio::join!(run, close);
            let took = closed?.elapsed();
            narrator.paragraph(&format!("{} ms later the run was over and on record", took.as_millis()))?;
            narrator.paragraph(&format!("its contract leaves the tool {GRACE_MS} ms between SIGTERM and SIGKILL"))?;
            tried?
        }
    };
    let story = match tried {
        Attempt::Ran(story) => story,
        Attempt::NotHere(failure) => return missing_program(narrator, &failure),
    };
    narrator.output(&drawn(&story))?;
    let stop = story
        .components
        .first()
        .map(|part| &part.evidence_ref["stop"]);
    for (what, member) in [
        ("signal sent", "signals_sent"),
        ("exited", "exited"),
        ("possible effect", "possible_effects"),
    ] {
        let lines = stop.and_then(|stop| stop[member].as_array());
        for line in lines.into_iter().flatten().filter_map(Value::as_str) {
            narrator.paragraph(&format!("{what}: {line}"))?;
        }
    }
    Ok(json!({
        "process_run_id": story.run.process_run_id,
        "status": story.run.status,
        "error_ref": story.run.error_ref,
        "stop": stop,
        "stop_cause": story.run.evidence_ref["stop_cause"],
        "grace_ms": GRACE_MS,
    }))
}

/// Closes the gates, and says so.
pub(in crate::demo) async fn close(
    stage: &mut DemoContext,
    narrator: &mut DemoPrinter<'_>,
) -> Result<Value, Failure> {
    stage.workshop.close_gates().await?;
    let posture = stage.wrapper.posture().await?;
    narrator.paragraph(&format!(
        "posture {}: {}",
        Cell::from(labels::posture(posture)),
        labels::posture_meaning(posture)
    ))?;
    narrator.command("gates history")?;
    Ok(json!({ "posture": posture }))
}
