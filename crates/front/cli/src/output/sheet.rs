//! One record as labelled lines.
use super::{Cell, CellStyle, cell::style};

/// Labels and values, aligned; what has no value is left out.
#[derive(Debug, Default)]
pub(crate) struct KeyValueList {
    lines: Vec<(String, Cell)>,
}

impl KeyValueList {
    /// Adds a line.
    pub(crate) fn line(mut self, label: impl Into<String>, value: Cell) -> Self {
        self.lines.push((label.into(), value));
        self
    }

    /// Adds a line where there is a value.
    pub(crate) fn line_if_some(
        self,
        label: impl Into<String>,
        value: Option<impl std::fmt::Display>,
    ) -> Self {
        match value {
            Some(value) => self.line(label, Cell::plain(value)),
            None => self,
        }
    }

    /// Draws the lines, each behind `indent` spaces.
    pub(crate) fn draw(&self, indent: usize) -> String {
        let width = self
            .lines
            .iter()
            .map(|(label, _)| label.chars().count())
            .max()
            .unwrap_or_default();
        let style = style(CellStyle::Faint);
        self.lines
            .iter()
            .map(|(label, value)| {
                format!("{:indent$}{style}{label:width$}{style:#}  {value}\n", "")
            })
            .collect()
    }
}
