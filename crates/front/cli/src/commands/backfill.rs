//! `dotwrap backfill FILE.jsonl --source REF`.
use std::path::PathBuf;

use clap::Args;
use dotwrap_app::backfill::{BackfillReport, backfill};
use dotwrap_app::labels;
use indicatif::{ProgressBar, ProgressStyle};

use super::shared::ActorArgs;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, KeyValueList};
use crate::session::Context;

/// Import evidence from elsewhere; it never counts as runtime.
///
/// One JSON object a line. dot_code, process_candidate_code and correlation_id are required; status, idempotency_key,
/// process_run_id, input_ref, output_ref, error_ref, evidence_ref, started_at and ended_at are taken; any other key is
/// kept as asserted. The whole file is judged before anything is written, and the same file twice writes nothing twice.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The file; `-` is standard input
    #[arg(value_name = "FILE.jsonl")]
    file: PathBuf,
    /// Where the evidence comes from: a system, a document, a ticket
    #[arg(long, value_name = "REF")]
    source: String,
    #[command(flatten)]
    acting: ActorArgs,
}

/// Judges the file, then sends its rows in batches.
pub(crate) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let actor = session.actor(arguments.acting);
    let bar = bar(session);
    let on_progress = |sent, rows| {
        bar.set_length(rows as u64);
        bar.set_position(sent);
    };
    let report = backfill(
        &ledger,
        &arguments.file,
        arguments.source,
        actor,
        on_progress,
    )
    .await;
    bar.finish_and_clear();
    session.output.record(&report?, drawn)?;
    Ok(ExitStatus::Done)
}

fn bar(session: &Context) -> ProgressBar {
    if !session.messages.may_draw_progress() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} rows, {per_sec}, {eta} left");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn drawn(report: &BackfillReport) -> String {
    let sheet = KeyValueList::default()
        .line("rows", Cell::plain(report.rows))
        .line("written", Cell::plain(report.written))
        .line("already there", Cell::plain(report.already_there))
        .line("source", Cell::plain(&report.source_ref))
        .line("sha256", Cell::plain(&report.source_sha256))
        .line(
            "evidence",
            Cell::from(labels::evidence(
                dotwrap_wrapper::EvidenceType::BackfilledEvidence,
            )),
        );
    format!(
        "{}\n{}",
        Cell::toned("backfilled", CellStyle::Strong),
        sheet.draw(2)
    )
}
