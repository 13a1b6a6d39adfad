//! Messages to standard error: what a person wants to know and a pipe must not get.
use std::io::{Stderr, Write};

use anstream::{AutoStream, ColorChoice};
use dotwrap_app::settings::{Colour, Format};
use miette::{GraphicalReportHandler, GraphicalTheme};

use super::{Cell, CellStyle, choice, screened};
use crate::failure::Failure;

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Only failures.
    Quiet,
    /// What a person should know, too.
    Normal,
}

/// Standard error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Messages {
    loudness: Verbosity,
    format: Format,
    colours: ColorChoice,
}

impl Messages {
    pub(crate) fn new(loudness: Verbosity, format: Format, colour: Colour) -> Self {
        Self {
            loudness,
            format,
            colours: choice(colour, &std::io::stderr()),
        }
    }

    /// The same for a part that speaks for itself: only failures are left.
    pub(crate) fn silenced(self) -> Self {
        Self {
            loudness: Verbosity::Quiet,
            ..self
        }
    }

    /// Standard error, coloured or not, for other writers.
    pub(crate) fn stream(&self) -> AutoStream<Stderr> {
        AutoStream::new(std::io::stderr(), self.colours)
    }

    /// Something worth knowing.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        if self.loudness >= Verbosity::Normal {
            text.as_ref()
                .lines()
                .for_each(|line| self.write(&format!("{}\n", Cell::toned(line, CellStyle::Faint))));
        }
    }

    /// Something that may be wrong.
    pub(crate) fn warning(&self, text: impl AsRef<str>) {
        if self.loudness >= Verbosity::Normal {
            self.write(&format!(
                "{} {}\n",
                Cell::toned("warning:", CellStyle::Caution),
                Cell::plain(text.as_ref())
            ));
        }
    }

    /// Whether nothing but failures is said, each in one line.
    pub(crate) fn is_quiet(&self) -> bool {
        self.loudness == Verbosity::Quiet
    }

    /// Whether a progress bar would be seen and is wanted.
    pub(crate) fn may_draw_progress(&self) -> bool {
        use std::io::IsTerminal;
        self.loudness >= Verbosity::Normal
            && self.format == Format::Table
            && std::io::stderr().is_terminal()
    }

    /// Why the command failed; said whatever the loudness.
    pub(crate) fn failure(&self, failure: &Failure) {
        match self.format {
            Format::Table if self.is_quiet() => self.write(&one_line(failure)),
            Format::Table => self.drawn(&self.report(failure)),
            Format::Json | Format::Jsonl => self.write(&format!("{}\n", failure.to_json())),
        }
    }

    fn report(&self, failure: &Failure) -> String {
        let theme = if self.colours == ColorChoice::Never {
            GraphicalTheme::unicode_nocolor()
        } else {
            GraphicalTheme::unicode()
        };
        let mut text = String::new();
        // Writing into a String does not fail.
        let _ = GraphicalReportHandler::new_themed(theme)
            .with_width(100)
            .with_break_words(false)
            .render_report(&mut text, failure);
        text
    }

    /// Text that has its colours already. Any other control character is shown as text, so that it does not control the
    /// terminal.
    pub(crate) fn drawn(&self, text: &str) {
        self.write(&screened(text));
    }

    /// A message that cannot be written is no reason to fail.
    fn write(&self, text: &str) {
        let _ = self.stream().write_all(text.as_bytes());
    }
}

fn one_line(failure: &Failure) -> String {
    let message: Vec<&str> = failure.message.split_whitespace().collect();
    format!(
        "{} {} ({})\n",
        Cell::toned("error:", CellStyle::Bad),
        Cell::plain(message.join(" ")),
        failure.code
    )
}
