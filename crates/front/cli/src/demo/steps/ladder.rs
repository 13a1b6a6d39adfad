//! What the record is worth: proof of the ledger's path, and no more.
use dotwrap_app::labels;
use dotwrap_wrapper::{BirthReadiness, DotStatus};
use serde_json::{Value, json};

use crate::demo::context::DemoContext;
use crate::demo::printer::DemoPrinter;
use crate::failure::Failure;
use crate::output::{Cell, Column};

const STATUS: &[Column<DotStatus>] = &[
    Column::whole("DOT", |dot| Cell::plain(&dot.dot_code)),
    Column::whole("STATUS", |dot| Cell::plain(dot.wrapper_status)),
    Column::whole("BADGE", |dot| {
        Cell::from(labels::wrapper_status(
            dot.wrapper_status,
            dot.dry_run_ready,
        ))
    }),
];

const LADDER: &[Column<BirthReadiness>] = &[
    Column::whole("CANDIDATE", |candidate| {
        Cell::plain(&candidate.process_candidate_code)
    }),
    Column::whole("RUNG", |candidate| {
        Cell::from(labels::rung(candidate.candidate_status_v3))
    }),
    Column::new("MISSING FOR THE NEXT ONE", |candidate| {
        Cell::or_dash(candidate.missing.as_ref())
    }),
];

/// Shows the pair's status, its candidate's rung, and that nothing counts as verified.
pub(in crate::demo) async fn show(
    stage: &mut DemoContext,
    narrator: &mut DemoPrinter<'_>,
) -> Result<Value, Failure> {
    let status: Vec<DotStatus> = stage
        .wrapper
        .dot_status(&stage.producer())
        .await?
        .into_iter()
        .collect();
    narrator.command("status")?;
    narrator.table(&status, STATUS)?;
    let candidates = [stage.candidate(), stage.workshop.candidate.clone()];
    let mut ladder = stage.wrapper.birth_readiness().await?;
    ladder.retain(|entry| candidates.contains(&entry.process_candidate_code));
    narrator.command("ladder")?;
    narrator.table(&ladder, LADDER)?;
    let verified = stage.wrapper.verified_candidates().await?;
    let is_verified = verified
        .iter()
        .any(|status| status.process_candidate_code == stage.workshop.candidate);
    if is_verified {
        narrator.check_passed(
            "one real run whose output its verifier passed, by receipts and digests, made a candidate verified; no simulation does, and no client can set it",
        )?;
        narrator.paragraph(labels::WHERE_TRUST_ENDS)?;
    }
    Ok(json!({ "status": status, "ladder": ladder, "verified_candidates": verified.len() }))
}
