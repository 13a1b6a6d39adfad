//! An executed run on a terminal.
use std::path::Path;

use dotwrap_app::labels;
use dotwrap_app::settings::Format;
use dotwrap_app::visible::shown;
use dotwrap_wrapper::EvidenceType;

use super::executed::{Executed, Part};
use crate::commands::runs::transcript::Transcript;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, KeyValueList};
use crate::session::Context;

/// How many lines of standard error are shown of a call that failed.
const LAST_LINES: usize = 10;

/// Shows people the end of what a failed call printed on standard error.
pub(super) fn print_last_lines(record: &Executed, session: &mut Context) -> Result<(), Failure> {
    let parts = [&record.producer, &record.verifier];
    let failed = parts
        .into_iter()
        .flatten()
        .find(|part| part.failure.is_some());
    let file = failed.and_then(|part| part.stderr.as_deref());
    let Some(file) = file.filter(|_| session.output.format() == Format::Table) else {
        return Ok(());
    };
    // Where it cannot be read, its path is shown all the same.
    let Ok((_, tail)) = Transcript::open(Path::new(file), LAST_LINES) else {
        return Ok(());
    };
    let lines = tail.lines().map(|line| format!("    {}\n", shown(line)));
    let lines: String = lines.collect();
    session
        .output
        .verbatim(&format!("  its last lines on standard error:\n{lines}"))
}

fn digest_of(part: &Part) -> Option<String> {
    let is_reference = part.output_kind.as_deref() == Some("reference");
    let digest = part.output_digest.as_ref()?;
    Some(labels::digest(digest, is_reference).text)
}

/// The record in lines.
pub(super) fn drawn(record: &Executed) -> String {
    let mut headline = record.headline();
    if !record.created {
        headline += " (recorded before under this key; nothing was called)";
    }
    let style = match (record.exit_status(), record.mode) {
        (ExitStatus::Done, EvidenceType::RealRun) => CellStyle::Good,
        (ExitStatus::Done, _) | (ExitStatus::LeaseHeld, _) => CellStyle::Strong,
        _ => CellStyle::Bad,
    };
    let part = |part: &Option<Part>| match part {
        Some(part) => Cell::plain(format!(
            "{}  {}  {}",
            part.dot_code, part.status, part.evidence_type
        )),
        None => Cell::or_dash(None::<&str>),
    };
    let failed = |part: &Option<Part>| {
        let part = part.as_ref().filter(|part| part.failure.is_some())?;
        Some((part.failure.clone()?, part.stderr.clone()))
    };
    let (why, stderr) = failed(&record.producer)
        .or_else(|| failed(&record.verifier))
        .unzip();
    let output = record.producer.as_ref();
    let sheet = KeyValueList::default()
        .line("run", Cell::toned(record.process_run_id, CellStyle::Notice))
        .line("candidate", Cell::code(&record.process_candidate_code))
        .line("correlation", Cell::plain(&record.correlation_id))
        .line("producer", part(&record.producer))
        .line("verifier", part(&record.verifier))
        .line_if_some(
            "attempt",
            Some(record.attempt).filter(|attempt| *attempt > 1),
        )
        .line("status", Cell::from(labels::status(record.status)))
        .line("verdict", Cell::from(labels::verdict(record.verdict)))
        .line_if_some("output", output.and_then(|part| part.output_ref.as_ref()))
        .line_if_some(
            "refers to",
            output.and_then(|part| labels::reference_fields(&part.output_fields)),
        )
        .line_if_some("digest", output.and_then(digest_of))
        .line_if_some(
            "output now",
            labels::output_state(
                record.output_state.as_deref(),
                record.output_moved_to.as_deref(),
            ),
        )
        .line_if_some("error", record.error_ref.as_ref())
        .line_if_some("why", why.or_else(|| record.pretended()))
        .line_if_some("stderr", stderr.flatten())
        .line_if_some(
            "folder",
            record.folder.as_ref().map(|folder| folder.display()),
        );
    format!("{}\n{}", Cell::toned(headline, style), sheet.draw(2))
}
