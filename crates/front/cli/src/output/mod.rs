//! What a command prints: data to standard output in the asked format, messages to standard error.

mod cell;
mod messages;
mod sheet;
mod table;
mod time;

use std::io::{IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use serde::Serialize;

pub(crate) use cell::{Cell, CellStyle};
pub(crate) use dotwrap_app::{
    format_duration,
    visible::{escaped_json, screened},
};
pub(crate) use messages::{Messages, Verbosity};
pub(crate) use sheet::KeyValueList;
pub(crate) use table::{Column, Layout, draw as draw_table};
pub(crate) use time::{format_minute, format_time};

use crate::failure::Failure;
use dotwrap_app::settings::{Colour, Format};

/// Standard output, in the format and colour that were asked for.
#[derive(Debug)]
pub(crate) struct Output {
    format: Format,
    stream: AutoStream<std::io::Stdout>,
}

impl Output {
    pub(crate) fn new(format: Format, colour: Colour) -> Self {
        Self {
            format,
            stream: AutoStream::new(std::io::stdout(), choice(colour, &std::io::stdout())),
        }
    }

    /// The format that was asked for.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Whether a person looks at it as it comes.
    pub(crate) fn is_terminal(&self) -> bool {
        std::io::stdout().is_terminal()
    }

    /// Prints rows: a table of the given columns, or JSON with every field.
    pub(crate) fn rows<Row: Serialize>(
        &mut self,
        rows: &[Row],
        columns: &[Column<Row>],
    ) -> Result<(), Failure> {
        match self.format {
            Format::Table if rows.is_empty() => Ok(()),
            Format::Table => self.text(&table::draw(rows, columns, self.layout())),
            Format::Json => self.json(rows),
            Format::Jsonl => rows.iter().try_for_each(|row| self.json_line(row)),
        }
    }

    /// Prints one record: drawn for a person, or JSON with every field.
    pub(crate) fn record<Record: Serialize>(
        &mut self,
        record: &Record,
        draw: impl FnOnce(&Record) -> String,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Table => self.text(&draw(record)),
            Format::Json => self.json(record),
            Format::Jsonl => self.json_line(record),
        }
    }

    /// Prints what a command changed, for programs: a person is told by a message, and need not read it twice.
    pub(crate) fn change<Record: Serialize>(&mut self, record: &Record) -> Result<(), Failure> {
        match self.format {
            Format::Table => Ok(()),
            Format::Json => self.json(record),
            Format::Jsonl => self.json_line(record),
        }
    }

    /// Prints text that is drawn already; its colours are dropped where none are wanted. Whatever else would steer a
    /// terminal is shown: not every text is drawn from cells.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.verbatim(&screened(text))
    }

    /// Prints text that a program reads, as it is.
    pub(crate) fn verbatim(&mut self, text: &str) -> Result<(), Failure> {
        self.stream.write_all(text.as_bytes())?;
        if !text.ends_with('\n') {
            self.stream.write_all(b"\n")?;
        }
        Ok(self.stream.flush()?)
    }

    fn json<Value: Serialize + ?Sized>(&mut self, value: &Value) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value)?;
        self.verbatim(&escaped_json(&text))
    }

    fn json_line<Value: Serialize + ?Sized>(&mut self, value: &Value) -> Result<(), Failure> {
        let text = serde_json::to_string(value)?;
        self.verbatim(&escaped_json(&text))
    }

    /// How tables are laid out here.
    pub(crate) fn layout(&self) -> Layout {
        let width = self
            .is_terminal()
            .then(|| comfy_table::Table::new().width())
            .flatten();
        Layout {
            width,
            coloured: self.stream.current_choice() != ColorChoice::Never,
        }
    }
}

/// Whether to colour a stream: what was asked for, else NO_COLOR, CLICOLOR and whether it is a terminal.
fn choice(colour: Colour, stream: &impl anstream::stream::RawStream) -> ColorChoice {
    match colour {
        Colour::Auto => AutoStream::choice(stream),
        Colour::Always => ColorChoice::Always,
        Colour::Never => ColorChoice::Never,
    }
}
