//! Searches a text for names that would have to be in one JSON object.

use std::{
    borrow::Cow,
    io::{self, Read},
    sync::LazyLock,
};

use aho_corasick::AhoCorasick;

use crate::ReadLimit;

/// How much is looked at at once behind what is held whole.
const CHUNK: usize = 64 * 1024;

/// How far behind a name its value is looked for.
const TAIL: usize = 32;

/// How much of a piece is looked at again with the next: longer than any name, all of it escaped, with what may stand
/// behind it.
const OVERLAP: usize = 128;

pub(super) const VERDICT: &str = "verdict";
pub(super) const IS_MOCK: &str = "is_mock";

/// Finds both names in one pass, in any case. The order is that of [`Mentions::scan`].
static NAMES: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build([VERDICT, IS_MOCK])
        .expect("two short words make a search")
});

/// What a text speaks of that would have to be in one JSON object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Of a verdict.
    pub verdict: bool,
    /// Of one as a JSON object would: the name in double quotes, and a colon.
    pub(super) verdict_member: bool,
    /// Of `is_mock`.
    pub(crate) is_mock: bool,
    /// Whether it is anything but text: not UTF-8, or with a NUL. What it speaks of then, nobody can tell.
    pub(super) is_no_text: bool,
    /// Whether it looks as if it was meant as JSON: by how it begins, or by its last line.
    pub(super) looks_like_json: bool,
}

impl Mentions {
    pub(super) fn in_text(text: &[u8]) -> Self {
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

/// Whether it cannot be the beginning of a text: it holds a NUL, or what is no UTF-8.
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
