//! Believing an answer, as far as it can be checked.

use dotwrap_invoke::{Answer, Digest, Failure, ToolCall};
use dotwrap_types::{ComponentRole, Verdict};
use serde_json::{Value as Json, value::RawValue};

use crate::{
    canonical::Canonical,
    evidence::truncate,
    response::{AgentResponse, broken},
};

/// The notes' limit in the evidence, in characters.
const NOTES_LIMIT: usize = 2_000;
/// That of a namespace, as far as the ledger's references go.
const NAMESPACE_LIMIT: usize = 500;

/// What an answer gives, once it is believed.
pub(crate) struct ValidatedResponse {
    pub(crate) output: Canonical,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) verified_digest: Option<Digest>,
}

/// Notes what the service says of itself, as what it is: said.
pub(crate) fn note(response: &AgentResponse<'_>, answer: &mut Answer) {
    answer.is_mock |= response.is_mock;
    let evidence = &mut answer.evidence;
    let mut put = |name: &str, fact: Json| evidence.insert(name.to_owned(), fact);
    put("reported_is_mock", response.is_mock.into());
    put("reported_writes", response.writes.into());
    put(
        "reported_output_digest",
        response.output_digest.to_string().into(),
    );
    if let Some(namespace) = &response.output_namespace {
        put(
            "reported_output_namespace",
            truncate(namespace, NAMESPACE_LIMIT).into(),
        );
    }
    if let Some(notes) = &response.notes {
        put("notes", truncate(notes, NOTES_LIMIT).into());
        if notes.chars().count() > NOTES_LIMIT {
            put("notes_cut", true.into());
        }
    }
}

/// Holds an answer against the call.
pub(crate) fn validate(
    response: &AgentResponse<'_>,
    call: &ToolCall,
) -> Result<ValidatedResponse, Failure> {
    let output =
        Canonical::of(response.output).map_err(|what| broken(format!("output: {what}")))?;
    if output
        .form_with_digest(response.output, response.output_digest)
        .is_none()
    {
        let message = format!(
            "the service says that its output's digest is {}; as it stood in the answer it is {}, and in the form that is kept {}",
            response.output_digest,
            Digest::of(response.output.get()),
            Digest::of(&output.bytes)
        );
        return Err(Failure::new("digest_mismatch", message));
    }
    check_namespace(call, response.output_namespace.as_deref())?;
    if response.writes > 0 && !call.mode.may_mutate() {
        let message = format!(
            "the service reports {} writes in mode {}",
            response.writes, call.mode
        );
        return Err(Failure::new("wrote_below_real_run", message));
    }
    let (verdict, verified_digest) = match call.role {
        // What a producer thinks of its own output is no verdict.
        ComponentRole::Producer => (None, None),
        ComponentRole::Verifier => {
            let verdict = verdict(response)?;
            let committed = call.produced.as_ref().map(|made| made.committed_digest);
            let looked_at = verified_digest(response, &output.value, committed)?;
            (Some(verdict), looked_at)
        }
    };
    Ok(ValidatedResponse {
        output,
        verdict,
        verified_digest,
    })
}

fn check_namespace(call: &ToolCall, response: Option<&str>) -> Result<(), Failure> {
    // Only a real run's contract may have none; then nothing was agreed that could be left.
    let Some(agreed) = call.contract.output_namespace.as_deref() else {
        return Ok(());
    };
    if response.is_some_and(|response| is_within(agreed, response)) {
        return Ok(());
    }
    let message = match response {
        Some(response) => format!(
            "the service put its output into {}, which is not within {agreed}",
            truncate(response, NAMESPACE_LIMIT)
        ),
        None => format!("the service does not say that its output is within {agreed}"),
    };
    Err(Failure::new("left_namespace", message))
}

/// Whether a name is a namespace, or lies below it: after it comes `/` or `:`. What lies below may not climb out again,
/// nor after somebody has decoded it.
fn is_within(namespace: &str, name: &str) -> bool {
    let Some(below) = name
        .strip_prefix(namespace)
        .filter(|_| !namespace.is_empty())
    else {
        return false;
    };
    let is_separated = namespace.ends_with(['/', ':']) || below.starts_with(['/', ':']);
    let climbs = below.contains("..") || below.contains(['\\', '%']);
    below.is_empty() || (is_separated && !climbs && !below.contains(char::is_control))
}

fn verdict(response: &AgentResponse<'_>) -> Result<Verdict, Failure> {
    let verdict = response.verdict.ok_or_else(|| {
        let message = "the service was called as a verifier and gave no verdict";
        Failure::new("verdict_missing", message)
    })?;
    if response.is_verdict_unclear {
        return Err(broken(
            "verdict: it speaks of one elsewhere than in the member `verdict` of one JSON object",
        ));
    }
    Ok(verdict)
}

/// The digest that a verifier says it looked at, beside its verdict or in its report. Where it says two, the one that
/// is not what was committed: it counts against it.
fn verified_digest(
    response: &AgentResponse<'_>,
    report: &Json,
    committed: Option<Digest>,
) -> Result<Option<Digest>, Failure> {
    let beside = |member: Option<&RawValue>| {
        let member = member.and_then(|raw| serde_json::from_str::<Json>(raw.get()).ok());
        member.filter(|response| !response.is_null())
    };
    let within = |name: &str| {
        report
            .get(name)
            .filter(|response| !response.is_null())
            .cloned()
    };
    let named = [
        verified_digest_matches(
            beside(response.verified_digest),
            beside(response.input_digest),
        )?,
        verified_digest_matches(within("verified_digest"), within("input_digest"))?,
    ];
    let mut others = named
        .into_iter()
        .flatten()
        .filter(|named| Some(*named) != committed);
    Ok(others.next().or(named.into_iter().flatten().next()))
}

/// `verified_digest`, or else `input_digest`.
fn verified_digest_matches(
    verified: Option<Json>,
    input: Option<Json>,
) -> Result<Option<Digest>, Failure> {
    let digest = |response: Json| response.as_str().and_then(|response| response.parse().ok());
    match verified {
        Some(response) => digest(response)
            .map(Some)
            .ok_or_else(|| broken("verified_digest: it is no SHA-256 digest")),
        // A name that a report may use for something of its own.
        None => Ok(input.and_then(digest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_left_by_what_only_looks_like_it() {
        for name in ["NS:kg", "NS:kg/a", "NS:kg:a"] {
            assert!(is_within("NS:kg", name), "{name}");
        }
        for name in [
            "",
            "NS:kgx",
            "NS:k",
            "ns:kg",
            "NS:kg/../x",
            "NS:kg/%2e%2e/x",
            "NS:kg/a\\b",
            "NS:kg/\0",
        ] {
            assert!(!is_within("NS:kg", name), "{name}");
        }
        assert!(!is_within("", "x"));
    }
}
