//! The verifier's report.

use serde::{Deserialize, Serialize};

/// A check, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The fixture is readable and consistent. Otherwise the verdict is `error`, because the output is not at fault.
    FixtureReadable,
    /// The output is a valid explanation.
    OutputReadable,
    /// The output has the committed digest. Checked only where a digest is given.
    DigestMatches,
    /// The output explains the fixture's target, and cites it.
    TargetReferenced,
    /// Every cited node is in the subgraph.
    NodesInSubgraph,
    /// Every cited edge is in the subgraph.
    EdgesInSubgraph,
    /// The output, and every output that it lists, is in the namespace.
    OutputInNamespace,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every check passed.
    Pass,
    /// The output was checked, and a check failed.
    Fail,
    /// The output could not be checked.
    Error,
}

/// A check that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedCheck {
    /// The check.
    pub check: Check,
    /// The defect, for people.
    pub message: String,
    /// The offending ids or names.
    pub offending: Vec<String>,
}

/// The report: `verdict`, `failed_checks`, `checks` (the executed ones, in order) and `verified_digest`, the digest of
/// the checked bytes, or null where there were none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What came of it.
    pub verdict: Verdict,
    /// The failed checks; empty where the verdict is `pass`.
    pub failed_checks: Vec<FailedCheck>,
    /// The executed checks. A check that is meaningless after another one failed is omitted.
    pub checks: Vec<Check>,
    /// `sha256:…` of the checked bytes.
    pub verified_digest: Option<String>,
}

impl Report {
    /// The report of a verifier that could not check the output.
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

    /// Records the result of a check; any offending item makes it a failure and the verdict `fail`.
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
