//! `dotwrap-kg-explain-verify`: checks an explanation of the knowledge graph.

#![forbid(unsafe_code)]

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use dotwrap_pilot::{Check, Fixture, Report, Subject, verify};

/// Checks an explanation of the knowledge graph against the subgraph that it was to explain.
///
/// Prints one JSON object: verdict, failed_checks (check, message, offending), checks, verified_digest.
/// Exit status: 0 pass, 1 fail, 2 error (nothing could be looked at).
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The fixture: target and subgraph, JSON
    fixture: PathBuf,
    /// The producer's output: the explanation, JSON
    output: PathBuf,
    /// The namespace that the output may not leave
    namespace: String,
    /// The digest that was committed for the output (sha256:…); other bytes fail
    #[arg(long, value_name = "SHA256")]
    digest: Option<String>,
}

fn main() -> ExitCode {
    let report = check_output(&Arguments::parse());
    // A report that could not be written is no verdict.
    match print(&report) {
        Ok(()) => ExitCode::from(report.verdict.exit_status()),
        Err(_) => ExitCode::from(dotwrap_pilot::Verdict::Error.exit_status()),
    }
}

fn check_output(arguments: &Arguments) -> Report {
    let fixture = match read(&arguments.fixture)
        .and_then(|json| Fixture::from_json(&json).map_err(|error| error.to_string()))
    {
        Ok(fixture) => fixture,
        Err(message) => return Report::error(Check::FixtureReadable, message),
    };
    let output = match read(&arguments.output) {
        Ok(output) => output,
        Err(message) => return Report::error(Check::OutputReadable, message),
    };
    let subject = Subject {
        output: &output,
        namespace: &arguments.namespace,
        committed_digest: arguments.digest.as_deref(),
    };
    verify(&fixture, subject)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

fn print(report: &Report) -> io::Result<()> {
    let mut standard_output = io::stdout().lock();
    serde_json::to_writer(&mut standard_output, report)?;
    standard_output.write_all(b"\n")?;
    standard_output.flush()
}
