//! What a tool says of itself in what it printed or made.
//!
//! What it says counts where it says it clearly: in one JSON object. Where it speaks of the same things in any other
//! shape (in two objects, behind some text, with a member twice, too deep to be read), nobody can tell what it meant,
//! and that never counts in its favour.

mod mentions;

use std::{
    io::{self, Read},
    path::Path,
};

use serde_json::Value as Json;

pub use self::mentions::Mentions;
use self::mentions::{IS_MOCK, VERDICT};
use crate::{ReadLimit, open_file, strict_json};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What is in a file.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolReport {
    /// JSON, and nothing else.
    Json(Json),
    /// Something else, and what it speaks of.
    Text(Mentions),
    /// What begins like an object and is too long to be read as one.
    TooLong(Mentions),
}

/// Whether a tool that answers with this text says that it only pretended.
pub fn reports_mock(text: &[u8]) -> bool {
    ToolReport::in_text(text).is_mock()
}

pub(crate) fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

impl ToolReport {
    /// Nothing at all.
    pub fn nothing() -> Self {
        Self::Text(Mentions::default())
    }

    /// Reads a file; it is held up to this length. A link in its place is not followed, and nothing but a file is read.
    ///
    /// # Errors
    /// The file system's, and the limit's.
    pub fn in_file(path: &Path, most: u64, limit: &ReadLimit) -> io::Result<Self> {
        let Some(mut file) = open_file(path)? else {
            return Ok(Self::nothing());
        };
        let mut bytes = Vec::new();
        limit
            .reader(file.by_ref())
            .take(most + 1)
            .read_to_end(&mut bytes)?;
        if bytes.len() as u64 <= most {
            return Ok(Self::in_text(&bytes));
        }
        let text = without_mark(&bytes);
        let mut mentions = Mentions::at_the_beginning(text);
        mentions.continue_scan(&bytes, file, limit)?;
        Ok(match text.trim_ascii_start().first() {
            Some(b'{') => Self::TooLong(mentions),
            _ => Self::Text(mentions),
        })
    }

    /// What is in a text.
    pub fn in_text(text: &[u8]) -> Self {
        let text = without_mark(text);
        strict_json::read(text)
            .map_or_else(|_no_json| Self::Text(Mentions::in_text(text)), Self::Json)
    }

    /// Whether it speaks of a verdict, but not in the one place where that is looked for. For an answer of a protocol.
    pub fn has_ambiguous_verdict(&self) -> bool {
        self.has_verdict_elsewhere(|mentions| mentions.verdict)
    }

    /// Whether a JSON object has the member `verdict`, but not in the one place where that is looked for. For what a
    /// program prints: plain text decides nothing.
    pub fn has_ambiguous_verdict_member(&self) -> bool {
        self.has_verdict_elsewhere(|mentions| mentions.verdict_member)
    }

    fn has_verdict_elsewhere(&self, in_text: fn(&Mentions) -> bool) -> bool {
        match self {
            Self::Json(json @ Json::Object(members)) => {
                let otherwise = |name: &String| name != VERDICT && is_called(name, VERDICT);
                members.keys().any(otherwise)
                    || (!members.contains_key(VERDICT) && speaks_of_verdict(json, in_text))
            }
            Self::Json(json) => speaks_of_verdict(json, in_text),
            Self::Text(mentions) | Self::TooLong(mentions) => in_text(mentions),
        }
    }

    /// Whether it is anything but text, in which nobody would find a verdict.
    pub fn is_not_utf8(&self) -> bool {
        match self {
            Self::Json(_) => false,
            Self::Text(mentions) | Self::TooLong(mentions) => mentions.is_no_text,
        }
    }

    /// Whether it says that it only pretended. Anything but a clear no is a yes: evidence must not be above what
    /// happened.
    pub fn is_mock(&self) -> bool {
        match self {
            Self::Json(json) => has_mock(json),
            Self::Text(mentions) | Self::TooLong(mentions) => {
                mentions.is_mock && mentions.looks_like_json
            }
        }
    }
}

fn is_called(name: &str, wanted: &str) -> bool {
    name.trim().eq_ignore_ascii_case(wanted)
}

/// Whether it speaks of a verdict anywhere, in its members' names or in texts that it holds.
fn speaks_of_verdict(json: &Json, in_text: fn(&Mentions) -> bool) -> bool {
    anywhere(
        json,
        |name, _| is_called(name, VERDICT),
        |said| said.has_verdict_elsewhere(in_text),
    )
}

/// Whether one of the members, as deep as it goes and in texts that are JSON themselves, says that the tool only
/// pretended. Anything but a plain `false` is a yes.
pub fn has_mock(json: &Json) -> bool {
    let is_mock =
        |name: &str, value: &Json| is_called(name, IS_MOCK) && *value != Json::Bool(false);
    anywhere(json, is_mock, ToolReport::is_mock)
}

/// Whether a member is it, or a text, which is a value or a member's name. A text that is JSON itself is looked at in
/// the same way, and so on: each level of quoting doubles its backslashes, so that there are few. One level after the
/// other, for the stack's sake.
fn anywhere(
    json: &Json,
    is_it: impl Fn(&str, &Json) -> bool,
    says_it: impl Fn(&ToolReport) -> bool,
) -> bool {
    let mut inner = Vec::new();
    let mut says = |text: &str, inner: &mut Vec<Json>| match ToolReport::in_text(text.as_bytes()) {
        ToolReport::Json(json) => {
            inner.push(json);
            false
        }
        other => says_it(&other),
    };
    if any_part(json, &is_it, &mut says, &mut inner) {
        return true;
    }
    while let Some(json) = inner.pop() {
        if any_part(&json, &is_it, &mut says, &mut inner) {
            return true;
        }
    }
    false
}

/// As deep as it goes, which the parser has limited.
fn any_part(
    json: &Json,
    is_it: &impl Fn(&str, &Json) -> bool,
    says: &mut impl FnMut(&str, &mut Vec<Json>) -> bool,
    inner: &mut Vec<Json>,
) -> bool {
    match json {
        Json::Object(members) => members.iter().any(|(name, value)| {
            is_it(name, value) || says(name, inner) || any_part(value, is_it, says, inner)
        }),
        Json::Array(items) => items.iter().any(|item| any_part(item, is_it, says, inner)),
        Json::String(text) => says(text, inner),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(text: &str, times: usize) -> String {
        (0..times).fold(text.to_owned(), |text, _| Json::from(text).to_string())
    }

    fn is_unclear(text: &str) -> bool {
        ToolReport::in_text(text.as_bytes()).has_ambiguous_verdict()
    }

    #[test]
    fn a_text_in_json_says_what_it_says_outside_of_it() {
        for text in [
            r#"{"verdict": "fail"}"#,
            r#"{"a": [{"Verdict": "fail"}]}"#,
            "looking\n{\"verdict\": \"fail\"}",
            "verdict: fail",
            "<verdict>fail</verdict>",
            r#"<verdict value="fail"/>"#,
            "<r:verdict>fail</r:verdict>",
        ] {
            for times in 1..5 {
                let quoted = quoted(text, times);
                for said in [
                    quoted.clone(),
                    format!("[{quoted}]"),
                    format!(r#"{{"message": {quoted}}}"#),
                    format!(r#"{{{quoted}: 1}}"#),
                ] {
                    assert!(is_unclear(&said), "{said}");
                }
                // The one clear word counts, whatever is told beside it.
                let clear = format!(r#"{{"verdict": "pass", "message": {quoted}}}"#);
                assert!(!is_unclear(&clear), "{clear}");
            }
        }
        for harmless in ["the verdict of the jury", "a < verdict", r#"{"a": 1}"#] {
            assert!(!is_unclear(&quoted(harmless, 2)), "{harmless}");
        }
    }

    #[test]
    fn a_mock_in_a_text_in_json_is_one() {
        for (text, expected) in [
            (r#"{"is_mock": true}"#, true),
            (r#"{"a": {"is_mock": null}}"#, true),
            ("done\n{\"is_mock\": true}", true),
            (r#"{"is_mock": false}"#, false),
            ("is_mock: true, they say", false),
        ] {
            for times in 1..5 {
                let said = format!(r#"{{"verdict": "pass", "a": {}}}"#, quoted(text, times));
                assert_eq!(reports_mock(said.as_bytes()), expected, "{said}");
                assert_eq!(
                    reports_mock(quoted(text, times).as_bytes()),
                    expected,
                    "{said}"
                );
            }
        }
    }

    /// As deep as the parser lets it go, again in each text.
    #[test]
    fn texts_in_texts_cost_no_stack() {
        let deep = |text: &str| format!("{}{text}{}", "[".repeat(120), "]".repeat(120));
        let nested = (0..18).fold(deep(r#"{"is_mock": true}"#), |text, _| {
            deep(&Json::from(text).to_string())
        });
        let small = std::thread::Builder::new().stack_size(512 << 10);
        let looking = small.spawn(move || reports_mock(nested.as_bytes()));
        assert!(looking.unwrap().join().unwrap());
    }
}
