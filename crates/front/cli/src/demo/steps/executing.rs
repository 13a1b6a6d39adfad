//! A real pair: recorded without a call, called in its dry form, caught when somebody changes the output, and called
//! for real.
use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Mutex;

use dotwrap_app::labels;
use dotwrap_app::run_detail::RunDetail;
use dotwrap_exec::{Mode, NoProgress, Progress, Step};
use dotwrap_wrapper::{ComponentRole, PairCall};
use serde_json::{Value, json};

use crate::demo::context::DemoContext;
use crate::demo::printer::DemoPrinter;
use crate::demo::sandbox::Attempt;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, KeyValueList};

/// Records the pair without calling anything.
pub(in crate::demo) async fn simulate(
    stage: &mut DemoContext,
    narrator: &mut DemoPrinter<'_>,
) -> Result<Value, Failure> {
    let Some(pair) = stage.workshop.pair.clone() else {
        return skipped(narrator);
    };
    let candidate = stage.workshop.candidate.clone();
    narrator.command(&format!(
        "run {} --mode simulate --candidate {candidate}",
        pair.producer
    ))?;
    let call = PairCall::new(pair.producer, candidate);
    let record = match stage.wrapper.observe_pair(&call).await {
        Ok(record) => record,
        Err(error) if error.refusal().is_some() => return missing_program(narrator, &error.into()),
        Err(error) => return Err(error.into()),
    };
    narrator.paragraph(&format!(
        "{}: recorded as what it is, {}",
        record.process_run_id,
        Cell::from(labels::evidence_word(record.evidence_type))
    ))?;
    let rung = says_rung(stage, narrator).await?;
    Ok(json!({ "process_run_id": record.process_run_id, "rung": rung }))
}

/// Calls the pair in its dry form.
pub(in crate::demo) async fn dry_run(
    stage: &mut DemoContext,
    narrator: &mut DemoPrinter<'_>,
) -> Result<Value, Failure> {
    let note = "the receipt is committed before the call, the output's digest before the verifier sees it; a dry run may write nowhere but in its own folder, as far as the kernel enforces that";
    run(stage, narrator, Mode::DryRun, Some(note), &NoProgress).await
}

/// Calls it for real, and changes the output behind the producer's back.
pub(in crate::demo) async fn tampered(
    stage: &mut DemoContext,
    narrator: &mut DemoPrinter<'_>,
) -> Result<Value, Failure> {
    let note = "and this time somebody (this demonstration) flips a bit of the output when the producer has ended, before the verifier is called";
    let tamper = Tamper::default();
    let found = run(stage, narrator, Mode::RealRun, Some(note), &tamper).await?;
    if let Some(error) = tamper.failed() {
        return Err(Failure::internal(format!(
            "no bit could be flipped: {error}"
        )));
    }
    match found["verdict"].as_str() {
        Some("pass") => Err(Failure::internal(
            "an output that was changed behind the producer passed",
        )),
        Some(_) => {
            narrator.check_passed("it was caught: dotwrap run ends with exit status 1 here")?;
            Ok(found)
        }
        None => Ok(found),
    }
}

/// Calls it for real, and lets it be.
pub(in crate::demo) async fn real_run(
    stage: &mut DemoContext,
    narrator: &mut DemoPrinter<'_>,
) -> Result<Value, Failure> {
    run(stage, narrator, Mode::RealRun, None, &NoProgress).await
}

/// Shows the command and the note, calls the pair, and shows the run. If the programs are missing, it says so.
async fn run(
    stage: &DemoContext,
    narrator: &mut DemoPrinter<'_>,
    mode: Mode,
    note: Option<&str>,
    progress: &dyn Progress,
) -> Result<Value, Failure> {
    let Some(pair) = &stage.workshop.pair else {
        return skipped(narrator);
    };
    let mode_argument = match mode {
        Mode::DryRun => "dry-run",
        Mode::RealRun => "real-run",
    };
    narrator.command(&format!(
        "run {} --mode {mode_argument} --input $DEMO/{} --candidate {} --runs-folder $DEMO/runs",
        pair.producer, pair.input, stage.workshop.candidate
    ))?;
    if let Some(note) = note {
        narrator.paragraph(note)?;
    }
    let tried = stage
        .workshop
        .run(&pair.producer, Some(pair.input), mode, progress)
        .await?;
    let story = match tried {
        Attempt::Ran(story) => story,
        Attempt::NotHere(failure) => return missing_program(narrator, &failure),
    };
    narrator.output(&drawn(&story))?;
    let rung = says_rung(stage, narrator).await?;
    Ok(json!({
        "process_run_id": story.run.process_run_id,
        "status": story.run.status,
        "verdict": story.run.verdict,
        "error_ref": story.run.error_ref,
        "rung": rung,
    }))
}

/// What matters of an executed run. The whole of it is `runs show`.
pub(super) fn drawn(story: &RunDetail) -> String {
    let run = &story.run;
    let mut sheet =
        KeyValueList::default().line("run", Cell::toned(run.process_run_id, CellStyle::Notice));
    for component in &story.components {
        let facts = format!(
            "{}  {}  {}",
            component.dot_code, component.status, component.evidence_type
        );
        let label = match component.component_role {
            ComponentRole::Producer => "producer",
            ComponentRole::Verifier => "verifier",
        };
        sheet = sheet
            .line(label, Cell::plain(facts))
            .line_if_some("receipt", component.invocation_id)
            .line_if_some("sandbox", story.sandbox_of(component));
        if component.component_role == ComponentRole::Producer {
            sheet = sheet.line_if_some("digest", component.output_digest.as_deref().map(shortened));
        }
    }
    sheet
        .line("verdict", Cell::from(labels::verdict(run.verdict)))
        .line("status", Cell::from(labels::status(run.status)))
        .line_if_some("error", run.error_ref.as_ref())
        .draw(0)
}

/// Enough of a digest to know it again.
fn shortened(digest: &str) -> String {
    let beginning: String = digest.chars().take("sha256:".len() + 24).collect();
    format!("{beginning}…")
}

async fn says_rung(stage: &DemoContext, narrator: &mut DemoPrinter<'_>) -> Result<Value, Failure> {
    let rung = stage.workshop.rung().await?;
    narrator.paragraph(&format!(
        "its candidate is now {}",
        Cell::from(labels::rung(rung))
    ))?;
    Ok(json!(rung))
}

pub(super) fn missing_program(
    narrator: &mut DemoPrinter<'_>,
    failure: &Failure,
) -> Result<Value, Failure> {
    narrator.paragraph(&format!("not here and now: {}", failure.message))?;
    Ok(json!({ "refused": failure.code, "message": failure.message }))
}

fn skipped(narrator: &mut DemoPrinter<'_>) -> Result<Value, Failure> {
    narrator.paragraph("left out: the programs are missing")?;
    Ok(json!({ "refused": "program_missing" }))
}

/// Flips a bit in the middle of what a producer left.
#[derive(Default)]
struct Tamper(Mutex<Option<io::Error>>);

impl Tamper {
    fn failed(&self) -> Option<io::Error> {
        self.0.lock().ok()?.take()
    }
}

impl Progress for Tamper {
    fn step(&self, step: Step<'_>) {
        if let Step::Produced {
            output: Some(output),
            ..
        } = step
            && let Err(error) = flip_a_bit(output)
            && let Ok(mut place) = self.0.lock()
        {
            *place = Some(error);
        }
    }
}

fn flip_a_bit(path: &Path) -> io::Result<()> {
    let mut file = fs::File::options().read(true).write(true).open(path)?;
    let middle = SeekFrom::Start(file.metadata()?.len() / 2);
    let mut byte = [0];
    file.seek(middle)?;
    file.read_exact(&mut byte)?;
    file.seek(middle)?;
    file.write_all(&[byte[0] ^ 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bit_is_flipped_and_the_length_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "abc").unwrap();
        flip_a_bit(&file).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"acc");
    }
}
