//! Candidate pairs: which producers' real runs count for which candidate. The database refuses other real
//! runs, and the ladder counts no others.

use jiff::Timestamp;

use crate::{
    Wrapper,
    database::{Call, Value, row},
    error::Error,
    types::{Actor, CandidateCode, DotCode, text_enum},
};

row! {
    /// One declared pair: a row of `v_process_candidate_pair`.
    pub struct CandidatePair {
        /// The candidate.
        pub process_candidate_code: CandidateCode,
        /// The producer whose real runs count for it.
        pub dot_code: DotCode,
        /// Whether an upgrade inferred it from earlier runs and no operator has confirmed it. It counts.
        pub is_inferred: bool,
        /// Who declared or confirmed it.
        pub declared_by: String,
        /// The login that recorded it.
        pub recorded_by: String,
        /// When it was declared or confirmed.
        pub declared_at: Timestamp,
        /// Whether the candidate is registered; real runs need that, too.
        pub is_registered: bool,
    }
}

text_enum! {
    /// What declaring or removing a pair changed.
    pub enum PairChange {
        /// It is new.
        Declared,
        /// It was inferred, and is confirmed now.
        Confirmed,
        /// It was declared already; nothing changed.
        Kept,
        /// It was there, and is not any more.
        Removed,
        /// It was not there; nothing changed.
        Absent,
    }
}

impl Wrapper {
    /// Every declared pair, by candidate and producer.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn candidate_pairs(&self) -> Result<Vec<CandidatePair>, Error> {
        self.database
            .view(
                "v_process_candidate_pair",
                "ORDER BY process_candidate_code, dot_code",
                Vec::new(),
            )
            .await
    }

    /// The pairs that are declared for one candidate, by producer.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn candidate_pairs_of(
        &self,
        candidate: &CandidateCode,
    ) -> Result<Vec<CandidatePair>, Error> {
        let of_candidate = "WHERE process_candidate_code = $1 ORDER BY dot_code";
        self.database
            .view(
                "v_process_candidate_pair",
                of_candidate,
                vec![Value::from(candidate)],
            )
            .await
    }

    /// Declares that a producer's real runs count for a candidate, or confirms what was inferred.
    ///
    /// # Errors
    /// Refused as `candidate_unknown`, `unknown_dot`, `pair_incomplete`, `not_a_producer`, `actor_required`
    /// or `busy`; [`Error::NotPermitted`] for a login that is no operator.
    pub async fn declare_candidate_pair(
        &self,
        candidate: &CandidateCode,
        producer: &DotCode,
        reason: Option<&str>,
        actor: Option<&Actor>,
    ) -> Result<PairChange, Error> {
        self.set_candidate_pair(candidate, producer, true, reason, actor)
            .await
    }

    /// Removes a pair: the producer's real runs count for the candidate no more, earlier ones included.
    ///
    /// # Errors
    /// Refused as `actor_required` or `busy`; [`Error::NotPermitted`] for a login that is no operator.
    pub async fn remove_candidate_pair(
        &self,
        candidate: &CandidateCode,
        producer: &DotCode,
        reason: Option<&str>,
        actor: Option<&Actor>,
    ) -> Result<PairChange, Error> {
        self.set_candidate_pair(candidate, producer, false, reason, actor)
            .await
    }

    async fn set_candidate_pair(
        &self,
        candidate: &CandidateCode,
        producer: &DotCode,
        is_declared: bool,
        reason: Option<&str>,
        actor: Option<&Actor>,
    ) -> Result<PairChange, Error> {
        let call = Call::to("fn_process_candidate_pair_set")
            .with("p_process_candidate_code", candidate)
            .with("p_dot_code", producer)
            .with("p_actor", self.actor_or_default(actor))
            .with("p_reason", reason)
            .with("p_declared", is_declared)
            .idempotent();
        self.database.value(&call).await
    }
}
