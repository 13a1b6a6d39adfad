//! A gate that closes while a tool runs: the call is stopped, and the ledger keeps a receipt of the stop.

use std::time::{Duration, Instant};

use dotwrap_invoke::Mode;
use dotwrap_runner::{Progress, Step};
use dotwrap_wrapper::{DotCode, gate};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::executing::{drawn, not_here};
use crate::catalogue::{Beside, Catalogue, CatalogueFormat};
use crate::demo::narrator::Narrator;
use crate::demo::stage::Stage;
use crate::demo::workshop::Tried;
use crate::failure::Failure;

const SLEEPER: &str = "DOT_DEMO_SLEEP";

/// The tool is left alone for so long, so that it is running when it is stopped.
const LEFT_ALONE: Duration = Duration::from_millis(500);

/// Tells when the tool is called.
#[derive(Default)]
struct Told(Notify);

impl Progress for Told {
    fn step(&self, step: Step<'_>) {
        if let Step::Calling { .. } = step {
            self.0.notify_one();
        }
    }
}

/// Calls a tool that would take half a minute, and closes a gate meanwhile.
pub(in crate::demo) async fn stop(
    stage: &mut Stage,
    narrator: &mut Narrator<'_>,
) -> Result<Value, Failure> {
    Catalogue::read(
        include_str!("../sleeper.toml"),
        CatalogueFormat::Toml,
        "demo/sleeper.toml",
        &Beside::Nowhere,
    )?
    .register(&stage.wrapper, None)
    .await?;
    narrator.says("a tool that would sleep for half a minute is called, and meanwhile:")?;
    narrator.command("gates close real_run_enabled --reason …")?;
    let workshop = &stage.workshop;
    let (told, sleeper) = (Told::default(), DotCode::new(SLEEPER));
    workshop.declare(&sleeper).await?;
    let run = workshop.run(&sleeper, None, Mode::RealRun, &told);
    tokio::pin!(run);
    let tried = tokio::select! {
        refused = &mut run => refused?,
        () = told.0.notified() => {
            let close = async {
                tokio::time::sleep(LEFT_ALONE).await;
                workshop.set_gate(gate::REAL_RUN_ENABLED, false, "to see a call stopped").await?;
                Ok::<_, Failure>(Instant::now())
            };
            let (tried, closed) = tokio::join!(run, close);
            let took = closed?.elapsed();
            narrator.says(&format!("{} ms later the run was over and on record", took.as_millis()))?;
            tried?
        }
    };
    let story = match tried {
        Tried::Ran(story) => story,
        Tried::NotHere(failure) => return not_here(narrator, &failure),
    };
    narrator.shows(&drawn(&story))?;
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
            narrator.says(&format!("{what}: {line}"))?;
        }
    }
    Ok(json!({
        "process_run_id": story.run.process_run_id,
        "status": story.run.status,
        "error_ref": story.run.error_ref,
        "stop": stop,
    }))
}

/// Closes the gates, and says so.
pub(in crate::demo) async fn close(
    stage: &mut Stage,
    narrator: &mut Narrator<'_>,
) -> Result<Value, Failure> {
    stage.workshop.close_gates().await?;
    let posture = stage.wrapper.posture().await?;
    narrator.says(&format!(
        "posture {}: {}",
        crate::badges::posture(posture),
        crate::badges::posture_meaning(posture)
    ))?;
    narrator.command("gates history")?;
    Ok(json!({ "posture": posture }))
}
