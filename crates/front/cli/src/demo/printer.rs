//! How the demonstration speaks: prose and real results for a person, findings alone for a program.
use std::time::Duration;

use dotwrap_app::settings::Format;
use serde_json::{Value, json};

use super::SCHEMA;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, Column, Layout, Output, draw_table, escaped_json};

/// Prints the demonstration.
pub(super) struct DemoPrinter<'a> {
    output: &'a mut Output,
    step: usize,
    steps: usize,
    findings: Vec<Value>,
}

const INDENT: &str = "   ";

/// The narrowest terminal that it is to be read on, in columns.
const WIDTH: usize = 80;

/// A sentence as lines that fit, each indented. Colours take no room.
fn wrapped(sentence: &str, indent: &str) -> String {
    let options = textwrap::Options::new(WIDTH)
        .initial_indent(indent)
        .subsequent_indent(indent)
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .word_separator(textwrap::WordSeparator::AsciiSpace);
    textwrap::fill(sentence, options)
}

/// A command in pieces that fit, none of which separates a flag from its value.
fn broken(command: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut words = command.split(' ').peekable();
    while let Some(word) = words.next() {
        let mut piece = word.to_owned();
        if word.starts_with("--")
            && let Some(value) = words.next_if(|next| !next.starts_with("--"))
        {
            piece = format!("{piece} {value}");
        }
        match lines.last_mut() {
            Some(line) if line.is_empty() => *line = piece,
            Some(line) if line.len() + 1 + piece.len() <= width => {
                line.push(' ');
                line.push_str(&piece);
            }
            _ => lines.push(piece),
        }
    }
    lines
}

impl<'a> DemoPrinter<'a> {
    pub(super) fn new(output: &'a mut Output, steps: usize) -> Self {
        Self {
            output,
            step: 0,
            steps,
            findings: Vec::new(),
        }
    }

    pub(super) fn opening(&mut self) -> Result<(), Failure> {
        self.text(&format!(
            "{}",
            Cell::toned("DOT Wrapper: the guided first run", CellStyle::Strong)
        ))?;
        self.text(&wrapped("A pair of tools, a producer and the verifier that checks it, becomes one correlated record.", ""))?;
        self.text(&wrapped("Everything below is the answer of a real call. Tools are called in the steps that say so, with files of the demonstration's own.", ""))
    }

    pub(super) fn heading(&mut self, title: &str) -> Result<(), Failure> {
        self.step += 1;
        let count = Cell::toned(format!("{}/{}", self.step, self.steps), CellStyle::Faint);
        self.text(&format!(
            "\n{count} {}",
            Cell::toned(title, CellStyle::Strong)
        ))
    }

    /// A sentence.
    pub(super) fn paragraph(&mut self, sentence: &str) -> Result<(), Failure> {
        self.text(&wrapped(sentence, INDENT))
    }

    /// The command that does what the step does, in the demonstration's schema.
    pub(super) fn command(&mut self, command: &str) -> Result<(), Failure> {
        self.typed(&format!("dotwrap --schema {SCHEMA} {command}"))
    }

    fn typed(&mut self, command: &str) -> Result<(), Failure> {
        let lines: Vec<String> = broken(command, WIDTH - INDENT.len() - "$ ".len() - " \\".len())
            .into_iter()
            .map(|line| Cell::toned(line, CellStyle::Notice).to_string())
            .collect();
        self.text(&format!(
            "{INDENT}{} {}",
            Cell::toned("$", CellStyle::Faint),
            lines.join(&format!(" \\\n{INDENT}    "))
        ))
    }

    /// A result of several lines.
    pub(super) fn output(&mut self, block: &str) -> Result<(), Failure> {
        let indented: Vec<String> = block
            .lines()
            .map(|line| format!("{INDENT}{line}").trim_end().to_owned())
            .collect();
        self.text(&indented.join("\n"))
    }

    /// A result as a table.
    pub(super) fn table<Row>(
        &mut self,
        rows: &[Row],
        columns: &[Column<Row>],
    ) -> Result<(), Failure> {
        let layout: Layout = self.output.layout();
        self.output(&draw_table(rows, columns, layout.narrower(INDENT.len())))
    }

    /// Something that was checked.
    pub(super) fn check_passed(&mut self, claim: &str) -> Result<(), Failure> {
        self.paragraph(&format!("{} {claim}", Cell::toned("✓", CellStyle::Good)))
    }

    /// What the step found, for a program.
    pub(super) fn add_findings(&mut self, title: &str, findings: Value) -> Result<(), Failure> {
        let finding = json!({ "step": self.step, "title": title, "found": findings });
        match self.output.format() {
            Format::Table => Ok(()),
            Format::Jsonl => self.output.text(&escaped_json(&finding.to_string())),
            Format::Json => {
                self.findings.push(finding);
                Ok(())
            }
        }
    }

    pub(super) fn closing(&mut self, took: Duration) -> Result<(), Failure> {
        if self.output.format() == Format::Json {
            let findings = std::mem::take(&mut self.findings);
            return self
                .output
                .text(&escaped_json(&serde_json::to_string_pretty(&findings)?));
        }
        self.text(&format!(
            "\n{}",
            Cell::toned(
                format!("Done in {:.1} s. Where to look next", took.as_secs_f64()),
                CellStyle::Strong
            )
        ))?;
        self.command("runs show last")?;
        self.command("refusals ls")?;
        self.command("doctor")?;
        self.paragraph("and for a ledger of your own, which the demonstration has not touched:")?;
        self.typed("dotwrap tools import --sample")?;
        self.typed("dotwrap run DOT_SHA256SUM --mode simulate --input release.tar --key first")?;
        self.typed("dotwrap --help")
    }

    fn text(&mut self, text: &str) -> Result<(), Failure> {
        if self.output.format() == Format::Table {
            self.output.text(text)
        } else {
            Ok(())
        }
    }
}
