//! `dotwrap ladder`.
use clap::Args;
use dotwrap_app::backend::LedgerClient;
use dotwrap_app::labels;
use dotwrap_wrapper::{BirthReadiness, CandidateCode};

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, Column};
use crate::session::Context;

/// How far each candidate has come, and what its next rung needs.
///
/// structural → backfilled → simulated → dry_run → real_run → verified → birth_ready. Views compute it from receipts
/// and verdicts; nothing sets it.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only this candidate
    #[arg(value_name = "CANDIDATE")]
    candidate: Option<String>,
}

const COLUMNS: &[Column<BirthReadiness>] = &[
    Column::whole("CANDIDATE", |candidate| {
        Cell::code(&candidate.process_candidate_code)
    }),
    Column::whole("RUNG", |candidate| {
        let rung = Cell::from(labels::rung(candidate.candidate_status_v3));
        let marks = [
            (candidate.has_inferred_pair, "inferred"),
            (
                candidate.contracts_current == Some(false),
                "contract changed",
            ),
        ];
        let marks: Vec<&str> = marks
            .iter()
            .filter(|(is_so, _)| *is_so)
            .map(|(_, mark)| *mark)
            .collect();
        match marks.is_empty() {
            true => rung,
            false => Cell::toned(
                format!("{} ({})", rung.text, marks.join(", ")),
                CellStyle::Caution,
            ),
        }
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
pub(crate) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let candidates = match arguments.candidate {
        Some(code) => vec![one(&CandidateCode::new(code), &ledger).await?],
        None => ledger.birth_readiness().await?,
    };
    session.print_list(
        &candidates,
        COLUMNS,
        "no candidate is known yet; try `dotwrap tools import --sample`",
    )?;
    if candidates
        .iter()
        .any(|candidate| candidate.has_inferred_pair)
    {
        session.messages.note(
            "inferred: an upgrade took what counts for the candidate from earlier runs; `dotwrap candidates pairs --inferred` \
             lists it, `dotwrap candidates pair CANDIDATE PRODUCER` confirms it",
        );
    }
    if candidates
        .iter()
        .any(|candidate| candidate.contracts_current == Some(false))
    {
        session.messages.note(
            "contract changed: the newest verified run was called under contracts that are not in force any more; the next run \
             that passes is called under the current ones",
        );
    }
    Ok(ExitStatus::Done)
}

async fn one(candidate: &CandidateCode, ledger: &LedgerClient) -> Result<BirthReadiness, Failure> {
    ledger.birth_readiness_of(candidate).await?.ok_or_else(|| {
        let message = format!("nothing names a candidate {candidate}");
        Failure::new(ExitStatus::Usage, "candidate_unknown", message)
            .hint("`dotwrap ladder` lists all that are known")
    })
}
