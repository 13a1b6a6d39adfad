//! What wraps each DOT, and what was observed of it.

use serde::{Deserialize, Serialize};
use strum::{AsRefStr, Display, EnumString, VariantArray};

use crate::{
    Wrapper,
    database::row,
    error::Error,
    types::{CorrelationId, DotCode, EvidenceType, ProcessRunId, read_from_text_column},
};

/// How far a DOT is on the way to being run and recorded.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    AsRefStr,
    Display,
    EnumString,
    VariantArray,
    Serialize,
    Deserialize,
)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DotWrapperStatus {
    /// Nothing can call it, and nothing was observed of it.
    WrapperNeeded,
    /// It could be called, or was only asserted; nothing of its own was observed.
    WrapperReadyNoObservation,
    /// The ledger path was exercised for it.
    SimulatedObserved,
    /// Its own logic ran in a mode that changes nothing.
    DryRunObserved,
    /// It ran for real.
    RealRunObserved,
}

read_from_text_column!(DotWrapperStatus);

row! {
    /// Where one DOT stands: a row of `v_process_dot_wrapper_status`.
    pub struct DotStatus {
        /// The DOT.
        pub dot_code: DotCode,
        /// The DOT that it is paired with.
        pub paired_dot: Option<DotCode>,
        /// What sets it off.
        pub trigger_type: String,
        /// What calls it: `agent_api`, `command`, `mcp` or `none`.
        pub engine: String,
        /// Where its script is.
        pub script_path: Option<String>,
        /// Whether something can call it.
        pub runner_exists: bool,
        /// How far it is.
        pub wrapper_status: DotWrapperStatus,
        /// Whether anything was observed of it.
        pub has_observation: bool,
        /// What kind of evidence was observed last.
        pub last_observation_type: Option<EvidenceType>,
        /// The run of that.
        pub process_run_id: Option<ProcessRunId>,
        /// The correlation of that run.
        pub correlation_id: Option<CorrelationId>,
        /// Whether its pair can be run dry.
        pub dry_run_ready: bool,
        /// `none`, `present` or `missing`.
        pub fixture_status: String,
        /// What to do next.
        pub next_action: String,
    }
}

impl Wrapper {
    /// Where every DOT stands, by code.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn dot_statuses(&self) -> Result<Vec<DotStatus>, Error> {
        self.database
            .view(
                "v_process_dot_wrapper_status",
                "ORDER BY dot_code",
                Vec::new(),
            )
            .await
    }

    /// Where one DOT stands; none: there is no such code.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn dot_status(&self, dot_code: &DotCode) -> Result<Option<DotStatus>, Error> {
        let of_dot = "WHERE dot_code = $1";
        let found = self
            .database
            .view(
                "v_process_dot_wrapper_status",
                of_dot,
                vec![dot_code.into()],
            )
            .await?;
        Ok(found.into_iter().next())
    }
}
