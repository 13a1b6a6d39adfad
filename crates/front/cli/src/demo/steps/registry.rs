//! The registry: the sample catalogue.
use dotwrap_catalogue::sample;
use dotwrap_wrapper::{CatalogueKind, ImportAction};
use serde_json::{Value, json};

use crate::demo::context::DemoContext;
use crate::demo::printer::DemoPrinter;
use crate::failure::Failure;
use crate::output::{Cell, Column};

/// A pair as one line.
struct Pair {
    producer: String,
    verifier: String,
    engine: String,
}

const COLUMNS: &[Column<Pair>] = &[
    Column::whole("PRODUCER", |pair| Cell::plain(&pair.producer)),
    Column::whole("VERIFIER", |pair| Cell::plain(&pair.verifier)),
    Column::new("ENGINE", |pair| Cell::plain(&pair.engine)),
];

/// Imports the sample catalogue and lists its pairs from the registry.
pub(in crate::demo) async fn import(
    stage: &mut DemoContext,
    narrator: &mut DemoPrinter<'_>,
) -> Result<Value, Failure> {
    let plan = sample()?.register(&stage.wrapper, None, None).await?;
    let count = |action| plan.count(CatalogueKind::Tool, action);
    let (added, kept) = (count(ImportAction::Add), count(ImportAction::Keep));
    narrator.command("tools import --sample")?;
    narrator.paragraph(&format!("{added} tools added, {kept} kept as they are"))?;
    let pairs = pairs(stage).await?;
    narrator.table(&pairs, COLUMNS)?;
    Ok(json!({ "added": added, "kept": kept, "pairs": pairs.len() }))
}

async fn pairs(stage: &DemoContext) -> Result<Vec<Pair>, Failure> {
    let tools = stage.wrapper.tools().await?;
    let producers = tools
        .into_iter()
        .filter(|tool| tool.pair_role == Some(dotwrap_wrapper::ComponentRole::Producer));
    Ok(producers
        .map(|tool| Pair {
            producer: tool.dot_code.to_string(),
            verifier: tool
                .paired_dot
                .map(|code| code.to_string())
                .unwrap_or_default(),
            engine: tool.execution_engine,
        })
        .collect())
}
