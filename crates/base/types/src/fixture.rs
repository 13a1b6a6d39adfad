//! Fixtures: inputs that are kept with their digest.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;

/// One fixture.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fixture {
    /// What it is called by.
    pub fixture_ref: String,
    /// The SHA-256 of its text as it was given, in lower-case hex.
    pub sha256: String,
    /// What it says.
    pub body: Json,
    /// When it was stored first.
    pub created_at: Timestamp,
}
