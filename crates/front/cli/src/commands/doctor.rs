//! `dotwrap doctor`.

use clap::Args;
use dotwrap_contract::{Finding, Severity};
use serde::Serialize;

use crate::diagnosis;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle};
use crate::session::Context;

/// Say what is wrong with an installation and how to mend it.
///
/// Exit status 1 if there is any problem. Nothing is changed.
#[derive(Debug, Args)]
pub(crate) struct Arguments {}

/// What was examined, and what was found.
#[derive(Debug, Serialize)]
struct Report {
    database: String,
    schema: String,
    findings: Vec<Finding>,
}

/// Examines the installation.
pub(crate) async fn execute(_: Arguments, session: &mut Context) -> Result<ExitStatus, Failure> {
    let reached = session.connect().await?;
    let database = reached.target.to_string();
    let findings = diagnosis::examine(session, reached).await?;
    let has_problem = findings
        .iter()
        .any(|finding| finding.severity == Severity::Problem);
    let report = Report {
        database,
        schema: session.settings.schema.clone(),
        findings,
    };
    session.output.record(&report, drawn)?;
    Ok(if has_problem {
        let problems = report.findings.iter();
        let count = problems
            .filter(|finding| finding.severity == Severity::Problem)
            .count();
        session.failed = Some(Failure::new(
            ExitStatus::Failed,
            "problem_found",
            format!("FAILED: problems found: {count}"),
        ));
        ExitStatus::Failed
    } else {
        ExitStatus::Done
    })
}

fn drawn(report: &Report) -> String {
    let heading = format!(
        "{}, schema {}\n",
        Cell::toned(&report.database, CellStyle::Strong),
        report.schema
    );
    report
        .findings
        .iter()
        .map(line)
        .fold(heading, |text, line| text + &line)
}

fn line(finding: &Finding) -> String {
    let mark = match finding.severity {
        Severity::Fine => Cell::toned("✓", CellStyle::Good),
        Severity::Warning => Cell::toned("•", CellStyle::Caution),
        Severity::Problem => Cell::toned("✗", CellStyle::Bad),
    };
    let mut text = format!(
        "{mark} {}  {}\n",
        Cell::toned(finding.name, CellStyle::Strong),
        Cell::plain(&finding.what)
    );
    for (label, said) in [("why", finding.why), ("mend", &finding.mend)] {
        if !said.is_empty() {
            text += &format!(
                "    {} {}\n",
                Cell::toned(format!("{label:4}"), CellStyle::Faint),
                Cell::plain(said)
            );
        }
    }
    text
}
