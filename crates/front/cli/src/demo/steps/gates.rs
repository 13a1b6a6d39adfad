//! GATE 1 as shipped: closed.
use dotwrap_app::labels;
use dotwrap_wrapper::Gate;
use serde_json::{Value, json};

use crate::demo::context::DemoContext;
use crate::demo::printer::DemoPrinter;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, Column};

const COLUMNS: &[Column<Gate>] = &[
    Column::whole("GATE", |gate| Cell::plain(&gate.key)),
    Column::new("SAYS", |gate| Cell::or_dash(gate.value.as_ref())),
    Column::new("STATE", |gate| {
        if gate.open {
            Cell::toned("open", CellStyle::Caution)
        } else {
            Cell::toned("closed", CellStyle::Good)
        }
    }),
];

/// Shows the posture and what it follows from.
pub(in crate::demo) async fn show(
    stage: &mut DemoContext,
    narrator: &mut DemoPrinter<'_>,
) -> Result<Value, Failure> {
    let posture = stage.wrapper.posture().await?;
    let gates = stage.wrapper.gates().await?;
    narrator.command("gates")?;
    narrator.paragraph(&format!(
        "posture {}: {}",
        Cell::from(labels::posture(posture)),
        labels::posture_meaning(posture)
    ))?;
    narrator.table(&gates, COLUMNS)?;
    let checks = stage.wrapper.preflight().await?;
    for check in &checks {
        narrator.paragraph(&format!(
            "preflight {} {}",
            Cell::from(labels::check(check.status)),
            check.check_name
        ))?;
    }
    Ok(json!({ "posture": posture, "gates": gates, "preflight": checks }))
}
