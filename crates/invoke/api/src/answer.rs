//! What an invoker owes for a call: how it ended, what came out, and what the tool said of itself.

use std::collections::BTreeMap;

use dotwrap_types::Verdict;
use serde_json::{Map, Value as Json, json};

use crate::{Digest, Output, StopRecord};

/// The key of the evidence that has warnings: an array of objects with `code` and `message`.
const WARNINGS: &str = "warnings";

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub enum CallOutcome {
    /// The tool did what it was called for. A verifier that found its subject wanting did too.
    Completed,
    /// It did not, or nobody could tell.
    Failed(Failure),
    /// It was told to stop before it had ended.
    Stopped(StopRecord),
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// A stable word, e.g. `exit_status`, `deadline`, `output_too_large`, `digest_mismatch`.
    pub code: &'static str,
    /// What happened, for people. Holds nothing that the tool may have printed as a secret.
    pub message: String,
    /// Whether nobody knows what the tool did: it was cut off in the middle.
    pub outcome_unknown: bool,
}

/// The answer to a [`ToolCall`](crate::ToolCall).
///
/// The runner judges it further: schemas, the digest of what a verifier looked at, and that evidence is never above
/// what happened.
#[derive(Clone, Debug)]
pub struct Answer {
    /// How it ended.
    pub ending: CallOutcome,
    /// Whether the tool was called at all. One that was not gives no evidence of having run, whatever its receipt
    /// allows.
    pub called: bool,
    /// What came out, if anything did.
    pub output: Option<Output>,
    /// What a producer's contract takes out of a reference that it printed, by the contract's names.
    pub fields: BTreeMap<String, String>,
    /// Whether the tool says that it only pretended.
    pub is_mock: bool,
    /// A verifier's verdict, where it gave one.
    pub verdict: Option<Verdict>,
    /// The digest that a verifier says it looked at, where it says so.
    pub verified_digest: Option<Digest>,
    /// What else is known, for the component's `evidence_ref`: exit status, sandbox, limits. Small, and without
    /// secrets.
    pub evidence: Map<String, Json>,
}

impl Failure {
    /// A failure after which it is known what the tool did, as far as a failed tool can be known.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            outcome_unknown: false,
        }
    }

    /// A failure that leaves open what the tool did.
    pub fn unknown(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            outcome_unknown: true,
            ..Self::new(code, message)
        }
    }
}

impl Answer {
    /// An answer that claims nothing yet but how the call ended.
    pub fn new(ending: CallOutcome) -> Self {
        Self {
            ending,
            called: true,
            output: None,
            fields: BTreeMap::new(),
            is_mock: false,
            verdict: None,
            verified_digest: None,
            evidence: Map::new(),
        }
    }

    /// A failed call.
    pub fn failed(failure: Failure) -> Self {
        Self::new(CallOutcome::Failed(failure))
    }

    /// A call that came to nothing before the tool was reached.
    pub fn not_called(failure: Failure) -> Self {
        Self {
            called: false,
            ..Self::failed(failure)
        }
    }

    /// Adds a warning: the call came to what it was called for, and somebody should know something about it. The code
    /// is stable.
    #[must_use]
    pub fn warning(mut self, code: &str, message: &str) -> Self {
        add_warning(&mut self.evidence, code, message);
        self
    }

    /// Adds a fact to the evidence.
    #[must_use]
    pub fn with(mut self, name: &str, fact: impl Into<Json>) -> Self {
        self.evidence.insert(name.to_owned(), fact.into());
        self
    }
}

/// Adds a warning to evidence that is no answer yet: see [`Answer::warning`].
pub fn add_warning(evidence: &mut Map<String, Json>, code: &str, message: &str) {
    let warnings = evidence.entry(WARNINGS).or_insert(json!([]));
    if let Some(warnings) = warnings.as_array_mut() {
        warnings.push(json!({"code": code, "message": message}));
    }
}
