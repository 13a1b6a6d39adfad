//! A piece of text with what it means to the reader. A front end turns the meaning into colours.
use std::fmt;

use crate::visible::{oddity, shown};

/// What a text means to the reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Nothing in particular.
    #[default]
    Plain,
    /// A heading.
    Strong,
    /// Needs no attention.
    Faint,
    /// As it should be.
    Good,
    /// Worth knowing: a thing is ready, an id to copy.
    Notice,
    /// Less than it may look like: proof only, expiring, a warning.
    Caution,
    /// Refused, failed, broken.
    Bad,
}

/// A text with its tone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label {
    /// The text. Characters that steer a terminal, or that are not seen, are replaced by visible ones.
    pub text: String,
    /// What it means.
    pub tone: Tone,
}

impl Label {
    /// A text with a tone.
    pub fn toned(text: impl fmt::Display, tone: Tone) -> Self {
        Self {
            text: shown(&text.to_string()),
            tone,
        }
    }

    /// A text that means nothing in particular.
    pub fn plain(text: impl fmt::Display) -> Self {
        Self::toned(text, Tone::Plain)
    }

    /// A code, marked where it may not be what it looks like.
    pub fn code(code: impl fmt::Display) -> Self {
        let code = code.to_string();
        match oddity(&code) {
            Some(oddity) => Self::toned(format!("{code} ({oddity})"), Tone::Caution),
            None => Self::plain(code),
        }
    }

    /// The text, or a faint dash where there is none.
    pub fn or_dash(text: Option<impl fmt::Display>) -> Self {
        text.map_or_else(|| Self::toned("–", Tone::Faint), Self::plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_text_cannot_steer_the_terminal() {
        assert_eq!(
            Label::plain("a\u{1b}[2Jb\nc").text,
            "a\u{fffd}[2Jb\u{fffd}c"
        );
        assert_eq!(Label::plain("a\u{202e}b").text, "a<U+202E>b");
    }

    #[test]
    fn code_of_mixed_scripts_is_marked() {
        let marked = Label::code("b\u{430}ckup");
        assert_eq!(marked.text, "b\u{430}ckup (mixes Cyrillic and Latin)");
        assert_eq!(marked.tone, Tone::Caution);
        assert_eq!(Label::code("backup"), Label::plain("backup"));
    }
}
