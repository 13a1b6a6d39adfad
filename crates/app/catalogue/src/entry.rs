//! What one entry of a catalogue says. The database judges it; only names of keys are checked here.
use dotwrap_wrapper::FixtureDefinition;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Something that a catalogue says, with the place it was read from, e.g. `tools.toml:12`.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry<Said> {
    /// Where it stands: the file, and the line or the entry.
    pub place: String,
    /// What the file says.
    pub said: Said,
}

/// A fixture as it is written: it lies in a file beside the catalogue, or stands in it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawFixture {
    pub(crate) fixture_ref: String,
    #[serde(default)]
    pub(crate) file: Option<String>,
    #[serde(default)]
    pub(crate) body: Option<Value>,
}

/// A fixture with its text and the digest of that, as `sha256sum` says it of the file.
pub(crate) fn fixture(fixture_ref: String, body: String) -> FixtureDefinition {
    FixtureDefinition {
        fixture_ref,
        sha256: format!("{:x}", Sha256::digest(body.as_bytes())),
        body,
    }
}
