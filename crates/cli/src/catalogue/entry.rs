//! What one entry of a catalogue says. The database judges it; only names of keys are checked here.

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Something that a catalogue says, with the place it was read from, e.g. `tools.toml:12`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry<Said> {
    pub(crate) place: String,
    pub(crate) said: Said,
}

/// One process that runs are evidence for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CandidateEntry {
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) title: Option<String>,
    #[serde(default)]
    pub(crate) owner: Option<String>,
}

/// A fixture as it is written: it lies in a file beside the catalogue, or stands in it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenFixture {
    pub(super) fixture_ref: String,
    #[serde(default)]
    pub(super) file: Option<String>,
    #[serde(default)]
    pub(super) body: Option<Value>,
}

/// A fixture with its text, which is what its digest is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FixtureEntry {
    pub(crate) fixture_ref: String,
    pub(crate) text: String,
}

impl FixtureEntry {
    /// The digest of its text, as `sha256sum` says it of the file.
    pub(crate) fn sha256(&self) -> String {
        format!("{:x}", Sha256::digest(self.text.as_bytes()))
    }
}
