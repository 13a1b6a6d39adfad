//! Which runs are meant.
use clap::Args;
use dotwrap_wrapper::{CandidateCode, CorrelationId, DotCode, RunFilter};

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
}

impl Filter {
    /// Whether any run is left out.
    pub(super) fn leaves_out(&self) -> bool {
        self.candidate.is_some() || self.producer.is_some() || self.correlation.is_some()
    }

    /// As the library takes it.
    pub(super) fn described(self) -> RunFilter {
        let mut filter = RunFilter::default();
        filter.process_candidate_code = self.candidate.map(CandidateCode::new);
        filter.dot_code = self.producer.map(DotCode::new);
        filter.correlation_id = self.correlation.map(CorrelationId::new);
        filter
    }
}
