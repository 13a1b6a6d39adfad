//! A real pair: recorded without a call, called in its dry form, caught when somebody changes the output, and called for real.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Mutex;

use dotwrap_invoke::Mode;
use dotwrap_runner::{Progress, Silent, Step};
use dotwrap_wrapper::{ComponentRole, PairCall};
use serde_json::{Value, json};

use crate::badges;
use crate::demo::narrator::Narrator;
use crate::demo::stage::Stage;
use crate::demo::workshop::{Pair, Tried};
use crate::failure::Failure;
use crate::output::{Cell, Sheet, Tone};
use crate::timeline::RunStory;

/// Records the pair without calling anything.
pub(in crate::demo) async fn simulate(
    stage: &mut Stage,
    narrator: &mut Narrator<'_>,
) -> Result<Value, Failure> {
    let Some(pair) = stage.workshop.pair.clone() else {
        return skipped(narrator);
    };
    let candidate = stage.workshop.candidate.clone();
    narrator.command(&format!("run {} --candidate {candidate}", pair.producer))?;
    let call = PairCall::new(pair.producer, candidate);
    let record = match stage.wrapper.observe_pair(&call).await {
        Ok(record) => record,
        Err(error) if error.refusal().is_some() => return not_here(narrator, &error.into()),
        Err(error) => return Err(error.into()),
    };
    narrator.says(&format!(
        "{}: recorded as what it is, {}",
        record.process_run_id,
        badges::evidence_word(record.evidence_type)
    ))?;
    let rung = says_rung(stage, narrator).await?;
    Ok(json!({ "process_run_id": record.process_run_id, "rung": rung }))
}

/// Calls the pair in its dry form.
pub(in crate::demo) async fn dry_run(
    stage: &mut Stage,
    narrator: &mut Narrator<'_>,
) -> Result<Value, Failure> {
    let Some(pair) = stage.workshop.pair.clone() else {
        return skipped(narrator);
    };
    say_command(narrator, &pair, "dry-run", stage)?;
    narrator.says(
        "the receipt is committed before the call, the output's digest before the verifier sees it; a dry run may write nowhere but in its own folder, as far as the kernel enforces that",
    )?;
    run(stage, narrator, &pair, Mode::DryRun, &Silent).await
}

/// Calls it for real, and changes the output behind the producer's back.
pub(in crate::demo) async fn tampered(
    stage: &mut Stage,
    narrator: &mut Narrator<'_>,
) -> Result<Value, Failure> {
    let Some(pair) = stage.workshop.pair.clone() else {
        return skipped(narrator);
    };
    say_command(narrator, &pair, "real-run", stage)?;
    narrator.says(
        "and this time somebody (this demonstration) flips a bit of the output when the producer has ended, before the verifier is called",
    )?;
    let vandal = Vandal::default();
    let found = run(stage, narrator, &pair, Mode::RealRun, &vandal).await?;
    if let Some(error) = vandal.failed() {
        return Err(Failure::internal(format!(
            "no bit could be flipped: {error}"
        )));
    }
    match found["verdict"].as_str() {
        Some("pass") => Err(Failure::internal(
            "an output that was changed behind the producer passed",
        )),
        Some(_) => {
            narrator.holds("it was caught: dotwrap run ends with exit status 1 here")?;
            Ok(found)
        }
        None => Ok(found),
    }
}

/// Calls it for real, and lets it be.
pub(in crate::demo) async fn real_run(
    stage: &mut Stage,
    narrator: &mut Narrator<'_>,
) -> Result<Value, Failure> {
    let Some(pair) = stage.workshop.pair.clone() else {
        return skipped(narrator);
    };
    say_command(narrator, &pair, "real-run", stage)?;
    run(stage, narrator, &pair, Mode::RealRun, &Silent).await
}

fn say_command(
    narrator: &mut Narrator<'_>,
    pair: &Pair,
    mode: &str,
    stage: &Stage,
) -> Result<(), Failure> {
    narrator.command(&format!(
        "run {} --mode {mode} --input $DEMO/{} --candidate {} --runs-folder $DEMO/runs",
        pair.producer, pair.input, stage.workshop.candidate
    ))
}

async fn run(
    stage: &Stage,
    narrator: &mut Narrator<'_>,
    pair: &Pair,
    mode: Mode,
    progress: &dyn Progress,
) -> Result<Value, Failure> {
    let tried = stage
        .workshop
        .run(&pair.producer, Some(pair.input), mode, progress)
        .await?;
    let story = match tried {
        Tried::Ran(story) => story,
        Tried::NotHere(failure) => return not_here(narrator, &failure),
    };
    narrator.shows(&drawn(&story))?;
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
pub(super) fn drawn(story: &RunStory) -> String {
    let run = &story.run;
    let mut sheet = Sheet::default().line("run", Cell::toned(run.process_run_id, Tone::Notice));
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
            .maybe("receipt", component.invocation_id)
            .maybe("sandbox", story.sandbox_of(component));
        if component.component_role == ComponentRole::Producer {
            sheet = sheet.maybe("digest", component.output_digest.as_deref().map(shortened));
        }
    }
    sheet
        .line("verdict", badges::verdict(run.verdict))
        .line("status", badges::status(run.status))
        .maybe("error", run.error_ref.as_ref())
        .draw(0)
}

/// Enough of a digest to know it again.
fn shortened(digest: &str) -> String {
    let beginning: String = digest.chars().take("sha256:".len() + 24).collect();
    format!("{beginning}…")
}

async fn says_rung(stage: &Stage, narrator: &mut Narrator<'_>) -> Result<Value, Failure> {
    let rung = stage.workshop.rung().await?;
    narrator.says(&format!("its candidate is now {}", badges::rung(rung)))?;
    Ok(json!(rung))
}

pub(super) fn not_here(narrator: &mut Narrator<'_>, failure: &Failure) -> Result<Value, Failure> {
    narrator.says(&format!("not here and now: {}", failure.message))?;
    Ok(json!({ "refused": failure.code, "message": failure.message }))
}

fn skipped(narrator: &mut Narrator<'_>) -> Result<Value, Failure> {
    narrator.says("left out: the programs are missing")?;
    Ok(json!({ "refused": "program_missing" }))
}

/// Flips a bit in the middle of what a producer left.
#[derive(Default)]
struct Vandal(Mutex<Option<io::Error>>);

impl Vandal {
    fn failed(&self) -> Option<io::Error> {
        self.0.lock().ok()?.take()
    }
}

impl Progress for Vandal {
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
