//! Reads what a tool left: its output, and what it said of itself.

use std::{
    collections::BTreeMap,
    io::{self, Read},
    path::{Path, PathBuf},
};

use dotwrap_invoke::{Failure, MockSearch, Output, ReadLimit, Secrets, ToolReport, open_file};
use dotwrap_types::ComponentRole;
use serde_json::{Map, Value as Json};

use crate::{
    output_source::OutputSource, patterns::Printed, prepare::Prepared, reference::ReferenceFields,
};

/// What a verifier prints is looked at up to this length, in bytes.
const MAX_VERDICT_BYTES: u64 = 1024 * 1024;

/// An output that was read to its end.
pub(crate) struct ReadOutput {
    pub(crate) output: Output,
    /// What a reference says, by the contract's names.
    pub(crate) fields: BTreeMap<String, String>,
    /// What a verifier printed; nothing, of a producer.
    pub(crate) report: ToolReport,
    /// Whether the tool says that it only simulated its work, in its output or beside it.
    pub(crate) is_mock: bool,
    /// What was searched for that, by the name of the file: `output`, `stdout`.
    pub(crate) searches: Map<String, Json>,
    /// What a verifier printed, where it is short enough to be compared.
    pub(crate) printed: Printed,
}

/// What is to be read when a tool has ended: its output, and what it said of itself.
pub(crate) struct Reading {
    role: ComponentRole,
    output: PathBuf,
    most: u64,
    /// What it printed beside its output.
    beside: Option<PathBuf>,
    /// Where what it complained is kept.
    stderr: PathBuf,
    /// What is taken out of it.
    reference: Option<ReferenceFields>,
    secrets: Secrets,
}

impl Reading {
    pub(crate) fn of(role: ComponentRole, prepared: &Prepared) -> Self {
        let folder = &prepared.folder;
        let (most, beside) = match prepared.spec.output.is_printed() {
            false => (
                prepared.program.limits.output_bytes(),
                Some(folder.stdout()),
            ),
            // It was counted while it came.
            true => (u64::MAX, None),
        };
        let reference = match &prepared.spec.output {
            OutputSource::Reference(fields) => Some(fields.clone()),
            _ => None,
        };
        Self {
            role,
            output: prepared.output.clone(),
            most,
            beside,
            stderr: folder.stderr(),
            reference,
            secrets: prepared.spec.program.secrets(),
        }
    }

    /// Reads the whole of it: it may be long, and its digest, what it says and its text are read one after the other.
    pub(crate) fn read(&self, limit: &ReadLimit) -> Result<ReadOutput, Failure> {
        self.check_secrets(limit)?;
        let output = read_at_most(&self.output, self.most, limit)?;
        let mut read = match self.role {
            ComponentRole::Producer => ReadOutput::of_producer(output),
            ComponentRole::Verifier => ReadOutput::of_verifier(output, &self.stderr, limit)?,
        };
        if self.role == ComponentRole::Producer {
            read.search("output", &self.output, limit);
        }
        if let Some(reference) = &self.reference {
            read.fields = reference.in_file(&self.output, limit)?;
        }
        if let Some(stdout) = &self.beside {
            read.search("stdout", stdout, limit);
        }
        Ok(read)
    }

    /// What holds a secret that the tool was given is no output that counts. What the tool wrote by itself stays
    /// where it is.
    fn check_secrets(&self, limit: &ReadLimit) -> Result<(), Failure> {
        let places = [Some(&self.output), self.beside.as_ref(), Some(&self.stderr)];
        for place in places.into_iter().flatten() {
            if self
                .secrets
                .is_in_output(place, limit)
                .map_err(|error| unusable(&error))?
            {
                return Err(Failure::new(
                    "secret_in_output",
                    "the tool says a secret that it was given; what it printed was removed",
                ));
            }
        }
        Ok(())
    }
}

fn unusable(error: &io::Error) -> Failure {
    Failure::new("output_unusable", not_readable(error))
}

fn read_at_most(path: &Path, most: u64, limit: &ReadLimit) -> Result<Output, Failure> {
    let size = Output::size_at(path, limit).map_err(|error| unusable(&error))?;
    if size > most {
        let message =
            format!("its output is {size} bytes long, more than it may be (limits.output_bytes)");
        return Err(Failure::new("output_too_large", message));
    }
    Output::of_within(path, limit).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::new(
            "output_missing",
            "it ended as if all were well, and left no output",
        ),
        _ => unusable(&error),
    })
}

impl ReadOutput {
    fn of_producer(output: Output) -> Self {
        Self {
            output,
            fields: BTreeMap::new(),
            report: ToolReport::nothing(),
            is_mock: false,
            searches: Map::new(),
            printed: Printed::default(),
        }
    }

    /// All that a verifier printed is read: its verdict may be anywhere.
    fn of_verifier(output: Output, stderr: &Path, limit: &ReadLimit) -> Result<Self, Failure> {
        let report = ToolReport::in_file(&output.path, MAX_VERDICT_BYTES, limit)
            .map_err(|error| Failure::new("output_unusable", error.to_string()))?;
        Ok(Self {
            is_mock: report.is_mock(),
            printed: Printed {
                stdout: bytes_in(&output.path),
                stderr: bytes_in(stderr),
            },
            report,
            ..Self::of_producer(output)
        })
    }

    /// Searches a file for `is_mock`, and keeps what was searched: a search that was not complete must not pass for one
    /// that was.
    fn search(&mut self, name: &str, path: &Path, limit: &ReadLimit) {
        let search = MockSearch::in_file(path, limit).unwrap_or(MockSearch::interrupted());
        self.is_mock |= search.is_mock;
        self.searches.insert(name.to_owned(), search.evidence());
    }
}

/// A short file's content. A longer one, or one that has grown meanwhile, has none.
fn bytes_in(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = open_file(path).ok()??;
    let length = file.take(MAX_VERDICT_BYTES + 1).read_to_end(&mut bytes);
    (length.ok()? as u64 <= MAX_VERDICT_BYTES).then_some(bytes)
}

/// With the entry that it is about, which the tool named.
fn not_readable(error: &io::Error) -> String {
    format!("its output cannot be read: {error}")
}
