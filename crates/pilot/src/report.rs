//! The verifier's report.

use serde::{Deserialize, Serialize};

/// A check, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The fixture can be read and holds together. It is no fault of the output if not: the verdict is `error`.
    FixtureReadable,
    /// The output is an explanation at all.
    OutputReadable,
    /// The bytes are those whose digest was committed. Asked only where a digest is given.
    DigestMatches,
    /// The output explains the fixture's target, and cites it.
    TargetReferenced,
    /// Every cited node is in the subgraph.
    NodesInSubgraph,
    /// Every cited edge is in the subgraph.
    EdgesInSubgraph,
    /// The output, and everything that it says was put anywhere, is in the namespace.
    OutputInNamespace,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every check passed.
    Pass,
    /// The output was looked at, and a check failed.
    Fail,
    /// The output could not be looked at.
    Error,
}

/// A check that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedCheck {
    /// Which.
    pub check: Check,
    /// What is wrong, for people.
    pub message: String,
    /// What exactly: the ids or names that are not what they should be.
    pub offending: Vec<String>,
}

/// The report: `verdict`, `failed_checks`, `checks` (those that were made, in order) and `verified_digest`, the digest
/// of the very bytes that were looked at, or null where none could be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What came of it.
    pub verdict: Verdict,
    /// What failed; empty where the verdict is `pass`.
    pub failed_checks: Vec<FailedCheck>,
    /// What was asked. A check that another one's failure made senseless is not among them.
    pub checks: Vec<Check>,
    /// `sha256:…` of what was looked at.
    pub verified_digest: Option<String>,
}

impl Report {
    /// The report of a verifier that could not look.
    pub fn error(check: Check, message: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Error,
            failed_checks: vec![FailedCheck {
                check,
                message: message.into(),
                offending: Vec::new(),
            }],
            checks: vec![check],
            verified_digest: None,
        }
    }

    /// Notes how a check ended; what offends makes it a failure, and the verdict `fail`.
    pub(crate) fn note(&mut self, check: Check, message: &str, offending: Vec<String>) {
        self.checks.push(check);
        if !offending.is_empty() {
            self.verdict = Verdict::Fail;
            self.failed_checks.push(FailedCheck {
                check,
                message: message.to_owned(),
                offending,
            });
        }
    }
}

impl Verdict {
    /// The verifier's exit status: 0 pass, 1 fail, 2 error.
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Error => 2,
        }
    }
}
