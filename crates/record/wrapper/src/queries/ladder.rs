//! The ladder of a candidate, from structure alone to verified and owned. The views compute it from receipts and
//! verdicts; no column stores it and no call sets it.

use jiff::Timestamp;

use crate::{
    Wrapper,
    database::row,
    error::Error,
    types::{CandidateCode, EvidenceType, ProcessRunId, text_enum},
};

text_enum! {
    /// The rungs, the lowest first.
    #[derive(PartialOrd, Ord)]
    pub enum Rung {
        /// The candidate is known, without evidence.
        StructuralCandidate,
        /// Another source asserted evidence.
        BackfilledObserved,
        /// A simulated run was recorded.
        SimulatedObserved,
        /// A producer completed a dry run, which changes nothing.
        DryRunObserved,
        /// A producer completed a real run.
        RealRunObserved,
        /// A producer completed a real run, and its verifier passed that very output.
        VerifiedCandidate,
        /// Verified, and the candidate has an owner.
        BirthReady,
    }
}

row! {
    /// Where one candidate stands: a row of `v_process_discovery_candidate_status_v3`.
    pub struct CandidateStatus {
        /// The candidate.
        pub process_candidate_code: CandidateCode,
        /// Whether a producer completed for real, with its receipt.
        pub has_real_runtime: bool,
        /// Whether one concluded run joins such a producer with a verifier that passed its very output.
        pub has_cross_component_correlation: bool,
        /// Whether the candidate has no owner.
        pub owner_missing: bool,
        /// The best kind of evidence that there is.
        pub best_evidence_type: Option<EvidenceType>,
        /// Its rung.
        pub candidate_status_v3: Rung,
        /// The same as a label of the birth gate.
        pub birth_gate_status_v3: String,
    }
}

row! {
    /// What one candidate still needs: a row of `v_process_discovery_birth_readiness_v3`.
    pub struct BirthReadiness {
        /// The candidate.
        pub process_candidate_code: CandidateCode,
        /// Whether a producer completed for real, with its receipt.
        pub has_real_runtime: bool,
        /// Whether one concluded run joins such a producer with a verifier that passed its very output.
        pub has_cross_component_correlation: bool,
        /// Whether the candidate has no owner.
        pub owner_missing: bool,
        /// The best kind of evidence that there is.
        pub best_evidence_type: Option<EvidenceType>,
        /// Its rung.
        pub candidate_status_v3: Rung,
        /// The same as a label of the birth gate.
        pub birth_gate_status_v3: String,
        /// The next rung; none: it is at the top.
        pub next_rung: Option<Rung>,
        /// What is missing for it.
        pub missing: Option<String>,
        /// Whether real runs count for it by a pair that an upgrade inferred and no operator has confirmed.
        pub has_inferred_pair: bool,
        /// The newest verified run.
        pub verified_run_id: Option<ProcessRunId>,
        /// When the producer's receipt of that run was written: the age of its data.
        pub verified_produced_at: Option<Timestamp>,
        /// The digest of the producer's contract under which it was called.
        pub producer_contract_sha256: Option<String>,
        /// The digest of the verifier's contract under which it was called.
        pub verifier_contract_sha256: Option<String>,
        /// Whether these contracts are in force now. None: they are not recorded.
        pub contracts_current: Option<bool>,
    }
}

row! {
    /// What was observed of one candidate: a row of `v_process_discovery_runtime_observed`.
    pub struct ObservedCounts {
        /// The candidate.
        pub process_candidate_code: CandidateCode,
        /// How many headers.
        pub run_count: i64,
        /// How many runs with components of `REAL_RUN`.
        pub real_run_count: i64,
        /// How many runs with components of `DRY_RUN`.
        pub dry_run_count: i64,
        /// How many runs with simulated components.
        pub simulated_count: i64,
        /// How many runs with backfilled components.
        pub backfilled_count: i64,
        /// How many components.
        pub component_count: i64,
        /// When something was observed last.
        pub last_observed_at: Option<Timestamp>,
    }
}

impl Wrapper {
    /// Where every candidate stands, by code.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn candidate_statuses(&self) -> Result<Vec<CandidateStatus>, Error> {
        let by_code = "ORDER BY process_candidate_code";
        self.database
            .view(
                "v_process_discovery_candidate_status_v3",
                by_code,
                Vec::new(),
            )
            .await
    }

    /// Where one candidate stands; none: nothing is known of it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn candidate_status(
        &self,
        code: &CandidateCode,
    ) -> Result<Option<CandidateStatus>, Error> {
        let of_candidate = "WHERE process_candidate_code = $1";
        let view = "v_process_discovery_candidate_status_v3";
        let found = self
            .database
            .view(view, of_candidate, vec![code.into()])
            .await?;
        Ok(found.into_iter().next())
    }

    /// The candidates with real evidence, by code. Simulated and dry evidence cannot appear here.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn verified_candidates(&self) -> Result<Vec<CandidateStatus>, Error> {
        let by_code = "ORDER BY process_candidate_code";
        self.database
            .view(
                "v_process_discovery_verified_candidates_v3",
                by_code,
                Vec::new(),
            )
            .await
    }

    /// What every candidate still needs, by code.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn birth_readiness(&self) -> Result<Vec<BirthReadiness>, Error> {
        let by_code = "ORDER BY process_candidate_code";
        self.database
            .view(
                "v_process_discovery_birth_readiness_v3",
                by_code,
                Vec::new(),
            )
            .await
    }

    /// What one candidate still needs; none: no run, registry or catalogue names it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn birth_readiness_of(
        &self,
        candidate: &CandidateCode,
    ) -> Result<Option<BirthReadiness>, Error> {
        let found = self
            .database
            .view(
                "v_process_discovery_birth_readiness_v3",
                "WHERE process_candidate_code = $1",
                vec![candidate.into()],
            )
            .await?;
        Ok(found.into_iter().next())
    }

    /// What was observed of every candidate, by code.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn observed_counts(&self) -> Result<Vec<ObservedCounts>, Error> {
        let by_code = "ORDER BY process_candidate_code";
        self.database
            .view("v_process_discovery_runtime_observed", by_code, Vec::new())
            .await
    }
}
