//! Candidates: the processes that runs are evidence for. Real runs need a registered one; `birth_ready`
//! asks for its owner.

use jiff::Timestamp;

use crate::{
    Wrapper,
    database::{Call, row},
    error::Error,
    types::{Actor, CandidateCode},
};

row! {
    /// One registered candidate.
    pub struct Candidate {
        /// Its code.
        pub process_candidate_code: CandidateCode,
        /// What people call it.
        pub title: String,
        /// Who answers for it.
        pub owner: Option<String>,
        /// When it was registered.
        pub created_at: Timestamp,
    }
}

impl Wrapper {
    /// Every registered candidate, by code.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn candidates(&self) -> Result<Vec<Candidate>, Error> {
        self.database
            .view(
                "v_process_candidate",
                "ORDER BY process_candidate_code",
                Vec::new(),
            )
            .await
    }

    /// Registers a candidate, or changes its title and owner. None keeps a value; a blank text removes it.
    ///
    /// # Errors
    /// Refused as `candidate_required`, `actor_required` or `text_too_long`; [`Error::NotPermitted`] for a login that
    /// is no operator.
    pub async fn set_candidate(
        &self,
        code: &CandidateCode,
        title: Option<&str>,
        owner: Option<&str>,
        actor: Option<&Actor>,
    ) -> Result<CandidateCode, Error> {
        let call = Call::to("fn_process_candidate_set")
            .with("p_process_candidate_code", code)
            .with("p_title", title)
            .with("p_owner", owner)
            .with("p_actor", self.actor_or_default(actor))
            .idempotent();
        self.database.value(&call).await
    }
}
