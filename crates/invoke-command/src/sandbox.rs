//! Where a tool may write.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where a tool may write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sandbox {
    /// Wherever its account may.
    Unrestricted,
    /// Below these, and to devices that keep nothing, like `/dev/null`. It may read and execute wherever its account may, but for what
    /// [`Supervisor::concealing`](crate::Supervisor::concealing) names.
    ///
    /// A path that is not there when the tool starts stays closed: the kernel ties the right to what is there.
    WritesBelow(Vec<PathBuf>),
}

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
    /// Always `not_restricted`: a tool may talk to whom it likes.
    pub network: String,
    /// What no rule held back although writes were to be restricted.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub missing: Vec<String>,
    /// Files that the tool could not read although its account can: they would let it into the ledger.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub unreadable: Vec<String>,
    /// `reduced` where the account has more than a tool in a sandbox keeps of them: root.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub capabilities: Option<String>,
}

impl SandboxReport {
    pub(crate) fn not_restricted() -> Self {
        Self::without_mechanism("not_restricted", Vec::new())
    }

    pub(crate) fn not_enforced(why: impl Into<String>) -> Self {
        Self::without_mechanism("not_enforced", vec![why.into()])
    }

    fn without_mechanism(writes: &str, missing: Vec<String>) -> Self {
        Self {
            mechanism: "none".to_owned(),
            abi: None,
            writes: writes.to_owned(),
            network: "not_restricted".to_owned(),
            missing,
            unreadable: Vec::new(),
            capabilities: None,
        }
    }
}
