//! GATE 1 as shipped: closed.

use dotwrap_wrapper::Gate;
use serde_json::{Value, json};

use crate::badges;
use crate::demo::narrator::Narrator;
use crate::demo::stage::Stage;
use crate::failure::Failure;
use crate::output::{Cell, Column, Tone};

const COLUMNS: &[Column<Gate>] = &[
    Column::whole("GATE", |gate| Cell::plain(&gate.key)),
    Column::new("SAYS", |gate| Cell::or_dash(gate.value.as_ref())),
    Column::new("STATE", |gate| {
        if gate.open {
            Cell::toned("open", Tone::Caution)
        } else {
            Cell::toned("closed", Tone::Good)
        }
    }),
];

/// Shows the posture and what it follows from.
pub(in crate::demo) async fn show(
    stage: &mut Stage,
    narrator: &mut Narrator<'_>,
) -> Result<Value, Failure> {
    let posture = stage.wrapper.posture().await?;
    let gates = stage.wrapper.gates().await?;
    narrator.command("gates")?;
    narrator.says(&format!(
        "posture {}: {}",
        badges::posture(posture),
        badges::posture_meaning(posture)
    ))?;
    narrator.table(&gates, COLUMNS)?;
    let checks = stage.wrapper.preflight().await?;
    for check in &checks {
        narrator.says(&format!(
            "preflight {} {}",
            badges::check(check.status),
            check.check_name
        ))?;
    }
    Ok(json!({ "posture": posture, "gates": gates, "preflight": checks }))
}
