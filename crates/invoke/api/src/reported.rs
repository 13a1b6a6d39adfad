//! What a tool says of itself in what it printed or made.
//!
//! What it says counts where it says it clearly: in one JSON object. Where it speaks of the same things in any other
//! shape (in two objects, behind some text, with a member twice, too deep to be read), nobody can tell what it meant,
//! and that never counts in its favour.

use std::{
    borrow::Cow,
    io::{self, Read},
    path::Path,
    sync::LazyLock,
};

use aho_corasick::AhoCorasick;
use serde_json::Value as Json;

use crate::{ReadLimit, open_file, strict_json};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How much is looked at at once behind what is held whole.
const CHUNK: usize = 64 * 1024;

/// How far behind a name its value is looked for.
const TAIL: usize = 32;

/// How much of a piece is looked at again with the next: longer than any name, all of it escaped, with what may stand
/// behind it.
const OVERLAP: usize = 128;

const VERDICT: &str = "verdict";
const IS_MOCK: &str = "is_mock";

/// Finds both names in one pass, in any case. The order is that of [`Mentions::scan`].
static NAMES: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build([VERDICT, IS_MOCK])
        .expect("two short words make a search")
});

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

/// What a text speaks of that would have to be in one JSON object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Of a verdict.
    pub verdict: bool,
    /// Of one as a JSON object would: the name in double quotes, and a colon.
    verdict_member: bool,
    /// Of `is_mock`.
    pub(crate) is_mock: bool,
    /// Whether it is anything but text: not UTF-8, or with a NUL. What it speaks of then, nobody can tell.
    is_no_text: bool,
    /// Whether it looks as if it was meant as JSON: by how it begins, or by its last line.
    looks_like_json: bool,
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

impl Mentions {
    fn in_text(text: &[u8]) -> Self {
        let mut mentions = Self::at_the_beginning(text);
        mentions.is_no_text |= !unfinished(text).is_empty();
        mentions
    }

    /// As [`Mentions::in_text`], of a text that may end within a character.
    pub(crate) fn at_the_beginning(text: &[u8]) -> Self {
        let begins = text.trim_ascii_start().first();
        let last_line = text.trim_ascii_end().rsplit(|byte| *byte == b'\n').next();
        let mut mentions = Self {
            looks_like_json: matches!(begins, Some(b'{' | b'['))
                || last_line.is_some_and(|line| line.trim_ascii_start().starts_with(b"{")),
            ..Self::default()
        };
        mentions.scan(text);
        mentions.is_no_text = is_no_text(text);
        mentions
    }

    /// Looks at what is left of a file of which this has been looked at.
    pub(crate) fn continue_scan(
        &mut self,
        before: &[u8],
        mut rest: impl Read,
        limit: &ReadLimit,
    ) -> io::Result<()> {
        let mut piece = before[before.len().saturating_sub(OVERLAP)..].to_vec();
        let mut unread = unfinished(before).to_vec();
        loop {
            limit.check()?;
            let length = rest.by_ref().take(CHUNK as u64).read_to_end(&mut piece)?;
            if length == 0 {
                self.is_no_text |= !unread.is_empty();
                return Ok(());
            }
            self.scan(&piece);
            unread.extend_from_slice(&piece[piece.len() - length..]);
            self.is_no_text |= is_no_text(&unread);
            unread = unfinished(&unread).to_vec();
            piece.drain(..piece.len().saturating_sub(OVERLAP));
        }
    }

    fn scan(&mut self, text: &[u8]) {
        let text = &unescaped(text)[..];
        for found in NAMES.find_iter(text) {
            if has_value(text, found.start(), found.end()) {
                match found.pattern().as_usize() {
                    0 => {
                        self.verdict = true;
                        self.verdict_member |= is_member(text, found.start(), found.end());
                    }
                    _ => self.is_mock = true,
                }
            }
        }
    }
}

/// Whether it can not be the beginning of a text: it holds a NUL, or what is no UTF-8.
fn is_no_text(bytes: &[u8]) -> bool {
    let is_utf8 = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    !is_utf8 || bytes.contains(&0)
}

/// The beginning of a character of which the rest is missing, at the end.
fn unfinished(text: &[u8]) -> &[u8] {
    match std::str::from_utf8(text) {
        Err(error) if error.error_len().is_none() => &text[error.valid_up_to()..],
        _ => &[],
    }
}

/// With every character that JSON escapes by its number (`\u0076`) in its place, as far as names need them: a reader of
/// JSON sees no difference.
fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'\\') {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split(|byte| *byte == b'\\');
    let mut plain = parts.next().unwrap_or_default().to_vec();
    for part in parts {
        match escaped(part) {
            Some(byte) => {
                plain.push(byte);
                plain.extend_from_slice(&part[5..]);
            }
            None => {
                plain.push(b'\\');
                plain.extend_from_slice(part);
            }
        }
    }
    Cow::Owned(plain)
}

/// The character that stands behind a backslash by its number, where it is one of ASCII.
fn escaped(behind: &[u8]) -> Option<u8> {
    let digits = behind.strip_prefix(b"u00")?.get(..2)?;
    let byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    byte.is_ascii().then_some(byte)
}

/// Whether a value follows the name that stands there: `"verdict": …`, `verdict=…`, `'Verdict' : …`, `<verdict>…`.
fn has_value(text: &[u8], start: usize, end: usize) -> bool {
    let before = start.checked_sub(1).map(|before| text[before]);
    let is_whole = before.is_none_or(|byte| !byte.is_ascii_alphanumeric() && byte != b'_');
    let behind = text[end..]
        .iter()
        .take(TAIL)
        .find(|byte| !matches!(byte, b'"' | b'\'' | b'\\') && !byte.is_ascii_whitespace());
    is_whole && (matches!(behind, Some(b':' | b'=' | b'>')) || before == Some(b'<'))
}

/// Whether the name stands there as a member of a JSON object: `"verdict": …`, also inside a JSON text, where quotes
/// have backslashes.
fn is_member(text: &[u8], start: usize, end: usize) -> bool {
    let is_white_space = |byte: &&u8| !byte.is_ascii_whitespace();
    let mut behind = text[end..].iter().take(TAIL).filter(is_white_space);
    let mut quoted = behind.by_ref().skip_while(|byte| **byte == b'\\');
    let before = text[..start].trim_ascii_end().last();
    before == Some(&b'"') && quoted.next() == Some(&b'"') && quoted.next() == Some(&b':')
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
