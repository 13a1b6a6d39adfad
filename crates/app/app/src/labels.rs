//! The words that say how much a thing is worth. One place, so that no command can praise what another does not.
//!
//! Nothing here is computed: each badge is the reading of one value that a view or a row holds.
use dotwrap_wrapper::{
    CheckStatus, DotWrapperStatus, EvidenceType, LeaseState, Posture, Run, Rung, StoredStatus,
    Verdict,
};

use crate::{Label, Tone};

/// Where trust ends. README, docs and demo say it in these words.
pub const WHERE_TRUST_ENDS: &str = "The database cannot see a program run. dot_runner is trusted to call what it says it called: \
    a login with that role can make up a run while the gates are open, and the record names the login. Nobody else can, and nobody \
    can without open gates.";

/// What a kind of evidence proves.
pub fn evidence(kind: EvidenceType) -> Label {
    match kind {
        EvidenceType::SimulatedDryRun => Label::toned(
            "SIMULATED — no tool was called, not verified",
            Tone::Caution,
        ),
        EvidenceType::DryRun => Label::toned("DRY RUN — proof only, not verified", Tone::Caution),
        EvidenceType::BackfilledEvidence => Label::toned(
            "BACKFILLED — asserted, never counts as runtime",
            Tone::Caution,
        ),
        EvidenceType::RealRun => Label::toned("REAL RUN", Tone::Notice),
    }
}

/// The same in one word, for tables.
pub fn evidence_word(kind: EvidenceType) -> Label {
    let tone = if kind == EvidenceType::RealRun {
        Tone::Notice
    } else {
        Tone::Caution
    };
    Label::toned(kind, tone)
}

/// The same of a run. It says so where no call is recorded, and where a dry run had no complete sandbox.
pub fn evidence_of_run(run: &Run) -> Label {
    if is_unrecorded(run) {
        return Label::toned(format!("{}, no record", run.evidence_type), Tone::Caution);
    }
    if has_mock(run) {
        return Label::toned(format!("{}, mock", run.evidence_type), Tone::Bad);
    }
    if is_sandbox_incomplete(&run.evidence_ref) {
        return Label::toned(format!("{}, no sandbox", run.evidence_type), Tone::Bad);
    }
    if run.is_reference() {
        return Label::toned(format!("{}, reference", run.evidence_type), Tone::Caution);
    }
    evidence_word(run.evidence_type)
}

/// The same, for a table of 80 columns.
pub fn short_evidence_of_run(run: &Run) -> Label {
    let word = match run.evidence_type {
        EvidenceType::SimulatedDryRun => "SIMULATED",
        EvidenceType::DryRun => "DRY RUN",
        EvidenceType::RealRun => "REAL RUN",
        EvidenceType::BackfilledEvidence => "BACKFILL",
    };
    if is_unrecorded(run) {
        return Label::toned(format!("{word}, no record"), Tone::Caution);
    }
    if has_mock(run) {
        return Label::toned(format!("{word}, mock"), Tone::Bad);
    }
    if is_sandbox_incomplete(&run.evidence_ref) {
        return Label::toned(format!("{word}, no sandbox"), Tone::Bad);
    }
    if run.is_reference() {
        return Label::toned(format!("{word}, ref."), Tone::Caution);
    }
    Label::toned(word, evidence_word(run.evidence_type).tone)
}

/// Whether a real run's verifier only pretended: the run proves nothing, although its producer really ran.
fn has_mock(run: &Run) -> bool {
    run.evidence_type == EvidenceType::RealRun
        && run.verifier_evidence_type == Some(EvidenceType::SimulatedDryRun)
}

/// Whether an executed run was concluded and neither of its calls is recorded. Its receipt has a mode, which is no
/// evidence that anything ran.
fn is_unrecorded(run: &Run) -> bool {
    run.lease_name.is_some()
        && run.concluded_at.is_some()
        && run.producer_component_run_id.is_none()
        && run.verifier_component_run_id.is_none()
}

/// Whether a record says that a tool ran in a dry run and was not, or not wholly, kept from writing elsewhere.
pub fn is_sandbox_incomplete(evidence: &serde_json::Value) -> bool {
    evidence["sandbox_incomplete"] == true
}

/// The digest of an output, as people read it: a reference's is of a message.
pub fn digest(digest: &str, is_reference: bool) -> Label {
    match is_reference {
        true => Label::toned(
            format!("{digest} (of the message, not of the data)"),
            Tone::Caution,
        ),
        false => Label::plain(digest),
    }
}

/// What a reference says, in one line; none where it says nothing.
pub fn reference_fields(fields: &serde_json::Value) -> Option<String> {
    let fields = fields.as_object().filter(|fields| !fields.is_empty())?;
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let fields = fields
        .iter()
        .map(|(name, value)| format!("{name} {}", text(value)));
    Some(fields.collect::<Vec<_>>().join(", "))
}

/// A stored status. A simulated run that completed has proven nothing: no status is ever green.
pub fn status(status: StoredStatus) -> Label {
    let tone = match status {
        StoredStatus::Failed | StoredStatus::Stuck | StoredStatus::Orphan => Tone::Bad,
        StoredStatus::Started | StoredStatus::StepStarted => Tone::Notice,
        StoredStatus::Cancelled => Tone::Faint,
        _ => Tone::Plain,
    };
    Label::toned(status, tone)
}

/// The status of a run. A header without components says nothing that ran, so that its `completed` is not shown as one.
pub fn run_status(run: &Run) -> Label {
    match run.status {
        StoredStatus::Completed | StoredStatus::StepCompleted if run.is_header_only() => {
            Label::toned("header only", Tone::Caution)
        }
        status_word => status(status_word),
    }
}

/// What a verifier said. A verdict is of one run: what it counts for, the ladder says.
pub fn verdict(verdict: Option<Verdict>) -> Label {
    match verdict {
        Some(verdict @ Verdict::Pass) => Label::plain(verdict),
        Some(verdict) => Label::toned(verdict, Tone::Bad),
        None => Label::or_dash(None::<&str>),
    }
}

/// The verdict of a run, with its warnings.
pub fn verdict_of_run(run: &Run) -> Label {
    let verdict = verdict(run.verdict);
    match run.warnings {
        ..=0 => verdict,
        1 => Label::toned(format!("{}, 1 warning", verdict.text), Tone::Caution),
        more => Label::toned(format!("{}, {more} warnings", verdict.text), Tone::Caution),
    }
}

/// The same, for a table of 80 columns: `!` stands for warnings.
pub fn short_verdict_of_run(run: &Run) -> Label {
    let verdict = verdict(run.verdict);
    match run.warnings {
        ..=0 => verdict,
        _ => Label::toned(format!("{} !", verdict.text), Tone::Caution),
    }
}

/// How far a DOT is.
pub fn wrapper_status(status: DotWrapperStatus, dry_run_ready: bool) -> Label {
    match status {
        DotWrapperStatus::WrapperNeeded => Label::toned("no runner", Tone::Faint),
        DotWrapperStatus::WrapperReadyNoObservation if dry_run_ready => {
            Label::toned("dry-run ready", Tone::Notice)
        }
        DotWrapperStatus::WrapperReadyNoObservation => {
            Label::toned("nothing observed", Tone::Faint)
        }
        DotWrapperStatus::SimulatedObserved => {
            Label::toned("proof only, not verified", Tone::Caution)
        }
        DotWrapperStatus::DryRunObserved => Label::toned("dry run, not verified", Tone::Caution),
        DotWrapperStatus::RealRunObserved => Label::toned("real run observed", Tone::Notice),
    }
}

/// A rung of the ladder.
pub fn rung(rung: Rung) -> Label {
    let tone = match rung {
        Rung::StructuralCandidate => Tone::Faint,
        Rung::BackfilledObserved | Rung::SimulatedObserved | Rung::DryRunObserved => Tone::Caution,
        Rung::RealRunObserved => Tone::Notice,
        Rung::VerifiedCandidate | Rung::BirthReady => Tone::Good,
    };
    Label::toned(rung, tone)
}

/// What the gates allow.
pub fn posture(posture: Posture) -> Label {
    match posture {
        Posture::NoExecute => Label::toned(posture, Tone::Good),
        Posture::DryRunOnly => Label::toned(posture, Tone::Caution),
        Posture::RealRun => Label::toned(posture, Tone::Bad),
    }
}

/// What the posture means.
pub fn posture_meaning(posture: Posture) -> &'static str {
    match posture {
        Posture::NoExecute => "nothing may be executed; simulated evidence may be recorded",
        Posture::DryRunOnly => "tools may run in a mode that changes nothing",
        Posture::RealRun => "tools may run for real",
    }
}

/// What a preflight check came to.
pub fn check(status: CheckStatus) -> Label {
    let tone = match status {
        CheckStatus::Pass => Tone::Good,
        CheckStatus::Warn => Tone::Caution,
        CheckStatus::Block => Tone::Bad,
    };
    Label::toned(status, tone)
}

/// What a lease is in.
pub fn lease(state: LeaseState) -> Label {
    let tone = match state {
        LeaseState::Free => Tone::Faint,
        LeaseState::Held => Tone::Notice,
        LeaseState::Expired => Tone::Caution,
    };
    Label::toned(state, tone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without_layout(text: &str) -> String {
        let text = text.replace('`', "");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn readme_and_concepts_say_where_trust_ends_in_the_same_words() {
        for page in ["README.md", "docs/concepts.md"] {
            let path = format!("{}/../../../{page}", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(
                without_layout(&text).contains(&without_layout(WHERE_TRUST_ENDS)),
                "{page} lacks: {WHERE_TRUST_ENDS}"
            );
        }
    }
}
