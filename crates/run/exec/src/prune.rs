//! Which runs' files may be removed.

use std::{collections::BTreeMap, fmt};

use dotwrap_runner::RunsDir;
use dotwrap_types::{EvidenceType, ProcessRunId};
use dotwrap_wrapper::{Error, Run, Wrapper};
use jiff::SignedDuration;

/// How many runs are read in one statement.
const BATCH: usize = 500;

/// What is to be removed.
#[derive(Clone, Copy, Debug)]
pub struct PruneRules {
    /// Files of runs that were concluded at least so long ago, by the database's clock.
    pub older_than: SignedDuration,
    /// Files of real runs too.
    pub real_runs: bool,
}

/// The runs whose files may go, and how many stay for each reason.
#[derive(Clone, Debug, Default)]
pub struct PrunePlan {
    /// In the order of their ids.
    pub removable: Vec<Run>,
    /// Counted.
    pub kept: BTreeMap<KeepReason, usize>,
}

/// Why a run's files stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeepReason {
    /// The ledger does not have the run.
    Foreign,
    /// It is not concluded.
    Open,
    /// It was concluded too recently.
    Young,
    /// The ledger knows its files in another folder.
    Elsewhere,
    /// It was a real run.
    Real,
    /// Its runner died, so the ledger names no folder.
    Unnamed,
    /// The folder holds evidence that was never recorded.
    Unrecorded,
}

impl fmt::Display for KeepReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Foreign => "not in this ledger",
            Self::Open => "not concluded",
            Self::Young => "not old enough",
            Self::Elsewhere => "of a run whose files the ledger knows in another folder",
            Self::Real => "of real runs, which --real-runs removes too",
            Self::Unnamed => "of runs whose runner died, which --real-runs removes too",
            Self::Unrecorded => "with unrecorded_evidence.json, which the ledger does not know",
        })
    }
}

/// Decides for each of these runs, whose files are in the folder.
///
/// # Errors
/// The ledger cannot be read.
pub async fn plan_prune(
    ledger: &Wrapper,
    folders: &RunsDir,
    ids: Vec<ProcessRunId>,
    rules: PruneRules,
) -> Result<PrunePlan, Error> {
    let mut plan = PrunePlan::default();
    for some in ids.chunks(BATCH) {
        let runs = ledger.runs_of_ids(some).await?.into_iter();
        let mut runs: BTreeMap<_, _> = runs.map(|run| (run.process_run_id, run)).collect();
        for id in some {
            let judged = match runs.remove(id) {
                None => Err(KeepReason::Foreign),
                Some(run) => judge(&run, rules, folders).map(|()| run),
            };
            match judged {
                Err(why) => *plan.kept.entry(why).or_default() += 1,
                Ok(run) => plan.removable.push(run),
            }
        }
    }
    Ok(plan)
}

/// Whether a run's files may go.
fn judge(run: &Run, rules: PruneRules, folders: &RunsDir) -> Result<(), KeepReason> {
    let concluded = run.concluded_at.ok_or(KeepReason::Open)?;
    let now = run.created_at.saturating_add(run.age.as_duration());
    let is_old = now.is_ok_and(|now| now.duration_since(concluded) >= rules.older_than);
    if !is_old {
        Err(KeepReason::Young)
    } else if folders.holds_unrecorded(run.process_run_id) {
        Err(KeepReason::Unrecorded)
    } else {
        match (folders.is_recorded_location(run), run.evidence_type) {
            (Some(false), _) => Err(KeepReason::Elsewhere),
            _ if rules.real_runs => Ok(()),
            (_, EvidenceType::RealRun) => Err(KeepReason::Real),
            (None, _) => Err(KeepReason::Unnamed),
            (Some(true), _) => Ok(()),
        }
    }
}
