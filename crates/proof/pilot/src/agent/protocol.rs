//! The messages of the protocol.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, value::RawValue};

use crate::Verdict;

/// A call. Members that the reference agent does not use (ids, deadline, mode) are ignored.
#[derive(Debug, Deserialize)]
pub struct Request {
    /// Which DOT is called.
    pub dot_code: String,
    /// The fixture's name, if the contract has one.
    pub fixture_ref: Option<String>,
    /// For a producer what it is given; for a verifier the producer's output. As it stood in the request.
    pub input: Box<RawValue>,
    /// The input's digest; for a verifier the one that was committed.
    pub input_digest: Option<String>,
    /// Where output belongs.
    pub output_namespace: Option<String>,
}

/// An answer.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// What came out.
    pub output: Json,
    /// SHA-256 of the output's canonical form (RFC 8785).
    pub output_digest: String,
    /// Where it was put.
    pub output_namespace: String,
    /// Whether the answer is a mock. This agent's always is.
    pub is_mock: bool,
    /// The number of changes.
    pub writes: u64,
    /// A verifier's verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Notes for people.
    pub notes: String,
}
