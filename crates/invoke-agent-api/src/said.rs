//! An answer as the service gave it: said, not yet believed.

use dotwrap_invoke::{Digest, Failure};
use dotwrap_wrapper::Verdict;
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::value::RawValue;

/// What a service says.
#[derive(Debug)]
pub(crate) struct Said<'a> {
    /// As it stood in the answer.
    pub(crate) output: &'a RawValue,
    pub(crate) output_digest: Digest,
    pub(crate) output_namespace: Option<String>,
    pub(crate) is_mock: bool,
    /// How many things it wrote.
    pub(crate) writes: u64,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) notes: Option<String>,
}

/// The members of an answer. Others may be there, and say nothing to us.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    output: &'a RawValue,
    output_digest: String,
    /// May be null, where the contract has no namespace, but not missing.
    #[serde(deserialize_with = "Option::deserialize")]
    output_namespace: Option<String>,
    is_mock: bool,
    #[serde(deserialize_with = "count_of_writes")]
    writes: u64,
    #[serde(default)]
    verdict: Option<Verdict>,
    #[serde(default)]
    notes: Option<String>,
}

/// A number of writes, or what was written as a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Writes {
    Count(u64),
    List(Vec<IgnoredAny>),
}

fn count_of_writes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Ok(match Writes::deserialize(deserializer)? {
        Writes::Count(count) => count,
        Writes::List(list) => list.len() as u64,
    })
}

impl<'a> Said<'a> {
    pub(crate) fn from_json(body: &'a [u8]) -> Result<Self, Failure> {
        // A list would do for serde, member by member.
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(broken("it is no JSON object"));
        }
        let wire: Wire<'a> = serde_json::from_slice(body).map_err(|error| broken(place(&error)))?;
        let output_digest = wire
            .output_digest
            .parse()
            .map_err(|error| broken(format!("output_digest: {error}")))?;
        Ok(Self {
            output: wire.output,
            output_digest,
            output_namespace: wire.output_namespace,
            is_mock: wire.is_mock,
            writes: wire.writes,
            verdict: wire.verdict,
            notes: wire.notes,
        })
    }
}

/// What is wrong, without what stood there: it may be a secret.
fn place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let names_members_alone =
        text.starts_with("missing field") || text.starts_with("duplicate field");
    if names_members_alone {
        return text;
    }
    let what = if error.is_data() {
        "a member has the wrong type"
    } else {
        "it is not JSON"
    };
    format!("{what}, at line {} column {}", error.line(), error.column())
}

/// An answer that is none.
pub(crate) fn broken(what: impl std::fmt::Display) -> Failure {
    Failure::new(
        "protocol",
        format!("the service's answer is not what the protocol asks for: {what}"),
    )
}
