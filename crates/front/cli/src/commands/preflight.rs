//! `dotwrap preflight`.
use clap::Args;
use dotwrap_app::labels;
use dotwrap_wrapper::{CheckFinding, CheckStatus};

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, Column};
use crate::session::Context;

/// Run the preflight checks; exit status 3 when any is BLOCK.
///
/// The same checks stand before every recording call: while one blocks, nothing is written.
#[derive(Debug, Args)]
pub(crate) struct Arguments {}

const COLUMNS: &[Column<CheckFinding>] = &[
    Column::whole("CHECK", |check| Cell::plain(&check.check_name)),
    Column::new("STATUS", |check| Cell::from(labels::check(check.status))),
    Column::new("FINDINGS", |check| Cell::or_dash(check.cnt)),
    Column::new("SEVERITY", |check| Cell::plain(&check.severity)),
];

/// Asks every enabled check now.
pub(crate) async fn execute(_: Arguments, session: &mut Context) -> Result<ExitStatus, Failure> {
    let findings = session.ledger().await?.preflight().await?;
    session.output.rows(&findings, COLUMNS)?;
    let blocked = findings.is_empty()
        || findings
            .iter()
            .any(|finding| finding.status == CheckStatus::Block);
    if findings.is_empty() {
        session
            .messages
            .warning("no check is enabled, and that blocks, too");
    }
    Ok(if blocked {
        let blocking: Vec<&str> = findings
            .iter()
            .filter(|finding| finding.status == CheckStatus::Block)
            .map(|finding| finding.check_name.as_str())
            .collect();
        let what = match blocking.is_empty() {
            true => "no check is enabled".to_owned(),
            false => blocking.join(", "),
        };
        session.failed = Some(Failure::new(
            ExitStatus::Blocked,
            "preflight_blocked",
            format!("BLOCKED: {what}"),
        ));
        ExitStatus::Blocked
    } else {
        ExitStatus::Done
    })
}
