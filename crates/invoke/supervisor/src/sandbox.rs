//! Where a tool may write.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where a tool may write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sandbox {
    /// Wherever its account may.
    Unrestricted,
    /// Below these, and to devices that keep nothing, like `/dev/null`. It may read and execute wherever its account
    /// may, but for what [`Supervisor::hiding_paths`](crate::Supervisor::hiding_paths) names.
    ///
    /// A path that is not there when the tool starts stays closed: the kernel ties the right to what is there.
    WritesBelow(Vec<PathBuf>),
}

/// What nothing here restricts.
pub(crate) const NEVER_GRANTED: [&str; 2] = [
    "priority and processors of other processes",
    "connections, sockets of this machine included: who listens there may write for the tool",
];

/// Words of a [`SandboxReport`].
pub(crate) const ENFORCED: &str = "enforced";
pub(crate) const NOT_ENFORCED: &str = "not_enforced";
const NOT_RESTRICTED: &str = "not_restricted";

/// How far the sandbox holds, as the kernel answered: for the evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxReport {
    /// `landlock` or `none`.
    pub mechanism: String,
    /// The version of the kernel's interface that was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abi: Option<u32>,
    /// `enforced`, `partly_enforced`, `not_enforced`, or `not_restricted` where nothing was asked for.
    pub writes: String,
    /// Changes of owner, permissions and times: `enforced` where none can be made outside of where it may write;
    /// `refused` where none of owner and permissions can be made at all; `not_enforced`. Left out where nothing was
    /// asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub attributes: Option<String>,
    /// Always `not_restricted`: a tool may talk to whom it likes.
    pub network: String,
    /// What no rule held back although writes were to be restricted.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub missing: Vec<String>,
    /// Files that the tool could not read although its account can: they would let it into the ledger.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub unreadable: Vec<String>,
    /// System calls that it could not make.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub refused: Vec<String>,
    /// `reduced` where the account has more than a tool in a sandbox keeps of them: root.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub capabilities: Option<String>,
}

/// Why a dry run has no complete sandbox.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SandboxProblem {
    /// The kernel lacks something. Tools are started all the same, and the record says so.
    #[error("{0}")]
    Incomplete(String),
    /// The sandbox is there and fails, or cannot be tried: no tool of a dry run is started.
    #[error("{0}")]
    Unusable(String),
}

/// How what could not be concealed is told of, in [`SandboxReport::missing`].
pub(crate) const VISIBLE_ROOTS: &str = "secrets kept from being read:";

impl SandboxReport {
    /// Whether a sandbox was asked for and does not hold back all writes and all changes of owner and permissions, or
    /// leaves open what lets into the ledger: a folder that the tool may write lies above it.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        let is_asked_for = self.writes != NOT_RESTRICTED;
        let holds = self.writes == ENFORCED
            && self
                .attributes
                .as_deref()
                .is_some_and(|word| word != NOT_ENFORCED);
        let is_exposed = self
            .missing
            .iter()
            .any(|what| what.starts_with(VISIBLE_ROOTS));
        is_asked_for && (!holds || is_exposed)
    }

    /// What is missing that a complete sandbox would have, in words. What no sandbox has is left out.
    pub(crate) fn shortcomings(&self) -> String {
        let missing = self.missing.iter().map(String::as_str);
        let missing: Vec<&str> = missing
            .filter(|what| !NEVER_GRANTED.contains(what))
            .collect();
        missing.join("; ")
    }

    pub(crate) fn not_restricted() -> Self {
        Self::new("none", NOT_RESTRICTED, Vec::new())
    }

    pub(crate) fn not_enforced(why: impl Into<String>) -> Self {
        Self::new("none", NOT_ENFORCED, vec![why.into()])
    }

    /// A report on writes. The rest is as without a sandbox.
    pub(crate) fn new(mechanism: &str, writes: &str, missing: Vec<String>) -> Self {
        Self {
            mechanism: mechanism.to_owned(),
            abi: None,
            writes: writes.to_owned(),
            attributes: None,
            network: "not_restricted".to_owned(),
            missing,
            unreadable: Vec::new(),
            refused: Vec::new(),
            capabilities: None,
        }
    }
}
