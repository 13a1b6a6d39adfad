//! Tools may be called, for minutes: the gates are opened, and a pair is chosen whose programs are there.

use serde_json::{Value, json};

use crate::badges;
use crate::commands::hear_signals;
use crate::demo::narrator::Narrator;
use crate::demo::stage::Stage;
use crate::failure::Failure;

/// Opens the gates of the demonstration's schema.
pub(in crate::demo) async fn open(
    stage: &mut Stage,
    narrator: &mut Narrator<'_>,
) -> Result<Value, Failure> {
    let workshop = &mut stage.workshop;
    workshop.furnish()?;
    workshop.interrupt = hear_signals(stage.messages);
    narrator.command("gates open execute_enabled --for 5m --reason …")?;
    let posture = workshop.open_gates().await?;
    narrator.says(
        "and the three others likewise: only in this schema, on record with actor and reason, and closed by the clock if by nobody else",
    )?;
    narrator.says(&format!(
        "posture {}: {}",
        badges::posture(posture),
        badges::posture_meaning(posture)
    ))?;
    let missing = workshop.choose().await?;
    for failure in &missing {
        narrator.says(&format!("not here: {}", failure.message))?;
    }
    stage
        .wrapper
        .set_candidate(&workshop.candidate, Some("A demonstration"), None, None)
        .await?;
    match &workshop.pair {
        Some(pair) => {
            workshop.declare(&pair.producer).await?;
            narrator.says(&format!(
                "the pair: {}, with files that were just made in {}, below called $DEMO",
                pair.producer,
                workshop.folder().display()
            ))?;
        }
        None => narrator.says("no pair of the sample has its programs here; nothing can be run")?,
    }
    let rung = workshop.rung().await?;
    narrator.says(&format!(
        "its candidate: {}, new, {}",
        workshop.candidate,
        badges::rung(rung)
    ))?;
    if let Some(pair) = &workshop.pair {
        narrator.command(&format!(
            "candidates pair {} {}",
            workshop.candidate, pair.producer
        ))?;
        narrator.says(
            "only real runs of a declared producer count for a candidate; others are refused",
        )?;
    }
    Ok(json!({
        "posture": posture,
        "producer": workshop.pair.as_ref().map(|pair| &pair.producer),
        "process_candidate_code": workshop.candidate,
        "rung": rung,
        "missing": missing.iter().map(|failure| &failure.message).collect::<Vec<_>>(),
    }))
}
