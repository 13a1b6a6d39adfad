//! A piece of text with a tone. Commands say what a text means; only this file knows colours.

use std::fmt;

use anstyle::{AnsiColor, Style};

/// What a text means to the reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
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

impl Tone {
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
    pub(crate) tone: Tone,
}

impl Cell {
    /// A text with a tone. Control characters would move a terminal's cursor or forge lines: they are shown, not sent.
    pub(crate) fn toned(text: impl fmt::Display, tone: Tone) -> Self {
        Self {
            text: harmless(&text.to_string()),
            tone,
        }
    }

    /// A text that means nothing in particular.
    pub(crate) fn plain(text: impl fmt::Display) -> Self {
        Self::toned(text, Tone::Plain)
    }

    /// The text, or a faint dash where there is none.
    pub(crate) fn or_dash(text: Option<impl fmt::Display>) -> Self {
        text.map_or_else(|| Self::toned("–", Tone::Faint), Self::plain)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let style = self.tone.style();
        write!(formatter, "{style}{}{style:#}", self.text)
    }
}

fn harmless(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                '\u{fffd}'
            } else {
                character
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_text_cannot_steer_the_terminal() {
        assert_eq!(Cell::plain("a\u{1b}[2Jb\nc").text, "a\u{fffd}[2Jb\u{fffd}c");
    }
}
