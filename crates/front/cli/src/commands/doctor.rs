//! `dotwrap doctor`.
use std::cmp::Reverse;
use std::path::PathBuf;

use clap::Args;
use dotwrap_app::{
    backend::LedgerClient,
    doctor::{self, Diagnosis},
};
use dotwrap_contract::{Finding, Severity};
use dotwrap_exec::{contract_warnings, disk_findings, sandbox_finding};
use serde::Serialize;

use crate::commands::execution::ExecutionArgs;
use crate::data_folder::data_folder;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle};
use crate::run_folders::run_folders;
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
    let reached = session.backend().reach().await?;
    let database = reached.target.to_string();
    let data = reached
        .cluster
        .as_ref()
        .map(|cluster| cluster.folder().to_owned());
    let Diagnosis {
        mut findings,
        ledger,
    } = doctor::examine(session.backend(), reached).await?;
    findings.push(sandbox_finding(session.settings.require_sandbox));
    findings.extend(disks(session, data));
    if let Some(ledger) = ledger {
        findings.extend(contracts(session, &ledger).await);
    }
    // What matters most comes first.
    findings.sort_by_key(|finding| Reverse(finding.severity));
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

/// The file systems that this program and its embedded server write to, where they are nearly full.
fn disks(session: &Context, data: Option<PathBuf>) -> Vec<Finding> {
    let runs = run_folders(None, &session.settings).ok();
    let runs = runs.map(|runs| ("the runs' folder", PathBuf::from(runs.root())));
    let data = data.map(|folder| ("the embedded server", folder));
    let home = data_folder(session.settings.home.as_ref()).ok();
    let home = home.map(|home| ("dotwrap's data folder", home));
    disk_findings([runs, data, home].into_iter().flatten())
}

/// What contracts probably lack. A login that may not read them whole gets no finding.
async fn contracts(session: &Context, ledger: &LedgerClient) -> Option<Finding> {
    let runner = ExecutionArgs::default().runner(session, ledger).ok()?;
    let warnings = contract_warnings(ledger, &runner, |_| true).await.ok()?;
    (!warnings.is_empty()).then(|| Finding {
        name: "contracts",
        severity: Severity::Warning,
        what: warnings.join("; "),
        why: "A verifier that is not told where the output is passes or fails something else.",
        mend: "Name {output} in its contract, and set it anew: dotwrap contract set FILE"
            .to_owned(),
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
