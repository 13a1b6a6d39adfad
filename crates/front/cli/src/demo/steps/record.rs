//! The main job: a pair is recorded, shown layer by layer, and recorded once more under the same key.
use dotwrap_app::labels;
use dotwrap_app::run_detail::RunDetail;
use dotwrap_wrapper::{PairCall, PairRecord};
use serde_json::{Value, json};

use crate::demo::context::{CANDIDATE, DemoContext, PRODUCER};
use crate::demo::printer::DemoPrinter;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, KeyValueList};
use crate::run_drawing;

/// What the producer would be given.
const INPUT: &str = "fixture:demo-graph";

fn call(stage: &DemoContext) -> PairCall {
    PairCall::new(stage.producer(), stage.candidate())
        .idempotency_key(stage.key.clone())
        .input_ref(INPUT)
}

/// Records the pilot pair.
pub(in crate::demo) async fn record(
    stage: &mut DemoContext,
    narrator: &mut DemoPrinter<'_>,
) -> Result<Value, Failure> {
    let record = stage.wrapper.observe_pair(&call(stage)).await?;
    narrator.command(&format!(
        "run {PRODUCER} --mode simulate --candidate {CANDIDATE} --input {INPUT} --key {}",
        stage.key
    ))?;
    narrator.paragraph("gates, preflight, lease, header, producer, verifier, events and release: one call, one transaction")?;
    narrator.output(&drawn(&record))?;
    let found = json!(record);
    stage.record = Some(record);
    Ok(found)
}

fn drawn(record: &PairRecord) -> String {
    KeyValueList::default()
        .line("run", Cell::toned(record.process_run_id, CellStyle::Notice))
        .line("producer", Cell::or_dash(record.producer_component_run_id))
        .line("verifier", Cell::or_dash(record.verifier_component_run_id))
        .line("correlation", Cell::plain(&record.correlation_id))
        .line("status", Cell::from(labels::status(record.status)))
        .line(
            "evidence",
            Cell::from(labels::evidence(record.evidence_type)),
        )
        .draw(0)
}

/// Reads the run back and draws its timeline.
pub(in crate::demo) async fn layers(
    stage: &mut DemoContext,
    narrator: &mut DemoPrinter<'_>,
) -> Result<Value, Failure> {
    let id = stage.recorded()?.process_run_id;
    let run = stage.wrapper.run(id).await?.ok_or_else(|| {
        Failure::internal(format!("the run {id} that was just recorded is not there"))
    })?;
    let story = RunDetail::load(run, &stage.wrapper).await?;
    narrator.command(&format!("runs show {id}"))?;
    narrator.output(&run_drawing::draw(&story))?;
    Ok(json!(story))
}

/// Makes the very same call once more.
pub(in crate::demo) async fn again(
    stage: &mut DemoContext,
    narrator: &mut DemoPrinter<'_>,
) -> Result<Value, Failure> {
    let second = stage.wrapper.observe_pair(&call(stage)).await?;
    let first = stage.recorded()?;
    let same = first.process_run_id == second.process_run_id
        && first.producer_component_run_id == second.producer_component_run_id
        && first.verifier_component_run_id == second.verifier_component_run_id;
    if !same || second.created {
        return Err(Failure::internal(
            "the second call under the same key did not return the first one's ids",
        ));
    }
    narrator.check_passed(&format!(
        "run {}: the first call's ids came back, and nothing was written",
        second.process_run_id
    ))?;
    Ok(
        json!({ "process_run_id": second.process_run_id, "created": second.created, "same_ids": same }),
    )
}
