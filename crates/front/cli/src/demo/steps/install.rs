//! Tools may be called, for minutes: the gates are opened, and a pair is chosen whose programs are there.
use dotwrap_app::labels;
use serde_json::{Value, json};

use crate::demo::context::DemoContext;
use crate::demo::printer::DemoPrinter;
use crate::failure::Failure;
use crate::output::Cell;
use crate::signals::interrupt_on_signals;

/// Opens the gates of the demonstration's schema.
pub(in crate::demo) async fn open(
    stage: &mut DemoContext,
    narrator: &mut DemoPrinter<'_>,
) -> Result<Value, Failure> {
    let workshop = &mut stage.workshop;
    workshop.create_inputs()?;
    workshop.interrupt = interrupt_on_signals(stage.messages);
    narrator.command("gates open execute_enabled --for 5m --reason …")?;
    let posture = workshop.open_gates().await?;
    narrator.paragraph(
        "and the three others likewise: only in this schema, on record with actor and reason, and closed by the clock if by nobody else",
    )?;
    narrator.paragraph(&format!(
        "posture {}: {}",
        Cell::from(labels::posture(posture)),
        labels::posture_meaning(posture)
    ))?;
    let missing = workshop.choose().await?;
    for failure in &missing {
        narrator.paragraph(&format!("not here: {}", failure.message))?;
    }
    stage
        .wrapper
        .set_candidate(&workshop.candidate, Some("A demonstration"), None, None)
        .await?;
    match &workshop.pair {
        Some(pair) => {
            workshop.declare(&pair.producer).await?;
            narrator.paragraph(&format!(
                "the pair: {}, with files that were just made in {}, below called $DEMO",
                pair.producer,
                workshop.folder().display()
            ))?;
        }
        None => {
            narrator.paragraph("no pair of the sample has its programs here; nothing can be run")?
        }
    }
    let rung = workshop.rung().await?;
    narrator.paragraph(&format!(
        "its candidate: {}, new, {}",
        workshop.candidate,
        Cell::from(labels::rung(rung))
    ))?;
    if let Some(pair) = &workshop.pair {
        narrator.command(&format!(
            "candidates pair {} {}",
            workshop.candidate, pair.producer
        ))?;
        narrator.paragraph(
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
