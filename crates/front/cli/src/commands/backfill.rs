//! `dotwrap backfill FILE.jsonl --source REF`.
use std::collections::HashSet;
use std::path::PathBuf;

use clap::Args;
use dotwrap_app::backend::LedgerClient;
use dotwrap_app::json_lines::{JsonLines, Scan};
use dotwrap_app::labels;
use dotwrap_wrapper::{BackfillProgress, BackfillSource};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::Value;

use super::shared::ActorArgs;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, KeyValueList};
use crate::session::Context;

/// Import evidence from elsewhere; it never counts as runtime.
///
/// One JSON object a line. dot_code, process_candidate_code and correlation_id are required; status, idempotency_key,
/// process_run_id, input_ref, output_ref, error_ref, evidence_ref, started_at and ended_at are taken; any other key is kept
/// as asserted. The whole file is judged before anything is written, and the same file twice writes nothing twice.
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

/// What a backfill did.
#[derive(Debug, Serialize)]
struct Report {
    source_ref: String,
    source_sha256: String,
    rows: u64,
    written: u64,
    already_there: u64,
}

/// Judges the file, then sends its rows in batches.
pub(crate) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let mut file = JsonLines::open(&arguments.file)?;
    let ledger = session.ledger().await?;
    let known: HashSet<String> = ledger
        .tools()
        .await?
        .into_iter()
        .map(|tool| tool.dot_code.to_string())
        .collect();
    let survey = file.survey(|row| judge(row, &known))?;
    let source = BackfillSource {
        source_ref: arguments.source,
        source_sha256: survey.sha256.clone(),
    };
    let progress = bar(session, survey.lines.len());
    let done = send(
        &mut file,
        &survey,
        &source,
        arguments.acting,
        &ledger,
        session,
        &progress,
    )
    .await;
    progress.finish_and_clear();
    let done = done?;
    let report = Report {
        source_ref: source.source_ref,
        source_sha256: source.source_sha256,
        rows: done.rows,
        written: done.written,
        already_there: done.rows - done.written,
    };
    session.output.record(&report, drawn)?;
    Ok(ExitStatus::Done)
}

/// What can be known of a row without the database; the database judges the rest.
fn judge(row: &Value, known: &HashSet<String>) -> Result<(), String> {
    for key in ["dot_code", "process_candidate_code", "correlation_id"] {
        let text = row.get(key).and_then(Value::as_str).unwrap_or_default();
        if text.trim().is_empty() {
            return Err(format!("{key} is missing"));
        }
    }
    match row["dot_code"].as_str() {
        Some(code) if !known.contains(code) => Err(format!("there is no DOT '{code}'")),
        _ => Ok(()),
    }
}

fn bar(session: &Context, rows: usize) -> ProgressBar {
    if !session.messages.may_draw_progress() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} rows, {per_sec}, {eta} left");
    ProgressBar::new(rows as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

async fn send(
    file: &mut JsonLines,
    survey: &Scan,
    source: &BackfillSource,
    acting: ActorArgs,
    ledger: &LedgerClient,
    session: &Context,
    bar: &ProgressBar,
) -> Result<BackfillProgress, Failure> {
    let mut backfill = ledger.backfill(source.clone(), Some(session.actor(acting)));
    let mut taken = 0;
    for row in file.rows()? {
        let sent = backfill.progress().rows;
        backfill
            .push(row?)
            .await
            .map_err(|error| in_batch(error, sent, taken, survey))?;
        taken += 1;
        bar.set_position(backfill.progress().rows);
    }
    let sent = backfill.progress().rows;
    backfill
        .finish()
        .await
        .map_err(|error| in_batch(error, sent, taken, survey))
}

/// Names the lines of the batch that was refused, and says what stands already.
fn in_batch(error: dotwrap_wrapper::Error, sent: u64, taken: u64, survey: &Scan) -> Failure {
    let line = |row: u64| {
        usize::try_from(row)
            .ok()
            .and_then(|row| survey.lines.get(row))
            .copied()
            .unwrap_or_default()
    };
    let mut failure = Failure::from(error);
    let place = match failure.detail.get("row").and_then(Value::as_u64) {
        Some(row) => format!("line {}", line(sent + row.saturating_sub(1))),
        None => format!("lines {} to {}", line(sent), line(taken.saturating_sub(1))),
    };
    // The database counts within the batch, which means nothing to the owner of the file.
    let reason = failure
        .message
        .split_once(": ")
        .filter(|(row, _)| row.starts_with("row "))
        .map_or(&*failure.message, |(_, reason)| reason);
    failure.message = format!("{place}: {reason}");
    if sent > 0 {
        let stands = format!(
            "the rows up to line {} are recorded under this file's digest, which changes when the file does: rows with an \
             idempotency_key can be sent again in a mended file, others would be recorded twice",
            line(sent - 1)
        );
        failure.hint = Some(
            failure
                .hint
                .map_or(stands.clone(), |hint| format!("{hint}\n{stands}")),
        );
    }
    failure
}

fn drawn(report: &Report) -> String {
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
