//! Which runs' files may be removed.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use dotwrap_runner::RunsDir;
use dotwrap_types::{CandidateCode, EvidenceType, ProcessRunId, StoredStatus, Verdict};
use dotwrap_wrapper::{Error, Run, RunFilter, Wrapper};
use jiff::SignedDuration;

/// How many runs are read in one statement.
const BATCH: usize = 500;

/// What is to be removed.
#[derive(Clone, Debug)]
pub struct PruneRules {
    /// Files of runs that were concluded at least so long ago, by the database's clock.
    pub older_than: SignedDuration,
    /// Files of real runs too.
    pub real_runs: bool,
    /// Files of this candidate's runs only.
    pub candidate: Option<CandidateCode>,
    /// Files of runs only that failed or whose verdict is no pass.
    pub only_failed: bool,
    /// How many of each candidate's newest runs keep their files.
    pub keep_last: usize,
    /// Files of a candidate's newest verified run too.
    pub even_the_last: bool,
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
    /// It is another candidate's.
    OtherCandidate,
    /// It did not fail.
    NotFailed,
    /// It is one of its candidate's newest.
    Last,
    /// It is its candidate's newest verified run.
    NewestVerified,
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
            Self::OtherCandidate => "of other candidates",
            Self::NotFailed => "of runs that did not fail",
            Self::Last => "of a candidate's newest runs (--keep-last)",
            Self::NewestVerified => {
                "of a candidate's newest verified run, which --even-the-last removes too"
            }
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
    rules: &PruneRules,
) -> Result<PrunePlan, Error> {
    let mut plan = PrunePlan::default();
    let mut runs = BTreeMap::new();
    for some in ids.chunks(BATCH) {
        let known = ledger.runs_of_ids(some).await?.into_iter();
        runs.extend(known.map(|run| (run.process_run_id, run)));
    }
    let last = newest_of_candidates(runs.values(), rules.keep_last);
    for id in ids {
        let judged = match runs.remove(&id) {
            None => Err(KeepReason::Foreign),
            Some(_) if last.contains(&id) => Err(KeepReason::Last),
            Some(run) => judge(&run, rules, folders).map(|()| run),
        };
        match judged {
            Err(why) => *plan.kept.entry(why).or_default() += 1,
            Ok(run) => plan.removable.push(run),
        }
    }
    if !rules.even_the_last {
        keep_newest_verified(ledger, &mut plan).await?;
    }
    Ok(plan)
}

/// The ids of each candidate's newest runs, so many of each.
fn newest_of_candidates<'a>(
    runs: impl Iterator<Item = &'a Run>,
    count: usize,
) -> BTreeSet<ProcessRunId> {
    let mut of_candidates: BTreeMap<&str, Vec<&Run>> = BTreeMap::new();
    for run in runs {
        let candidate = run.process_candidate_code.as_str();
        of_candidates.entry(candidate).or_default().push(run);
    }
    let mut newest = BTreeSet::new();
    for mut runs in of_candidates.into_values() {
        runs.sort_by_key(|run| Reverse((run.created_at, run.process_run_id)));
        newest.extend(runs.iter().take(count).map(|run| run.process_run_id));
    }
    newest
}

/// Takes the newest real run with a pass of each candidate out of the plan: it may be the only proof that is left.
async fn keep_newest_verified(ledger: &Wrapper, plan: &mut PrunePlan) -> Result<(), Error> {
    let is_proof = |run: &&Run| {
        run.evidence_type == EvidenceType::RealRun && run.verdict == Some(Verdict::Pass)
    };
    let candidates = plan.removable.iter().filter(is_proof);
    let candidates: BTreeSet<_> = candidates
        .map(|run| run.process_candidate_code.to_string())
        .collect();
    for candidate in candidates {
        let mut filter = RunFilter::default();
        filter.process_candidate_code = Some(CandidateCode::new(candidate));
        filter.evidence_type = Some(EvidenceType::RealRun);
        filter.verdict = Some(Verdict::Pass);
        let newest = ledger.runs(&filter, 1).await?.runs;
        let newest: Vec<_> = newest.iter().map(|run| run.process_run_id).collect();
        let before = plan.removable.len();
        plan.removable
            .retain(|run| !newest.contains(&run.process_run_id));
        let kept = before - plan.removable.len();
        if kept > 0 {
            *plan.kept.entry(KeepReason::NewestVerified).or_default() += kept;
        }
    }
    Ok(())
}

/// Whether a run's files may go.
fn judge(run: &Run, rules: &PruneRules, folders: &RunsDir) -> Result<(), KeepReason> {
    let concluded = run.concluded_at.ok_or(KeepReason::Open)?;
    let now = run.created_at.saturating_add(run.age.as_duration());
    let is_old = now.is_ok_and(|now| now.duration_since(concluded) >= rules.older_than);
    let is_meant = rules
        .candidate
        .as_ref()
        .is_none_or(|candidate| *candidate == run.process_candidate_code);
    if !is_meant {
        Err(KeepReason::OtherCandidate)
    } else if !is_old {
        Err(KeepReason::Young)
    } else if rules.only_failed && !has_failed(run) {
        Err(KeepReason::NotFailed)
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

fn has_failed(run: &Run) -> bool {
    let is_well = run.status == StoredStatus::Completed && run.verdict == Some(Verdict::Pass);
    !is_well
}
