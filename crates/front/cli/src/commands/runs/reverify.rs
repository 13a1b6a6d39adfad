//! `dotwrap runs reverify`.
use clap::Args;
use dotwrap_app::backend::LedgerClient;
use dotwrap_app::labels;
use dotwrap_exec::{FoundOutput, Reverified, ReverifyOptions};
use dotwrap_wrapper::{
    CandidateCode, EvidenceType, ProcessRunId, Run, RunFilter, StoredStatus, Verdict,
};
use serde::Serialize;

use super::show::find;
use crate::commands::ActorArgs;
use crate::commands::execution::{ExecutionArgs, ProgressPrinter, check_folder};
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, Column};
use crate::session::Context;
use crate::signals::interrupt_on_signals;

/// Verify outputs of earlier runs again: are they still what was verified?
///
/// What lies at the output's place is digested and compared with the digest that the run committed. Where it is missing
/// or changed, the verdict is `fail`. Otherwise the verifier is called again, in its VERIFY_ONLY form or else its dry
/// form. Each is recorded as a dry run of its own, which raises no rung. It needs gates that allow dry runs.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The runs' ids or unambiguous beginnings of them, or their correlations; `last` is the newest run
    #[arg(value_name = "RUN", required_unless_present = "newest")]
    runs: Vec<String>,
    /// With --newest: the candidate
    #[arg(
        long,
        value_name = "CODE",
        requires = "newest",
        conflicts_with = "runs"
    )]
    candidate: Option<String>,
    /// The newest verified run of the candidate
    #[arg(long, requires = "candidate")]
    newest: bool,
    /// Compare digests only, and call no verifier
    #[arg(long)]
    digest_only: bool,
    #[command(flatten)]
    acting: ActorArgs,
    #[command(flatten)]
    executing: ExecutionArgs,
}

/// An output that was verified again.
#[derive(Debug, Serialize)]
struct Again {
    /// The run whose output it is.
    reverifies: ProcessRunId,
    /// The run that verified it again.
    process_run_id: ProcessRunId,
    process_candidate_code: CandidateCode,
    output_ref: Option<String>,
    /// What was found there.
    found: FoundOutput,
    status: StoredStatus,
    verdict: Option<Verdict>,
    error_ref: Option<String>,
}

const COLUMNS: &[Column<Again>] = &[
    Column::whole("OUTPUT OF", |again| {
        Cell::toned(again.reverifies, CellStyle::Notice)
    }),
    Column::whole("FOUND", |again| match again.found {
        FoundOutput::Same => Cell::plain(again.found),
        found => Cell::toned(found, CellStyle::Bad),
    }),
    Column::whole("VERDICT", |again| {
        Cell::from(labels::verdict(again.verdict))
    }),
    Column::new("CANDIDATE", |again: &Again| {
        Cell::code(&again.process_candidate_code)
    }),
    Column::new("RECORDED AS", |again: &Again| {
        Cell::plain(again.process_run_id)
    }),
];

/// Verifies them again, one after the other, and says what was found.
pub(super) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let runs = meant(&arguments, &ledger).await?;
    let runner = arguments.executing.runner(session, &ledger)?;
    check_folder(&runner, &ledger, &session.settings)?;
    let options = ReverifyOptions {
        digest_only: arguments.digest_only,
        actor: Some(session.actor(arguments.acting)),
        ..ReverifyOptions::default()
    };
    let telling = ProgressPrinter::new(session.messages);
    let interrupt = interrupt_on_signals(session.messages);
    let (mut done, mut refused) = (Vec::new(), None);
    for run in runs {
        let again = runner.reverify(run.process_run_id, &options, &telling, interrupt.clone());
        match again.await {
            Ok(again) => done.push(Again::of(run, again)),
            Err(error) => {
                refused = Some(Failure::from(error));
                break;
            }
        }
        if interrupt.reason().is_some() {
            break;
        }
    }
    session.output.rows(&done, COLUMNS)?;
    if let Some(failure) = refused {
        return Err(failure);
    }
    let bad: Vec<&Again> = done
        .iter()
        .filter(|again| !again.is_well(options.digest_only))
        .collect();
    let Some(first) = bad.first() else {
        return Ok(ExitStatus::Done);
    };
    session.failed = Some(Failure::new(
        ExitStatus::Failed,
        "verification_failed",
        format!(
            "FAILED VERIFICATION: {} of {} outputs, the first one {}. See: dotwrap runs show {}",
            bad.len(),
            done.len(),
            first.found,
            first.process_run_id
        ),
    ));
    Ok(ExitStatus::Failed)
}

async fn meant(arguments: &Arguments, ledger: &LedgerClient) -> Result<Vec<Run>, Failure> {
    let Some(candidate) = &arguments.candidate else {
        let mut runs = Vec::new();
        for name in &arguments.runs {
            runs.push(find(name, ledger).await?);
        }
        return Ok(runs);
    };
    let mut filter = RunFilter::default();
    filter.process_candidate_code = Some(CandidateCode::new(candidate));
    filter.evidence_type = Some(EvidenceType::RealRun);
    filter.verdict = Some(Verdict::Pass);
    let runs = ledger.runs(&filter, 1).await?.runs;
    if runs.is_empty() {
        let message = format!("{candidate} has no verified run");
        return Err(Failure::new(ExitStatus::Usage, "run_unknown", message)
            .hint("`dotwrap ladder` says how far each candidate is"));
    }
    Ok(runs)
}

impl Again {
    fn of(run: Run, again: Reverified) -> Self {
        Self {
            reverifies: run.process_run_id,
            process_run_id: again.process_run_id,
            process_candidate_code: run.process_candidate_code,
            output_ref: run.output_moved_to.or(run.output_ref),
            found: again.found,
            status: again.status,
            verdict: again.verdict,
            error_ref: again.error_ref,
        }
    }

    fn is_well(&self, digest_only: bool) -> bool {
        let is_verified =
            self.verdict == Some(Verdict::Pass) || digest_only && self.verdict.is_none();
        self.status == StoredStatus::Completed && self.found == FoundOutput::Same && is_verified
    }
}
