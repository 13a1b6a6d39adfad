//! The words that say how much a thing is worth. One place, so that no command can praise what another does not.
//!
//! Nothing here is computed: each badge is the reading of one value that a view or a row holds.

use dotwrap_wrapper::{
    CheckStatus, DotWrapperStatus, EvidenceType, LeaseState, Posture, Run, Rung, StoredStatus,
    Verdict,
};

use crate::output::{Cell, CellStyle};

/// What a kind of evidence proves.
pub(crate) fn evidence(kind: EvidenceType) -> Cell {
    match kind {
        EvidenceType::SimulatedDryRun => {
            Cell::toned("SIMULATED — proof only, not verified", CellStyle::Caution)
        }
        EvidenceType::DryRun => {
            Cell::toned("DRY RUN — proof only, not verified", CellStyle::Caution)
        }
        EvidenceType::BackfilledEvidence => Cell::toned(
            "BACKFILLED — asserted, never counts as runtime",
            CellStyle::Caution,
        ),
        EvidenceType::RealRun => Cell::toned("REAL RUN", CellStyle::Notice),
    }
}

/// The same in one word, for tables.
pub(crate) fn evidence_word(kind: EvidenceType) -> Cell {
    let tone = if kind == EvidenceType::RealRun {
        CellStyle::Notice
    } else {
        CellStyle::Caution
    };
    Cell::toned(kind, tone)
}

/// The same of a run, which says so where a dry run of it had no complete sandbox.
pub(crate) fn evidence_of_run(run: &Run) -> Cell {
    if is_sandbox_incomplete(&run.evidence_ref) {
        return Cell::toned(format!("{}, no sandbox", run.evidence_type), CellStyle::Bad);
    }
    evidence_word(run.evidence_type)
}

/// The same, for a table of 80 columns.
pub(crate) fn short_evidence_of_run(run: &Run) -> Cell {
    let word = match run.evidence_type {
        EvidenceType::SimulatedDryRun => "SIMULATED",
        EvidenceType::DryRun => "DRY RUN",
        EvidenceType::RealRun => "REAL RUN",
        EvidenceType::BackfilledEvidence => "BACKFILL",
    };
    if is_sandbox_incomplete(&run.evidence_ref) {
        return Cell::toned(format!("{word}, no sandbox"), CellStyle::Bad);
    }
    Cell::toned(word, evidence_word(run.evidence_type).tone)
}

/// Whether a record says that a tool ran in a dry run and was not, or not wholly, kept from writing elsewhere.
pub(crate) fn is_sandbox_incomplete(evidence: &serde_json::Value) -> bool {
    evidence["sandbox_incomplete"] == true
}

/// A stored status. A simulated run that completed has proven nothing: no status is ever green.
pub(crate) fn status(status: StoredStatus) -> Cell {
    let tone = match status {
        StoredStatus::Failed | StoredStatus::Stuck | StoredStatus::Orphan => CellStyle::Bad,
        StoredStatus::Started | StoredStatus::StepStarted => CellStyle::Notice,
        StoredStatus::Cancelled => CellStyle::Faint,
        _ => CellStyle::Plain,
    };
    Cell::toned(status, tone)
}

/// The status of a run. A header without components says nothing that ran, so that its `completed` is not shown as one.
pub(crate) fn run_status(run: &Run) -> Cell {
    match run.status {
        StoredStatus::Completed | StoredStatus::StepCompleted if run.is_header_only() => {
            Cell::toned("header only", CellStyle::Caution)
        }
        status_word => status(status_word),
    }
}

/// What a verifier said. A verdict is of one run: what it counts for, the ladder says.
pub(crate) fn verdict(verdict: Option<Verdict>) -> Cell {
    match verdict {
        Some(verdict @ Verdict::Pass) => Cell::plain(verdict),
        Some(verdict) => Cell::toned(verdict, CellStyle::Bad),
        None => Cell::or_dash(None::<&str>),
    }
}

/// How far a DOT is.
pub(crate) fn wrapper_status(status: DotWrapperStatus, dry_run_ready: bool) -> Cell {
    match status {
        DotWrapperStatus::WrapperNeeded => Cell::toned("no runner", CellStyle::Faint),
        DotWrapperStatus::WrapperReadyNoObservation if dry_run_ready => {
            Cell::toned("dry-run ready", CellStyle::Notice)
        }
        DotWrapperStatus::WrapperReadyNoObservation => {
            Cell::toned("nothing observed", CellStyle::Faint)
        }
        DotWrapperStatus::SimulatedObserved => {
            Cell::toned("proof only, not verified", CellStyle::Caution)
        }
        DotWrapperStatus::DryRunObserved => {
            Cell::toned("dry run, not verified", CellStyle::Caution)
        }
        DotWrapperStatus::RealRunObserved => Cell::toned("real run observed", CellStyle::Notice),
    }
}

/// A rung of the ladder.
pub(crate) fn rung(rung: Rung) -> Cell {
    let tone = match rung {
        Rung::StructuralCandidate => CellStyle::Faint,
        Rung::BackfilledObserved | Rung::SimulatedObserved | Rung::DryRunObserved => {
            CellStyle::Caution
        }
        Rung::RealRunObserved => CellStyle::Notice,
        Rung::VerifiedCandidate | Rung::BirthReady => CellStyle::Good,
    };
    Cell::toned(rung, tone)
}

/// What the gates allow.
pub(crate) fn posture(posture: Posture) -> Cell {
    match posture {
        Posture::NoExecute => Cell::toned(posture, CellStyle::Good),
        Posture::DryRunOnly => Cell::toned(posture, CellStyle::Caution),
        Posture::RealRun => Cell::toned(posture, CellStyle::Bad),
    }
}

/// What the posture means.
pub(crate) fn posture_meaning(posture: Posture) -> &'static str {
    match posture {
        Posture::NoExecute => "nothing may be executed; simulated evidence may be recorded",
        Posture::DryRunOnly => "tools may run in a mode that changes nothing",
        Posture::RealRun => "tools may run for real",
    }
}

/// What a preflight check came to.
pub(crate) fn check(status: CheckStatus) -> Cell {
    let tone = match status {
        CheckStatus::Pass => CellStyle::Good,
        CheckStatus::Warn => CellStyle::Caution,
        CheckStatus::Block => CellStyle::Bad,
    };
    Cell::toned(status, tone)
}

/// What a lease is in.
pub(crate) fn lease(state: LeaseState) -> Cell {
    let tone = match state {
        LeaseState::Free => CellStyle::Faint,
        LeaseState::Held => CellStyle::Notice,
        LeaseState::Expired => CellStyle::Caution,
    };
    Cell::toned(state, tone)
}
