//! An answer as the service gave it: said, not yet believed.

use dotwrap_invoke::{Digest, Failure};
use dotwrap_types::Verdict;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

/// What a service says.
#[derive(Debug)]
pub(crate) struct AgentResponse<'a> {
    /// As it stood in the answer.
    pub(crate) output: &'a RawValue,
    pub(crate) output_digest: Digest,
    pub(crate) output_namespace: Option<String>,
    pub(crate) is_mock: bool,
    /// How many things it wrote.
    pub(crate) writes: u64,
    pub(crate) verdict: Option<Verdict>,
    /// Whether it speaks of a verdict elsewhere than in the member of that name.
    pub(crate) is_verdict_unclear: bool,
    /// What a verifier says it looked at, as it stood in the answer; in its report it may say so too.
    pub(crate) verified_digest: Option<&'a RawValue>,
    pub(crate) input_digest: Option<&'a RawValue>,
    pub(crate) notes: Option<String>,
}

/// The members of an answer. Others may be there, and say nothing to us. Each is read by itself, so that one which can
/// not be is known by its name.
#[derive(Deserialize)]
struct RawResponse<'a> {
    #[serde(borrow)]
    output: &'a RawValue,
    #[serde(borrow)]
    output_digest: &'a RawValue,
    /// May be null, where the contract has no namespace, but not missing.
    #[serde(borrow)]
    output_namespace: &'a RawValue,
    #[serde(borrow)]
    is_mock: &'a RawValue,
    #[serde(borrow)]
    writes: &'a RawValue,
    #[serde(borrow, default)]
    verdict: Option<&'a RawValue>,
    #[serde(borrow, default)]
    verified_digest: Option<&'a RawValue>,
    #[serde(borrow, default)]
    input_digest: Option<&'a RawValue>,
    #[serde(borrow, default)]
    notes: Option<&'a RawValue>,
}

/// A number of writes, or what was written as a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum WriteClaim {
    Count(u64),
    List(Vec<IgnoredAny>),
}

impl WriteClaim {
    fn count(self) -> u64 {
        match self {
            Self::Count(count) => count,
            Self::List(list) => list.len() as u64,
        }
    }
}

impl<'a> AgentResponse<'a> {
    pub(crate) fn from_json(body: &'a [u8]) -> Result<Self, Failure> {
        // A list would do for serde, member by member.
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(broken("it is no JSON object"));
        }
        let wire: RawResponse<'a> =
            serde_json::from_slice(body).map_err(|error| broken(place(&error)))?;
        let digest: String = member("output_digest", "a text", wire.output_digest)?;
        let writes: WriteClaim = member("writes", "a number of writes or a list", wire.writes)?;
        let optional = |name, what, raw: Option<&'a RawValue>| {
            raw.map_or(Ok(None), |raw| member(name, what, raw))
        };
        let verdict: Option<String> = optional("verdict", "a text", wire.verdict)?;
        Ok(Self {
            output: wire.output,
            output_digest: digest
                .parse()
                .map_err(|error| broken(format!("output_digest: {error}")))?,
            output_namespace: member("output_namespace", "a text or null", wire.output_namespace)?,
            // Anything but a plain no is a yes.
            is_mock: wire.is_mock.get() != "false",
            writes: writes.count(),
            verdict: verdict
                .map(|verdict| verdict.parse())
                .transpose()
                .map_err(|_none| broken("verdict: it is none of pass, fail and error"))?,
            is_verdict_unclear: dotwrap_invoke::ToolReport::in_text(body).has_ambiguous_verdict(),
            verified_digest: wire.verified_digest,
            input_digest: wire.input_digest,
            notes: optional("notes", "a text", wire.notes)?,
        })
    }
}

/// Reads a member. What stood there is not repeated: it may be a secret.
fn member<'a, T: Deserialize<'a>>(name: &str, what: &str, raw: &'a RawValue) -> Result<T, Failure> {
    serde_json::from_str(raw.get()).map_err(|_other| broken(format!("{name}: it is not {what}")))
}

/// What is wrong, without what stood there: it may be a secret.
fn place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let names_members_alone =
        text.starts_with("missing field") || text.starts_with("duplicate field");
    if names_members_alone {
        return text;
    }
    format!(
        "it is not JSON, at line {} column {}",
        error.line(),
        error.column()
    )
}

/// An answer that is none.
pub(crate) fn broken(what: impl std::fmt::Display) -> Failure {
    Failure::new(
        "protocol",
        format!("the service's answer is not what the protocol asks for: {what}"),
    )
}
