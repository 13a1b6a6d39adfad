//! The answer to a call, from what the tool answered.

use std::{io, path::PathBuf};

use dotwrap_invoke::{
    Answer, CallOutcome, Digest, Failure, MockSearch, Output, ReadLimit, Secrets, ToolCall,
    ToolReport, has_mock, reports_mock,
};
use dotwrap_types::{ComponentRole, Verdict};
use rmcp::model::CallToolResult;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json, value::RawValue};

use crate::output::{self, ToolResult, bytes_of};

/// What keeping an answer needs to know of its call.
pub(crate) struct Keeping {
    pub(crate) call: ToolCall,
    /// Where the tool was asked to put its output, if it was.
    pub(crate) asked_for: Option<PathBuf>,
    /// An output of more than so many bytes is none.
    pub(crate) most: u64,
    /// Where what the server's program printed beside its messages is kept.
    pub(crate) transcripts: Vec<PathBuf>,
    pub(crate) secrets: Secrets,
}

/// Keeps what a tool answered and says what it means. The evidence is added by the caller.
pub(crate) fn of(result: CallToolResult, keeping: &Keeping, limit: &ReadLimit) -> Answer {
    let most = keeping.most;
    let answer = read(result, keeping, limit).unwrap_or_else(|error| {
        Answer::failed(Failure::new(
            "output_not_kept",
            format!("what the tool answered could not be kept: {error}"),
        ))
    });
    match &answer.output {
        Some(output) if output.size > most => Answer {
            output: None,
            verdict: None,
            verified_digest: None,
            ending: CallOutcome::Failed(too_large()),
            ..answer
        },
        _ => answer,
    }
}

fn read(result: CallToolResult, keeping: &Keeping, limit: &ReadLimit) -> io::Result<Answer> {
    let call = &keeping.call;
    if says_secret(&result, keeping, limit)? {
        let what = "the server says a secret that it was given; nothing of its answer was kept";
        return Ok(Answer::failed(Failure::new("secret_in_answer", what)));
    }
    let is_error = result.is_error == Some(true);
    let text = output::single_text(&result).map(str::to_owned);
    let texts: Vec<String> = output::texts(&result).map(str::to_owned).collect();
    let answered = ToolResult::by(result)?;
    if is_error {
        answered.write(&call.folder, "tool_error")?;
        let failure = Failure::new(
            "tool_error",
            "the tool answered that it failed; what it said is in tool_error.json or tool_error.txt of the call's folder",
        );
        return Ok(said(Answer::failed(failure), &answered, &texts));
    }
    let asked_for = keeping.asked_for.as_deref();
    let mut search = None;
    let output = match asked_for {
        None => Output::of_within(&answered.write(&call.folder, "output")?, limit)?,
        Some(path) => {
            answered.write(&call.folder, "answer")?;
            // Counted before it is read: what may be far too much is not digested first.
            if Output::size_at(path, limit)? > keeping.most {
                return Ok(said(Answer::failed(too_large()), &answered, &texts));
            }
            search = Some(MockSearch::in_file(path, limit).unwrap_or(MockSearch::interrupted()));
            match Output::of_within(path, limit) {
                Ok(output) => output,
                Err(error) => {
                    return Ok(said(Answer::failed(no_output(&error)), &answered, &texts));
                }
            }
        }
    };
    let file = asked_for.is_some().then_some(output.digest);
    let mut answer = said(Answer::new(CallOutcome::Completed), &answered, &texts);
    if let Some(search) = search {
        answer.is_mock |= search.is_mock;
        answer = answer.with("is_mock_search", json!({"output": search.evidence()}));
    }
    answer.output = Some(output);
    Ok(
        match judge(call, &answered, text.as_deref(), &texts, file) {
            Ok(judged) => Answer {
                verdict: judged.verdict,
                verified_digest: judged.verified_digest,
                ..answer
            },
            // What was kept stays in the folder; it is nobody's output.
            Err(failure) => Answer {
                ending: CallOutcome::Failed(failure),
                output: None,
                ..answer
            },
        },
    )
}

/// In what it answered, in what it left, or in what its program printed.
fn says_secret(result: &CallToolResult, keeping: &Keeping, limit: &ReadLimit) -> io::Result<bool> {
    let secrets = &keeping.secrets;
    if secrets.is_empty() {
        return Ok(false);
    }
    if secrets.is_in(&serde_json::to_vec(result)?) {
        return Ok(true);
    }
    for place in keeping.transcripts.iter().chain(&keeping.asked_for) {
        if secrets.is_in_output(place, limit)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn too_large() -> Failure {
    Failure::new("output_too_large", "the output exceeds limits.output_bytes")
}

fn no_output(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => Failure::new(
            "output_missing",
            "the tool answered as if all were well, and left no output",
        ),
        _ => Failure::new("output_unusable", error.to_string()),
    }
}

/// What a tool says of itself counts against it even where it failed, and in a text beside what counts as its answer.
fn said(mut answer: Answer, answered: &ToolResult, texts: &[String]) -> Answer {
    // Whatever is neither absent nor plainly "no" is read as "yes": the reading that claims less.
    answer.is_mock = texts.iter().any(|text| reports_mock(text.as_bytes()))
        || matches!(answered, ToolResult::Json(json) if has_mock(json));
    answer
}

#[derive(Default)]
struct Assessment {
    verdict: Option<Verdict>,
    verified_digest: Option<Digest>,
}

fn judge(
    call: &ToolCall,
    answered: &ToolResult,
    text: Option<&str>,
    texts: &[String],
    file: Option<Digest>,
) -> Result<Assessment, Failure> {
    let nothing = Map::new();
    let members = match answered {
        ToolResult::Json(Json::Object(members)) => members,
        _ => &nothing,
    };
    check_own_digest(members, text, file)?;
    if call.role == ComponentRole::Producer {
        return Ok(Assessment::default());
    }
    Ok(Assessment {
        verdict: Some(agreed(verdict(members)?, answered, texts)?),
        verified_digest: verified_digest(members)?,
    })
}

/// `output_digest` is of the file that the tool was asked for, or of the `output` beside it.
fn check_own_digest(
    members: &Map<String, Json>,
    text: Option<&str>,
    file: Option<Digest>,
) -> Result<(), Failure> {
    let Some(claimed) = members
        .get("output_digest")
        .filter(|claimed| !claimed.is_null())
    else {
        return Ok(());
    };
    let actual = match (file, members.get("output")) {
        (Some(digest), _) => vec![digest],
        // Nothing is there that it could be compared with.
        (None, None) => return Ok(()),
        (None, Some(output)) => digests_of(output, text)?,
    };
    let claimed = claimed.as_str().and_then(|claimed| claimed.parse().ok());
    if claimed.is_some_and(|claimed: Digest| actual.contains(&claimed)) {
        return Ok(());
    }
    Err(Failure::new(
        "digest_mismatch",
        "the digest that the tool gives is not that of its output",
    ))
}

/// Of the value's canonical form; of a text, of the text itself as well; and of how it stands in the text that the tool
/// answered.
fn digests_of(output: &Json, text: Option<&str>) -> Result<Vec<Digest>, Failure> {
    let canonical =
        bytes_of(output).map_err(|error| Failure::new("output_not_kept", error.to_string()))?;
    let mut digests = vec![Digest::of(canonical)];
    digests.extend(output.as_str().map(Digest::of));
    let raw = text.and_then(|text| serde_json::from_str::<ExtraText>(text).ok());
    if let Some(raw) = raw.filter(|raw| is_same(raw.output, output)) {
        digests.push(Digest::of(raw.output.get()));
    }
    Ok(digests)
}

#[derive(Deserialize)]
struct ExtraText<'a> {
    #[serde(borrow)]
    output: &'a RawValue,
}

fn is_same(raw: &RawValue, output: &Json) -> bool {
    serde_json::from_str::<Json>(raw.get()).is_ok_and(|value| value == *output)
}

fn verdict(members: &Map<String, Json>) -> Result<Verdict, Failure> {
    let said = members.get("verdict").ok_or_else(|| {
        Failure::new("verdict_missing", "the verifier answered without a verdict")
    })?;
    said.as_str()
        .and_then(|said| said.parse().ok())
        .ok_or_else(|| {
            Failure::new(
                "verdict_invalid",
                "the verifier's verdict is none of pass, fail and error",
            )
        })
}

/// A text beside the structured answer is the same answer for older readers. Where it says another thing, or where
/// either speaks of a verdict in another shape, nobody can tell which is meant.
fn agreed(verdict: Verdict, answered: &ToolResult, texts: &[String]) -> Result<Verdict, Failure> {
    let invalid = |what| Err(Failure::new("verdict_invalid", what));
    let beside = texts
        .iter()
        .map(|text| ToolReport::in_text(text.as_bytes()));
    let answer = match answered {
        ToolResult::Json(json) => Some(ToolReport::Json(json.clone())),
        ToolResult::Text(_) => None,
    };
    for said in beside.chain(answer) {
        if said.has_ambiguous_verdict() {
            return invalid(
                "the verifier speaks of a verdict, and not in the member `verdict` of one JSON object",
            );
        }
        if let ToolReport::Json(Json::Object(members)) = &said
            && let Some(other) = members.get("verdict")
            && other.as_str() != Some(verdict.as_ref())
        {
            return invalid(
                "the verifier gives one verdict in its structured answer and another in its text",
            );
        }
    }
    Ok(verdict)
}

fn verified_digest(members: &Map<String, Json>) -> Result<Option<Digest>, Failure> {
    let mut found = None;
    for name in ["verified_digest", "input_digest"] {
        let Some(said) = members.get(name).filter(|said| !said.is_null()) else {
            continue;
        };
        let digest: Option<Digest> = said.as_str().and_then(|said| said.parse().ok());
        match (digest, found) {
            (None, _) => {
                let what = format!("the verifier's `{name}` is no SHA-256 digest");
                return Err(Failure::new("digest_invalid", what));
            }
            (Some(digest), Some(other)) if digest != other => {
                let what = "the verifier names two digests that it looked at";
                return Err(Failure::new("digest_mismatch", what));
            }
            (digest, _) => found = digest,
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use rmcp::model::ContentBlock;

    use super::*;

    fn with_text(text: &str, structured: Json) -> (Vec<String>, ToolResult) {
        let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
        result.structured_content = Some(structured);
        let texts = output::texts(&result).map(str::to_owned).collect();
        (texts, ToolResult::by(result).unwrap())
    }

    #[test]
    fn a_text_that_owns_up_counts_beside_a_structured_answer_that_does_not() {
        for (text, structured, is_mock) in [
            (r#"{"is_mock": true}"#, json!({"is_mock": false}), true),
            ("fine", json!({"result": {"is_mock": true}}), true),
            ("fine", json!({"is_mock": false}), false),
        ] {
            let (texts, answered) = with_text(text, structured);
            let answer = said(Answer::new(CallOutcome::Completed), &answered, &texts);
            assert_eq!(answer.is_mock, is_mock, "{text} {answered:?}");
        }
    }

    #[test]
    fn two_verdicts_are_none() {
        for (text, structured, is_clear) in [
            (r#"{"verdict": "fail"}"#, json!({"verdict": "pass"}), false),
            (
                r#""{\"verdict\": \"fail\"}""#,
                json!({"verdict": "pass"}),
                false,
            ),
            (r#"["verdict: fail"]"#, json!({"verdict": "pass"}), false),
            ("verdict: fail", json!({"verdict": "pass"}), false),
            ("fine", json!({"verdict": "pass", "Verdict": "fail"}), false),
            (r#"{"verdict": "pass"}"#, json!({"verdict": "pass"}), true),
            (
                "all is well",
                json!({"verdict": "pass", "a": {"verdict": "fail"}}),
                true,
            ),
        ] {
            let (mut texts, answered) = with_text(text, structured);
            let agreed_on = agreed(Verdict::Pass, &answered, &texts);
            assert_eq!(agreed_on.is_ok(), is_clear, "{text} {answered:?}");
            texts.push("and more".to_owned());
            let agreed_on = agreed(Verdict::Pass, &answered, &texts);
            assert_eq!(agreed_on.is_ok(), is_clear, "{text} {answered:?}");
        }
    }

    #[test]
    fn a_mock_in_a_text_in_json_counts() {
        let (texts, answered) = with_text("fine", json!({"a": "{\"is_mock\": true}"}));
        assert!(said(Answer::new(CallOutcome::Completed), &answered, &texts).is_mock);
    }
}
