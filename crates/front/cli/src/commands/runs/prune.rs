//! `dotwrap runs prune`.
use std::collections::BTreeMap;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use clap::Args;
use dotwrap_app::backend::LedgerClient;
use dotwrap_app::labels;
use dotwrap_exec::{KeepReason, PruneRules, RunsDir, plan_prune};
use dotwrap_wrapper::{
    Actor, CandidateCode, DotCode, EvidenceType, OutputChange, ProcessRunId, Run, StoredStatus,
};
use indicatif::HumanBytes;
use jiff::{SignedDuration, Timestamp};
use nix::sys::signal::Signal;
use serde::Serialize;
use tokio::task::spawn_blocking;
use url::Url;

use crate::commands::ActorArgs;
use crate::commands::shared::duration;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, Column, format_time};
use crate::run_folders::run_folders;
use crate::session::Context;
use crate::signals::Listener;

/// Remove the files that old runs left in the runs' folder; the ledger keeps what it has of them, digests included.
///
/// Only runs of this ledger that were concluded long enough ago, by the database's clock. What real runs made may be
/// wanted, a backup for instance: theirs stay, unless --real-runs says otherwise. What the ledger could not be told
/// (unrecorded_evidence.json) always stays.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only of runs that were concluded at least so long ago, e.g. 36h, 30d, 8w
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    older_than: SignedDuration,
    /// Real runs' files too, what they made included
    #[arg(long)]
    real_runs: bool,
    /// Only of this candidate's runs
    #[arg(long, value_name = "CODE")]
    candidate: Option<String>,
    /// Only of runs that failed, or whose verdict is no pass
    #[arg(long)]
    failed: bool,
    /// Keep the files of each candidate's newest runs, so many
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    keep_last: usize,
    /// Also of a candidate's newest verified run, which is kept otherwise
    #[arg(long)]
    even_the_last: bool,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    acting: ActorArgs,
    /// Below which folder executed runs keep their files [default: runs in dotwrap's data folder]
    #[arg(long, value_name = "FOLDER")]
    runs_folder: Option<PathBuf>,
}

/// A run whose files go.
#[derive(Debug, Serialize)]
struct Pruned {
    process_run_id: ProcessRunId,
    dot_code: Option<DotCode>,
    evidence_type: EvidenceType,
    status: StoredStatus,
    concluded_at: Option<Timestamp>,
    folder: PathBuf,
    bytes: u64,
    removed: bool,
    /// Why not, where it was tried. Some of it may be gone then.
    error: Option<String>,
}

const COLUMNS: &[Column<Pruned>] = &[
    Column::whole("RUN", |run| {
        Cell::toned(run.process_run_id, CellStyle::Notice)
    }),
    Column::new("PRODUCER", |run| Cell::code_or_dash(run.dot_code.as_ref())),
    Column::whole("STATUS", |run| Cell::from(labels::status(run.status))),
    Column::whole("EVIDENCE", |run| {
        Cell::from(labels::evidence_word(run.evidence_type))
    }),
    Column::new("CONCLUDED", |run| {
        Cell::or_dash(run.concluded_at.map(format_time))
    }),
    Column::new("SIZE", |run| Cell::plain(HumanBytes(run.bytes))),
    Column::new("REMOVED", |run| {
        Cell::plain(match (run.removed, &run.error) {
            (true, _) => "yes",
            (false, None) => "no",
            (false, Some(_)) => "not wholly",
        })
    }),
];

/// Removes them, and says what stays.
pub(super) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let folders = run_folders(arguments.runs_folder.as_ref(), &session.settings)?;
    let ids = folders.kept().map_err(|error| {
        let folder = folders.root().display();
        let message = format!("the runs' folder {folder} cannot be read: {error}");
        Failure::new(ExitStatus::Usage, "folder_unusable", message)
            .hint("run this as the account that the runs were executed by, or name another folder: --runs-folder")
    })?;
    let ledger = session.ledger().await?;
    let rules = PruneRules {
        older_than: arguments.older_than,
        real_runs: arguments.real_runs,
        candidate: arguments.candidate.map(CandidateCode::new),
        only_failed: arguments.failed,
        keep_last: arguments.keep_last,
        even_the_last: arguments.even_the_last,
    };
    let plan = plan_prune(&ledger, &folders, ids, &rules).await?;
    let actor = session.actor(arguments.acting);
    let recorder = (!arguments.dry_run).then_some((&ledger, &actor));
    let (pruned, is_whole) = remove_all(plan.removable, folders, recorder).await?;
    session.output.rows(&pruned, COLUMNS)?;
    let messages = session.messages;
    messages.note(summary(&pruned, arguments.dry_run, &plan.kept));
    let failed: Vec<&str> = pruned
        .iter()
        .filter_map(|one| one.error.as_deref())
        .collect();
    for why in failed.iter().skip(1) {
        messages.warning(why);
    }
    match failed.first() {
        Some(first) => Err(could_not(first, failed.len())),
        None if is_whole => Ok(ExitStatus::Done),
        None => Err(Failure::new(
            ExitStatus::Failed,
            "interrupted",
            "interrupted: the other runs' files stay",
        )),
    }
}

/// Removes the files of these runs, until somebody interrupts it; says what was done, and whether it is all.
///
/// The ledger is told first that an output goes: no record may name a file as if it were there. Where it cannot be told,
/// nothing more is removed.
async fn remove_all(
    runs: Vec<Run>,
    folders: RunsDir,
    recorder: Option<(&LedgerClient, &Actor)>,
) -> Result<(Vec<Pruned>, bool), Failure> {
    let dry = recorder.is_none();
    let folders = Arc::new(folders);
    let mut pruned = Vec::new();
    let mut interrupted = pin!(interruption());
    for run in runs {
        if let Some((ledger, actor)) = recorder.filter(|_| has_output_in_folder(&run, &folders)) {
            let change = OutputChange::Pruned;
            let recorded = ledger.record_output_change(run.process_run_id, &change, Some(actor));
            recorded.await?;
        }
        let folders = folders.clone();
        let mut removing = spawn_blocking(move || remove(run, &folders, dry));
        let is_interrupted = tokio::select! {
            biased;
            () = interrupted.as_mut() => true,
            one = &mut removing => {
                pruned.extend(one);
                false
            }
        };
        if is_interrupted {
            // What has begun is brought to its end, and told.
            pruned.extend(removing.await);
            return Ok((pruned, false));
        }
    }
    Ok((pruned, true))
}

/// Whether the ledger names a file of the run's own folder as its output, and does not say yet that it is gone.
fn has_output_in_folder(run: &Run, folders: &RunsDir) -> bool {
    let is_said = matches!(run.output_state.as_deref(), Some("pruned" | "moved"));
    let output = run
        .output_ref
        .as_deref()
        .and_then(|text| Url::parse(text).ok());
    let Some(output) = output.and_then(|url| url.to_file_path().ok()) else {
        return false;
    };
    let folder = folders.of(run.process_run_id);
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    !is_said && (output.starts_with(&folder) || real(&output).starts_with(real(&folder)))
}

fn remove(run: Run, folders: &RunsDir, dry: bool) -> Pruned {
    let mut one = described(run, folders);
    if !dry {
        match folders.remove(one.process_run_id) {
            Ok(()) => one.removed = true,
            Err(error) => one.error = Some(format!("{}: {error}", one.folder.display())),
        }
    }
    one
}

async fn interruption() {
    let heard = [Signal::SIGINT, Signal::SIGTERM].map(Listener::of);
    match heard {
        [Ok(mut interrupt), Ok(mut terminate)] => tokio::select! {
            () = interrupt.heard() => {}
            () = terminate.heard() => {}
        },
        _ => pending().await,
    }
}

fn described(run: Run, folders: &RunsDir) -> Pruned {
    Pruned {
        process_run_id: run.process_run_id,
        dot_code: run.dot_code,
        evidence_type: run.evidence_type,
        status: run.status,
        concluded_at: run.concluded_at,
        folder: folders.of(run.process_run_id),
        bytes: folders.size_of(run.process_run_id),
        removed: false,
        error: None,
    }
}

fn summary(pruned: &[Pruned], dry: bool, kept: &BTreeMap<KeepReason, usize>) -> String {
    let gone: Vec<&Pruned> = pruned.iter().filter(|one| dry || one.removed).collect();
    let bytes = HumanBytes(gone.iter().map(|one| one.bytes).sum());
    let mut text = match (gone.len(), dry) {
        (0, _) => "nothing to remove".to_owned(),
        (many, true) => format!("would remove {} ({bytes})", of_runs(many)),
        (many, false) => format!("removed {} ({bytes})", of_runs(many)),
    };
    if gone.is_empty() && !pruned.is_empty() {
        text = "nothing was removed wholly".to_owned();
    }
    let many: usize = kept.values().sum();
    if many > 0 {
        let why: Vec<_> = kept
            .iter()
            .map(|(why, count)| format!("{count} {why}"))
            .collect();
        text += &format!("; kept {}: {}", of_runs(many), why.join("; "));
    }
    text
}

fn of_runs(count: usize) -> String {
    match count {
        1 => "the files of 1 run".to_owned(),
        more => format!("the files of {more} runs"),
    }
}

fn could_not(first: &str, count: usize) -> Failure {
    let message = format!("{} could not be removed wholly: {first}", of_runs(count));
    Failure::new(ExitStatus::Usage, "folder_unusable", message)
        .hint("a tool may have left what belongs to another account, or has something mounted: remove it as root, then run this again")
}
