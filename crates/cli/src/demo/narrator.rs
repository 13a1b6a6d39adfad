//! How the demonstration speaks: prose and real results for a person, findings alone for a program.

use std::time::Duration;

use serde_json::{Value, json};

use super::SCHEMA;
use crate::configuration::Format;
use crate::failure::Failure;
use crate::output::{Cell, Column, Layout, Output, Tone, draw_table};

/// Speaks to whoever asked for the demonstration.
pub(super) struct Narrator<'a> {
    output: &'a mut Output,
    step: usize,
    steps: usize,
    findings: Vec<Value>,
}

const INDENT: &str = "   ";

impl<'a> Narrator<'a> {
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
            Cell::toned("DOT Wrapper: the guided first run", Tone::Strong)
        ))?;
        self.text("A pair of tools, a producer and the verifier that checks it, becomes one correlated record.")?;
        self.text("Everything below is the answer of a real call; nothing is executed.")
    }

    pub(super) fn heading(&mut self, title: &str) -> Result<(), Failure> {
        self.step += 1;
        let count = Cell::toned(format!("{}/{}", self.step, self.steps), Tone::Faint);
        self.text(&format!("\n{count} {}", Cell::toned(title, Tone::Strong)))
    }

    /// A sentence.
    pub(super) fn says(&mut self, sentence: &str) -> Result<(), Failure> {
        self.text(&format!("{INDENT}{sentence}"))
    }

    /// The command that does what the step does, in the demonstration's schema.
    pub(super) fn command(&mut self, command: &str) -> Result<(), Failure> {
        self.typed(&format!("dotwrap --schema {SCHEMA} {command}"))
    }

    fn typed(&mut self, command: &str) -> Result<(), Failure> {
        self.text(&format!(
            "{INDENT}{} {}",
            Cell::toned("$", Tone::Faint),
            Cell::toned(command, Tone::Notice)
        ))
    }

    /// A result of several lines.
    pub(super) fn shows(&mut self, block: &str) -> Result<(), Failure> {
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
        self.shows(&draw_table(rows, columns, layout.narrower(INDENT.len())))
    }

    /// Something that was checked.
    pub(super) fn holds(&mut self, claim: &str) -> Result<(), Failure> {
        self.says(&format!("{} {claim}", Cell::toned("✓", Tone::Good)))
    }

    /// What the step found, for a program.
    pub(super) fn found(&mut self, title: &str, findings: Value) -> Result<(), Failure> {
        let finding = json!({ "step": self.step, "title": title, "found": findings });
        match self.output.format() {
            Format::Table => Ok(()),
            Format::Jsonl => self.output.text(&finding.to_string()),
            Format::Json => {
                self.findings.push(finding);
                Ok(())
            }
        }
    }

    pub(super) fn closing(&mut self, took: Duration) -> Result<(), Failure> {
        if self.output.format() == Format::Json {
            let findings = std::mem::take(&mut self.findings);
            return self.output.text(&serde_json::to_string_pretty(&findings)?);
        }
        self.text(&format!(
            "\n{}",
            Cell::toned(
                format!("Done in {:.1} s. Where to look next", took.as_secs_f64()),
                Tone::Strong
            )
        ))?;
        self.command("runs show last")?;
        self.command("refusals ls")?;
        self.command("doctor")?;
        self.says("and for a ledger of your own, which the demonstration has not touched:")?;
        self.typed("dotwrap tools import --sample")?;
        self.typed("dotwrap run DOT_SHA256SUM --input release.tar --key first")?;
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
