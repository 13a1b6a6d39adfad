//! `dotwrap ladder`.

use clap::Args;
use dotwrap_wrapper::BirthReadiness;

use crate::badges;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, Column};
use crate::session::Session;

/// How far each candidate has come, and what its next rung needs.
///
/// structural → backfilled → simulated → dry_run → real_run → verified → birth_ready. Views compute it from receipts and
/// verdicts; nothing sets it.
#[derive(Debug, Args)]
pub(crate) struct Arguments {}

const COLUMNS: &[Column<BirthReadiness>] = &[
    Column::whole("CANDIDATE", |candidate| {
        Cell::plain(&candidate.process_candidate_code)
    }),
    Column::whole("RUNG", |candidate| {
        badges::rung(candidate.candidate_status_v3)
    }),
    Column::whole("GATE LABEL", |candidate| {
        Cell::plain(&candidate.birth_gate_status_v3)
    }),
    Column::whole("NEXT RUNG", |candidate| Cell::or_dash(candidate.next_rung)),
    Column::new("WHAT IS MISSING FOR IT", |candidate| {
        Cell::or_dash(candidate.missing.as_ref())
    }),
];

/// Lists the rows of `v_process_discovery_birth_readiness_v3`.
pub(crate) async fn execute(_: Arguments, session: &mut Session) -> Result<ExitStatus, Failure> {
    let candidates = session.ledger().await?.birth_readiness().await?;
    if candidates.is_empty() {
        session
            .messages
            .note("no candidate is known yet; try `dotwrap tools import --sample`");
    }
    session.output.rows(&candidates, COLUMNS)?;
    Ok(ExitStatus::Done)
}
