//! Which runs are meant.
use clap::{Args, ValueEnum};
use dotwrap_wrapper::{
    Actor, CandidateCode, CorrelationId, DotCode, EvidenceType, IdempotencyKey, RunFilter,
    StoredStatus, Verdict,
};
use jiff::Timestamp;

use crate::commands::shared::{input_ref, moment};
use crate::value_parser::one_of;

/// A mode, as `run` takes it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    /// Recorded without a call.
    Simulate,
    /// The tools' dry form.
    DryRun,
    /// The tools, for real.
    RealRun,
}

/// Which runs.
#[derive(Debug, Args)]
pub(super) struct Filter {
    /// Only runs of this candidate
    #[arg(long, value_name = "CODE")]
    candidate: Option<String>,
    /// Only runs of this producer
    #[arg(long, value_name = "DOT_CODE")]
    producer: Option<String>,
    /// Only runs with this correlation
    #[arg(long, value_name = "TEXT")]
    correlation: Option<String>,
    /// Only runs in this status
    #[arg(long, value_name = "STATUS", value_parser = one_of::<StoredStatus>())]
    status: Option<StoredStatus>,
    /// Only runs with this verdict
    #[arg(long, value_name = "VERDICT", value_parser = one_of::<Verdict>())]
    verdict: Option<Verdict>,
    /// Only runs whose rows show this evidence
    #[arg(long, value_name = "EVIDENCE", value_parser = one_of::<EvidenceType>())]
    evidence: Option<EvidenceType>,
    /// Only runs of this mode, whatever became of them
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// Only runs whose tools this runner called, as `runs show` names it
    #[arg(long, value_name = "NAME")]
    runner: Option<String>,
    /// Only runs of this actor
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Only runs of this input; a relative path of a file that exists stands for its absolute one
    #[arg(long, value_name = "REF", value_parser = input_ref)]
    input: Option<String>,
    /// Only the run of this key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Only runs with warnings
    #[arg(long)]
    warnings: bool,
    /// Only runs recorded since: a time, a date, or how long ago, e.g. 36h
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only runs recorded before: a time, a date, or how long ago
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    until: Option<Timestamp>,
}

impl Filter {
    /// Whether any run is left out.
    pub(super) fn leaves_out(&self) -> bool {
        let texts = [
            &self.candidate,
            &self.producer,
            &self.correlation,
            &self.actor,
            &self.runner,
            &self.input,
            &self.key,
        ];
        texts.into_iter().any(Option::is_some)
            || self.status.is_some()
            || self.verdict.is_some()
            || self.evidence.is_some()
            || self.mode.is_some()
            || self.warnings
            || self.since.is_some()
            || self.until.is_some()
    }

    /// As the library takes it.
    pub(super) fn described(self) -> RunFilter {
        let mut filter = RunFilter::default();
        filter.process_candidate_code = self.candidate.map(CandidateCode::new);
        filter.dot_code = self.producer.map(DotCode::new);
        filter.correlation_id = self.correlation.map(CorrelationId::new);
        filter.status = self.status;
        filter.verdict = self.verdict;
        filter.evidence_type = self.evidence;
        filter.actor = self.actor.map(Actor::new);
        filter.mode = self.mode.map(|mode| match mode {
            Mode::Simulate => EvidenceType::SimulatedDryRun,
            Mode::DryRun => EvidenceType::DryRun,
            Mode::RealRun => EvidenceType::RealRun,
        });
        filter.runner = self.runner.map(Actor::new);
        filter.input_ref = self.input;
        filter.idempotency_key = self.key.map(IdempotencyKey::new);
        filter.has_warnings = self.warnings;
        filter.since = self.since;
        filter.until = self.until;
        filter
    }
}
