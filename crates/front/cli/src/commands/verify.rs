//! `dotwrap verify`.
use clap::Args;
use dotwrap_verify::{CheckResult, Report, Severity, VerifyOptions};

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle};
use crate::session::Context;

/// Judge the ledger's invariants, independently of what wrote it.
///
/// The judge shares no code with the writer and reads the raw tables, in one snapshot. Exit status 1 where any rule is
/// broken; warnings do not count.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// How many findings of each check are named; all are counted
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    sample: u32,
}

/// Lets the judge read the ledger.
pub(crate) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    // Installs the contract in the embedded database where it is not there yet, as every command does.
    let ledger = session.ledger().await?;
    let mut client = dotwrap_wrapper::connect(ledger.target()).await?;
    let options = VerifyOptions {
        schema: session.settings.schema.clone(),
        sample: arguments.sample,
    };
    let report = dotwrap_verify::verify(&mut client, &options).await?;
    session.output.record(&report, drawn)?;
    Ok(if report.is_clean() {
        ExitStatus::Done
    } else {
        ExitStatus::Failed
    })
}

fn drawn(report: &Report) -> String {
    let mut text = String::new();
    for (family, checks) in by_family(report) {
        let broken: Vec<&CheckResult> = checks
            .iter()
            .copied()
            .filter(|check| check.count > 0)
            .collect();
        let mark = mark(&broken);
        let kept = checks.len() - broken.len();
        text += &format!(
            "{mark} {}  {kept} of {} rules hold\n",
            Cell::toned(format!("{family:12}"), CellStyle::Strong),
            checks.len()
        );
        broken.iter().for_each(|check| text += &finding(check));
    }
    text + &verdict(report)
}

/// The checks in the order in which they were asked, family by family.
fn by_family(report: &Report) -> Vec<(&'static str, Vec<&CheckResult>)> {
    let mut families: Vec<(&'static str, Vec<&CheckResult>)> = Vec::new();
    for check in &report.checks {
        match families.last_mut() {
            Some((family, checks)) if *family == check.family => checks.push(check),
            _ => families.push((check.family, vec![check])),
        }
    }
    families
}

fn mark(broken: &[&CheckResult]) -> Cell {
    let is_violated = broken
        .iter()
        .any(|check| check.severity == Severity::Violation);
    match (broken.is_empty(), is_violated) {
        (true, _) => Cell::toned("✓", CellStyle::Good),
        (false, true) => Cell::toned("✗", CellStyle::Bad),
        (false, false) => Cell::toned("•", CellStyle::Caution),
    }
}

fn finding(check: &CheckResult) -> String {
    let mut text = format!(
        "    {} {} ({})\n      {} ({})\n",
        Cell::toned(
            check.name,
            if check.severity == Severity::Violation {
                CellStyle::Bad
            } else {
                CellStyle::Caution
            }
        ),
        Cell::plain(check.count),
        if check.severity == Severity::Violation {
            "violation"
        } else {
            "warning"
        },
        Cell::plain(check.rule),
        Cell::toned(check.source, CellStyle::Faint),
    );
    for violation in &check.violations {
        text += &format!(
            "      {}: {}\n",
            Cell::toned(&violation.subject, CellStyle::Notice),
            Cell::plain(&violation.what)
        );
    }
    text
}

fn verdict(report: &Report) -> String {
    let rules = report.checks.len();
    let (violations, warnings) = (report.violations(), report.warnings());
    let said = if report.is_clean() {
        Cell::toned(
            format!("the ledger holds: {rules} rules, no violation"),
            CellStyle::Good,
        )
    } else {
        Cell::toned(
            format!("the ledger is broken: {rules} rules, {violations} violations"),
            CellStyle::Bad,
        )
    };
    if warnings == 0 {
        format!("{said}\n")
    } else {
        format!("{said}, {warnings} warnings\n")
    }
}
