//! Refusals that were recorded, so that they can be counted and shown. They are no observations.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::{
    Wrapper,
    database::{Call, Value, row},
    error::Error,
    refusal::Refusal,
    types::{Actor, CandidateCode, CorrelationId, DotCode, RefusalId},
};

/// How long recording a refusal may hold the refused caller up.
const RECORDING_LIMIT: Duration = Duration::from_secs(5);

row! {
    /// One refusal that a client recorded.
    pub struct RecordedRefusal {
        /// Its id.
        pub refusal_id: RefusalId,
        /// The violated rule.
        pub refusal_code: String,
        /// What was refused, for a person.
        pub message: String,
        /// The actor of the request, as the caller named it.
        pub actor: Option<String>,
        /// The DOT it was about.
        pub dot_code: Option<String>,
        /// The candidate it was about.
        pub process_candidate_code: Option<String>,
        /// The correlation it was about.
        pub correlation_id: Option<String>,
        /// The posture when it was recorded.
        pub posture: String,
        /// The facts, for a program.
        pub detail: Json,
        /// The login that recorded it.
        pub recorded_by: String,
        /// When it was recorded.
        pub refused_at: Timestamp,
    }
}

row! {
    /// One entry of the contract's own catalogue of refusals.
    pub struct RefusalCatalogueEntry {
        /// The code.
        pub code: String,
        /// The SQLSTATE it is raised with.
        pub sqlstate: String,
        /// What to do about it.
        pub hint: String,
        /// What kind of thing is refused: `argument`, `blocked`, `lease` or `conflict`.
        pub kind: String,
    }
}

/// What a refused recording was about.
#[derive(Clone, Copy, Default)]
pub(crate) struct RefusalContext<'a> {
    pub(crate) actor: Option<&'a Actor>,
    pub(crate) dot_code: Option<&'a DotCode>,
    pub(crate) candidate: Option<&'a CandidateCode>,
    pub(crate) correlation: Option<&'a CorrelationId>,
}

impl Wrapper {
    /// The refusals that were recorded, the newest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn refusals(&self, limit: u32) -> Result<Vec<RecordedRefusal>, Error> {
        let newest = "ORDER BY refused_at DESC, refusal_id DESC LIMIT $1";
        self.database
            .view("v_dot_refusal", newest, vec![Value::Bigint(limit.into())])
            .await
    }

    /// The contract's own catalogue of refusals: every code with its SQLSTATE and its hint.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn refusal_catalogue(&self) -> Result<Vec<RefusalCatalogueEntry>, Error> {
        self.database
            .view("v_dot_refusal_code", "ORDER BY code", Vec::new())
            .await
    }

    /// Passes the outcome of a recording call on; if it is a refusal, a row is written about it first.
    pub(crate) async fn recording_refusal<T>(
        &self,
        about: RefusalContext<'_>,
        outcome: Result<T, Error>,
    ) -> Result<T, Error> {
        if let Err(Error::Refused(refusal)) = &outcome {
            self.record_refusal(about, refusal).await;
        }
        outcome
    }

    /// Writes the row in a transaction of its own, the refused one having been rolled back. Whatever goes
    /// wrong with it is only logged: it must not hide the refusal.
    async fn record_refusal(&self, about: RefusalContext<'_>, refusal: &Refusal) {
        if !self.defaults.record_refusals {
            return;
        }
        let call = Call::to("fn_dot_refusal_record").with(
            "p_refusal",
            json!({
                "refusal_code": refusal.code,
                "message": refusal.message,
                "actor": about.actor,
                "dot_code": about.dot_code,
                "process_candidate_code": about.candidate,
                "correlation_id": about.correlation,
                "detail": refusal.detail,
            }),
        );
        let recorded = tokio::time::timeout(
            RECORDING_LIMIT,
            self.database.value::<Option<RefusalId>>(&call),
        )
        .await;
        match recorded {
            Ok(Ok(Some(_))) => {}
            Ok(Ok(None)) => tracing::warn!(
                code = %refusal.code,
                "a refusal was not recorded: this login has as many within the hour as are kept"
            ),
            Ok(Err(error)) => {
                tracing::warn!(code = %refusal.code, %error, "a refusal could not be recorded")
            }
            Err(_) => tracing::warn!(code = %refusal.code, "recording a refusal took too long"),
        }
    }

    /// Makes a refusal of an answer that is not an error, with the hint that the contract gives for it.
    pub(crate) async fn refuse(
        &self,
        code: crate::RefusalCode,
        message: String,
        detail: Json,
    ) -> Error {
        let catalogued: Result<Vec<RefusalCatalogueEntry>, Error> = self
            .database
            .view(
                "v_dot_refusal_code",
                "WHERE code = $1",
                vec![Value::from(code.as_str())],
            )
            .await;
        let hint = catalogued
            .ok()
            .and_then(|entries| entries.into_iter().next())
            .map(|entry| entry.hint);
        Error::Refused(Refusal::from_payload(code, message, detail, hint))
    }
}
