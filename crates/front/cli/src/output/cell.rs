//! A piece of text with a style. Commands say what a text means; only this file knows colours.

use std::fmt;

use anstyle::{AnsiColor, Style};

use super::visible::{oddity, shown};

/// What a text means to the reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum CellStyle {
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

impl CellStyle {
    /// The style of this tone on a terminal.
    pub(crate) fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Strong => Style::new().bold(),
            Self::Faint => Style::new().dimmed(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Notice => AnsiColor::Cyan.on_default(),
            Self::Caution => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
        }
    }
}

/// A text with its tone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) tone: CellStyle,
}

impl Cell {
    /// A text with a tone. Control characters would move a terminal's cursor or forge lines, and others turn the
    /// direction of writing or are not seen: they are shown, not sent.
    pub(crate) fn toned(text: impl fmt::Display, tone: CellStyle) -> Self {
        Self {
            text: shown(&text.to_string()),
            tone,
        }
    }

    /// A text that means nothing in particular.
    pub(crate) fn plain(text: impl fmt::Display) -> Self {
        Self::toned(text, CellStyle::Plain)
    }

    /// A code, marked where it may not be what it looks like.
    pub(crate) fn code(code: impl fmt::Display) -> Self {
        let code = code.to_string();
        match oddity(&code) {
            Some(oddity) => Self::toned(format!("{code} ({oddity})"), CellStyle::Caution),
            None => Self::plain(code),
        }
    }

    /// The code, or a faint dash where there is none.
    pub(crate) fn code_or_dash(code: Option<impl fmt::Display>) -> Self {
        code.map_or_else(|| Self::toned("–", CellStyle::Faint), Self::code)
    }

    /// The text, or a faint dash where there is none.
    pub(crate) fn or_dash(text: Option<impl fmt::Display>) -> Self {
        text.map_or_else(|| Self::toned("–", CellStyle::Faint), Self::plain)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let style = self.tone.style();
        write!(formatter, "{style}{}{style:#}", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_text_cannot_steer_the_terminal() {
        assert_eq!(Cell::plain("a\u{1b}[2Jb\nc").text, "a\u{fffd}[2Jb\u{fffd}c");
        assert_eq!(Cell::plain("a\u{202e}b").text, "a<U+202E>b");
    }

    #[test]
    fn a_code_of_mixed_scripts_is_marked() {
        let marked = Cell::code("b\u{430}ckup");
        assert_eq!(marked.text, "b\u{430}ckup (mixes Cyrillic and Latin)");
        assert_eq!(marked.tone, CellStyle::Caution);
        assert_eq!(Cell::code("backup"), Cell::plain("backup"));
    }
}
