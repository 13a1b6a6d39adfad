//! A label on a terminal. Only this file knows colours.

use std::fmt;

use anstyle::{AnsiColor, Style};
use dotwrap_app::Label;

pub(crate) use dotwrap_app::Tone as CellStyle;

/// The style of a tone on a terminal.
pub(super) fn style(tone: CellStyle) -> Style {
    match tone {
        CellStyle::Plain => Style::new(),
        CellStyle::Strong => Style::new().bold(),
        CellStyle::Faint => Style::new().dimmed(),
        CellStyle::Good => AnsiColor::Green.on_default(),
        CellStyle::Notice => AnsiColor::Cyan.on_default(),
        CellStyle::Caution => AnsiColor::Yellow.on_default(),
        CellStyle::Bad => AnsiColor::Red.on_default(),
    }
}

/// A text with its tone. `Display` writes it with its colour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) tone: CellStyle,
}

impl Cell {
    /// As [`Label::toned`].
    pub(crate) fn toned(text: impl fmt::Display, tone: CellStyle) -> Self {
        Label::toned(text, tone).into()
    }

    /// As [`Label::plain`].
    pub(crate) fn plain(text: impl fmt::Display) -> Self {
        Label::plain(text).into()
    }

    /// As [`Label::code`].
    pub(crate) fn code(code: impl fmt::Display) -> Self {
        Label::code(code).into()
    }

    /// The code, or a faint dash where there is none.
    pub(crate) fn code_or_dash(code: Option<impl fmt::Display>) -> Self {
        code.map_or_else(|| Self::or_dash(None::<&str>), Self::code)
    }

    /// As [`Label::or_dash`].
    pub(crate) fn or_dash(text: Option<impl fmt::Display>) -> Self {
        Label::or_dash(text).into()
    }
}

impl From<Label> for Cell {
    fn from(label: Label) -> Self {
        Self {
            text: label.text,
            tone: label.tone,
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let style = style(self.tone);
        write!(formatter, "{style}{}{style:#}", self.text)
    }
}
