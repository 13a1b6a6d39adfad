//! Assesses which evidence an answer is. A tool's own statement is accepted only where it lowers the claim.

use std::collections::BTreeMap;

use dotwrap_invoke::{
    Answer, CallOutcome, Digest, Failure, Output, Produced, ReadInterrupted, StopRecord,
};
use dotwrap_wrapper::{ComponentRole, EvidenceType, StoredStatus, Verdict};
use serde_json::{Map, Value as Json, json};

use crate::{
    Prepared,
    checking::{Checked, ReadAgain},
    evidence::sanitize,
};

/// The assessed result of one call.
#[derive(Clone, Debug)]
pub(crate) struct Assessment {
    pub(crate) status: StoredStatus,
    pub(crate) evidence_type: EvidenceType,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) output: Option<Output>,
    /// What a reference says, for the verifier.
    pub(crate) fields: BTreeMap<String, String>,
    /// Why it is not `step_completed`.
    pub(crate) trouble: Option<CallProblem>,
    pub(crate) evidence: Map<String, Json>,
}

/// Why a call did not complete.
#[derive(Clone, Debug)]
pub(crate) enum CallProblem {
    Failed(Failure),
    Stopped {
        record: StopRecord,
        /// Whether the tool had been reached.
        may_have_acted: bool,
    },
}

impl Assessment {
    pub(crate) fn is_done(&self) -> bool {
        self.trouble.is_none()
    }

    /// Names a full disk as the cause of a tool's failure: an exit status says nothing of it. The evidence has both.
    pub(crate) fn blame_disk(&mut self) {
        const OF_TOOLS: [&str; 3] = ["exit_status", "output_missing", "output_unusable"];
        if let Some(CallProblem::Failed(failure)) = &mut self.trouble
            && OF_TOOLS.contains(&failure.code)
        {
            failure.code = "disk_full";
            failure.message = format!("{}; the disk is full", failure.message);
        }
    }

    pub(crate) fn digest(&self) -> Option<Digest> {
        self.output.as_ref().map(|output| output.digest)
    }

    pub(crate) fn is_simulated(&self) -> bool {
        self.evidence_type == EvidenceType::SimulatedDryRun
    }

    /// The value for `error_ref`: a stable word and a location, without any text of the tool.
    pub(crate) fn error_ref(&self, role: ComponentRole) -> Option<String> {
        self.trouble
            .as_ref()
            .map(|trouble| format!("{role}: {}", trouble.code()))
    }
}

impl CallProblem {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Failed(failure) => failure.code,
            Self::Stopped { record, .. } => record.reason.into(),
        }
    }

    /// Whether the tool's effects are unknown.
    pub(crate) fn leaves_outcome_unknown(&self) -> bool {
        match self {
            Self::Failed(failure) => failure.outcome_unknown,
            Self::Stopped { may_have_acted, .. } => *may_have_acted,
        }
    }

    fn status(&self) -> StoredStatus {
        match self {
            Self::Failed(_) => StoredStatus::Failed,
            Self::Stopped { .. } => StoredStatus::Cancelled,
        }
    }

    fn describe(&self, evidence: &mut Map<String, Json>) {
        match self {
            Self::Failed(failure) => {
                evidence.insert(
                    "failure".to_owned(),
                    json!({"code": failure.code, "message": failure.message}),
                );
            }
            Self::Stopped { record, .. } => {
                evidence.insert("stop".to_owned(), json!(record));
            }
        }
        if self.leaves_outcome_unknown() {
            evidence.insert("outcome".to_owned(), json!("unknown"));
        }
    }
}

/// The output that a verifier checks.
#[derive(Clone, Debug, Default)]
pub(crate) struct VerifiedOutput {
    pub(crate) produced: Option<Produced>,
    /// Whether the producer reported a mock.
    pub(crate) is_simulated: bool,
}

/// Assesses the producer's answer.
pub(crate) fn of_producer(prepared: &Prepared, answer: Answer, checked: Checked) -> Assessment {
    let trouble = trouble_of(&answer).or_else(|| unread(&answer, &checked));
    let trouble = trouble.or_else(|| checked.ok()?.schema.map(CallProblem::Failed));
    judged(prepared, answer, trouble, None, false)
}

/// Assesses the verifier's answer about the producer's output.
pub(crate) fn of_verifier(
    prepared: &Prepared,
    answer: Answer,
    subject: &VerifiedOutput,
    checked: Checked,
) -> Assessment {
    let trouble = trouble_of(&answer)
        .or_else(|| unread(&answer, &checked))
        .or_else(|| {
            checked
                .as_ref()
                .ok()?
                .schema
                .clone()
                .map(CallProblem::Failed)
        })
        .or_else(|| other_digest(&answer, subject))
        .or_else(|| changed(checked.as_ref().ok()?))
        .or_else(|| check_verdict_present(&answer));
    // A failed check turns any verdict into `error`. Only a changed output keeps a `fail`, because the verifier's
    // finding is then true.
    let verdict = match (&trouble, answer.verdict) {
        (None, verdict) => verdict,
        (Some(CallProblem::Stopped { .. }), _) => None,
        (Some(CallProblem::Failed(_)), _) => Some(Verdict::Error),
    };
    judged(prepared, answer, trouble, verdict, subject.is_simulated)
}

fn judged(
    prepared: &Prepared,
    answer: Answer,
    trouble: Option<CallProblem>,
    verdict: Option<Verdict>,
    is_subject_simulated: bool,
) -> Assessment {
    let is_simulated = answer.is_mock || !answer.called || is_subject_simulated;
    let mut evidence = answer.evidence;
    evidence.insert("called".to_owned(), json!(answer.called));
    if answer.is_mock {
        evidence.insert("is_mock".to_owned(), json!(true));
    }
    if let Some(output) = &answer.output {
        evidence.insert("output_bytes".to_owned(), json!(output.size));
    }
    if let Some(trouble) = &trouble {
        trouble.describe(&mut evidence);
    }
    Assessment {
        status: trouble
            .as_ref()
            .map_or(StoredStatus::StepCompleted, CallProblem::status),
        evidence_type: if is_simulated {
            EvidenceType::SimulatedDryRun
        } else {
            prepared.mode.evidence_type()
        },
        verdict,
        output: answer.output,
        fields: answer.fields,
        trouble,
        evidence: sanitize(evidence),
    }
}

fn trouble_of(answer: &Answer) -> Option<CallProblem> {
    match &answer.ending {
        CallOutcome::Completed => None,
        CallOutcome::Failed(failure) => Some(CallProblem::Failed(failure.clone())),
        CallOutcome::Stopped(record) => Some(CallProblem::Stopped {
            record: record.clone(),
            may_have_acted: answer.called || !record.possible_effects.is_empty(),
        }),
    }
}

/// Call files that were not read completely prove nothing.
fn unread(answer: &Answer, checked: &Checked) -> Option<CallProblem> {
    let why = match checked.as_ref().err()? {
        ReadInterrupted::Stopped(reason) => {
            let what = "all of it: the tool ended, and the output was not read again";
            return Some(CallProblem::Stopped {
                record: StopRecord {
                    reason: *reason,
                    signals_sent: Vec::new(),
                    exited: Vec::new(),
                    possible_effects: vec![what.to_owned()],
                },
                may_have_acted: answer.called,
            });
        }
        ReadInterrupted::Deadline => "nothing of it could be read for a minute",
        ReadInterrupted::Broken => "no thread could be had for it",
    };
    let message = format!("the output was not read again in full after the tool ended: {why}");
    Some(CallProblem::Failed(Failure::new("output_unread", message)))
}

/// The verdict counts only for the digest that the producer's row committed.
fn other_digest(answer: &Answer, subject: &VerifiedOutput) -> Option<CallProblem> {
    let committed = subject.produced.as_ref()?.committed_digest;
    let looked_at = answer
        .verified_digest
        .filter(|looked_at| *looked_at != committed)?;
    Some(CallProblem::Failed(Failure::new(
        "digest_mismatch",
        format!(
            "digest mismatch: the verifier checked {looked_at}, the producer committed {committed}"
        ),
    )))
}

fn changed(read: &ReadAgain) -> Option<CallProblem> {
    let change = read.change.as_ref()?;
    Some(CallProblem::Failed(Failure::new(
        "output_changed",
        format!("the output changed after the producer: {change}"),
    )))
}

fn check_verdict_present(answer: &Answer) -> Option<CallProblem> {
    answer.verdict.is_none().then(|| {
        CallProblem::Failed(Failure::new(
            "verdict_missing",
            "the verifier gave no verdict",
        ))
    })
}
