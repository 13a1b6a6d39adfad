//! Backfills a file of JSON lines: the whole file is judged before anything is written.

use std::{collections::HashSet, path::Path};

use dotwrap_wrapper::{Actor, BackfillProgress, BackfillSource};
use serde::Serialize;
use serde_json::Value;

use crate::{
    Problem,
    backend::LedgerClient,
    json_lines::{JsonLines, Scan},
};

/// What a backfill did.
#[derive(Clone, Debug, Serialize)]
pub struct BackfillReport {
    /// Where the evidence comes from.
    pub source_ref: String,
    /// The SHA-256 of the file, in lower-case hex.
    pub source_sha256: String,
    /// The rows of the file.
    pub rows: u64,
    /// Those that were written.
    pub written: u64,
    /// Those that the ledger had already.
    pub already_there: u64,
}

/// Judges the file, then sends its rows in batches. `on_progress` receives the rows that are sent, and how many there
/// are.
///
/// # Errors
/// The file cannot be read, a line is refused, or the database's. The message names the lines. Batches that were sent
/// before stay recorded, and the hint says up to which line.
pub async fn backfill(
    ledger: &LedgerClient,
    path: &Path,
    source_ref: String,
    actor: Actor,
    on_progress: impl Fn(u64, usize),
) -> Result<BackfillReport, Problem> {
    let mut file = JsonLines::open(path)?;
    let tools = ledger.tools().await?.into_iter();
    let known: HashSet<String> = tools.map(|tool| tool.dot_code.to_string()).collect();
    let scan = file.survey(|row| judge(row, &known))?;
    let source = BackfillSource {
        source_ref,
        source_sha256: scan.sha256.clone(),
    };
    let done = send(&mut file, &scan, &source, actor, ledger, on_progress).await?;
    Ok(BackfillReport {
        source_ref: source.source_ref,
        source_sha256: source.source_sha256,
        rows: done.rows,
        written: done.written,
        already_there: done.rows - done.written,
    })
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

async fn send(
    file: &mut JsonLines,
    scan: &Scan,
    source: &BackfillSource,
    actor: Actor,
    ledger: &LedgerClient,
    on_progress: impl Fn(u64, usize),
) -> Result<BackfillProgress, Problem> {
    let mut backfill = ledger.backfill(source.clone(), Some(actor));
    let mut taken = 0;
    for row in file.rows()? {
        let sent = backfill.progress().rows;
        backfill
            .push(row?)
            .await
            .map_err(|error| refused_batch(error, sent, taken, scan))?;
        taken += 1;
        on_progress(backfill.progress().rows, scan.lines.len());
    }
    let sent = backfill.progress().rows;
    backfill
        .finish()
        .await
        .map_err(|error| refused_batch(error, sent, taken, scan))
}

/// Names the lines of the batch that was refused, and says what stands already.
fn refused_batch(error: dotwrap_wrapper::Error, sent: u64, taken: u64, scan: &Scan) -> Problem {
    let line = |row: u64| {
        usize::try_from(row)
            .ok()
            .and_then(|row| scan.lines.get(row))
            .copied()
            .unwrap_or_default()
    };
    let mut problem = Problem::from(error);
    let place = match problem.detail.get("row").and_then(Value::as_u64) {
        Some(row) => format!("line {}", line(sent + row.saturating_sub(1))),
        None => format!("lines {} to {}", line(sent), line(taken.saturating_sub(1))),
    };
    // The database counts within the batch, which means nothing to the owner of the file.
    let reason = problem
        .message
        .split_once(": ")
        .filter(|(row, _)| row.starts_with("row "))
        .map_or(&*problem.message, |(_, reason)| reason);
    problem.message = format!("{place}: {reason}");
    if sent > 0 {
        let stands = format!(
            "the rows up to line {} are recorded under this file's digest, which changes when the file does: rows with an \
             idempotency_key can be sent again in a mended file, others would be recorded twice",
            line(sent - 1)
        );
        problem.hint = Some(
            problem
                .hint
                .map_or(stands.clone(), |hint| format!("{hint}\n{stands}")),
        );
    }
    problem
}
