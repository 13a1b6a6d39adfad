//! What an answer counts for. A tool's own word is taken only where it lowers what would be claimed.

use std::path::Path;

use dotwrap_invoke::{Answer, Digest, Ending, Failure, Output, Produced, StopRecord};
use dotwrap_wrapper::{ComponentRole, EvidenceType, StoredStatus, Verdict};
use serde_json::{Map, Value as Json, json};

use crate::{Prepared, evidence::storable};

/// What became of one call, judged.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) status: StoredStatus,
    pub(crate) evidence_type: EvidenceType,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) output: Option<Output>,
    /// Why it is not `step_completed`.
    pub(crate) trouble: Option<Trouble>,
    pub(crate) evidence: Map<String, Json>,
}

/// Why a call did not do what it was called for.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    Failed(Failure),
    Stopped {
        record: StopRecord,
        /// Whether the tool had been reached by then.
        may_have_acted: bool,
    },
}

impl Judged {
    pub(crate) fn is_done(&self) -> bool {
        self.trouble.is_none()
    }

    pub(crate) fn digest(&self) -> Option<Digest> {
        self.output.as_ref().map(|output| output.digest)
    }

    pub(crate) fn is_simulated(&self) -> bool {
        self.evidence_type == EvidenceType::SimulatedDryRun
    }

    /// Where to look, for `error_ref`: a stable word and a place, nothing that a tool printed.
    pub(crate) fn error_ref(&self, role: ComponentRole) -> Option<String> {
        self.trouble
            .as_ref()
            .map(|trouble| format!("{role}: {}", trouble.code()))
    }
}

impl Trouble {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Failed(failure) => failure.code,
            Self::Stopped { record, .. } => record.reason.into(),
        }
    }

    /// Whether nobody knows what the tool did.
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

/// What a verifier was asked about, looked at again when it had answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subject {
    pub(crate) produced: Option<Produced>,
    /// Whether the producer only pretended.
    pub(crate) is_simulated: bool,
    /// Why what the producer left is not what is there now.
    pub(crate) change: Option<String>,
}

impl Subject {
    /// Reads the producer's output once more. It may be large, and other runs' leases have to be renewed meanwhile.
    pub(crate) async fn look_again(&mut self) {
        let Some(produced) = self.produced.clone() else {
            return;
        };
        let looked = tokio::task::spawn_blocking(move || produced.output.is_unchanged()).await;
        self.change = match looked {
            Ok(Ok(true)) => None,
            Ok(Ok(false)) => Some("the output was changed since".to_owned()),
            Ok(Err(error)) => Some(format!("the output can not be read any more: {error}")),
            Err(error) => Some(format!("the output could not be read again: {error}")),
        };
    }
}

/// Judges what the producer answered.
pub(crate) fn of_producer(prepared: &Prepared, answer: Answer) -> Judged {
    let trouble = trouble_of(&answer).or_else(|| {
        let schema = prepared.producer.output_schema.as_ref()?;
        schema
            .check(path_of(answer.output.as_ref()))
            .err()
            .map(Trouble::Failed)
    });
    judged(prepared, answer, trouble, None, false)
}

/// Judges what the verifier answered about what the producer left.
pub(crate) fn of_verifier(prepared: &Prepared, answer: Answer, subject: &Subject) -> Judged {
    let trouble = trouble_of(&answer)
        .or_else(|| broken_schema(prepared, answer.output.as_ref()))
        .or_else(|| looked_elsewhere(&answer, subject))
        .or_else(|| no_verdict(&answer));
    // A check that failed turns any verdict into `error`. Only an output that was changed leaves a `fail` standing: there the
    // verifier found what is so.
    let verdict = match (&trouble, answer.verdict) {
        (None, verdict) => verdict,
        (Some(Trouble::Stopped { .. }), _) => None,
        (Some(Trouble::Failed(_)), _) => Some(Verdict::Error),
    };
    judged(prepared, answer, trouble, verdict, subject.is_simulated)
}

fn judged(
    prepared: &Prepared,
    answer: Answer,
    trouble: Option<Trouble>,
    verdict: Option<Verdict>,
    is_subject_simulated: bool,
) -> Judged {
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
    Judged {
        status: trouble
            .as_ref()
            .map_or(StoredStatus::StepCompleted, Trouble::status),
        evidence_type: if is_simulated {
            EvidenceType::SimulatedDryRun
        } else {
            prepared.mode.evidence_type()
        },
        verdict,
        output: answer.output,
        trouble,
        evidence: storable(evidence),
    }
}

fn trouble_of(answer: &Answer) -> Option<Trouble> {
    match &answer.ending {
        Ending::Completed => None,
        Ending::Failed(failure) => Some(Trouble::Failed(failure.clone())),
        Ending::Stopped(record) => Some(Trouble::Stopped {
            record: record.clone(),
            may_have_acted: answer.called || !record.may_have_happened.is_empty(),
        }),
    }
}

fn broken_schema(prepared: &Prepared, output: Option<&Output>) -> Option<Trouble> {
    let of_its_own = prepared.verifier.output_schema.as_ref();
    prepared
        .verifier_schema
        .iter()
        .flatten()
        .chain(of_its_own)
        .find_map(|schema| schema.check(path_of(output)).err())
        .map(Trouble::Failed)
}

/// The verdict counts for the digest that the producer's row committed, and for no other.
fn looked_elsewhere(answer: &Answer, subject: &Subject) -> Option<Trouble> {
    let committed = subject
        .produced
        .as_ref()
        .map(|produced| produced.committed_digest);
    if let (Some(looked_at), Some(committed)) = (answer.verified_digest, committed)
        && looked_at != committed
    {
        return Some(Trouble::Failed(Failure::new(
            "digest_mismatch",
            format!(
                "the verifier says that it looked at {looked_at}, the producer left {committed}"
            ),
        )));
    }
    let change = subject.change.as_ref()?;
    (answer.verdict == Some(Verdict::Pass)).then(|| {
        Trouble::Failed(Failure::new(
            "output_changed",
            format!("what the verifier passed is not what the producer left: {change}"),
        ))
    })
}

fn no_verdict(answer: &Answer) -> Option<Trouble> {
    answer.verdict.is_none().then(|| {
        Trouble::Failed(Failure::new(
            "verdict_missing",
            "the verifier gave no verdict",
        ))
    })
}

/// An output that is not there is checked like an empty one, and found wanting.
fn path_of(output: Option<&Output>) -> &Path {
    output.map_or(Path::new(""), |output| output.path.as_path())
}
