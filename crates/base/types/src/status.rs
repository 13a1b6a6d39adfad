//! Statuses: those that a caller passes, and those that the ledger stores.

use serde_json::{Map, Value};

use crate::{EvidenceType, text_enum};

text_enum! {
    /// The status that a caller passes. [`WrapperStatus::stored`] maps it to the stored statuses.
    ///
    /// There is no status 'blocked': a call that the gates refuse writes nothing and is
    /// refused.
    #[derive(Default)]
    pub enum WrapperStatus {
        /// The run was prepared and nothing else.
        Prepared,
        /// The run was started.
        Started,
        /// The run ended well.
        #[default]
        Completed,
        /// The run failed; `error_ref` says where to look.
        Failed,
        /// The run was left out on purpose.
        Skipped,
    }
}

text_enum! {
    /// The statuses that the ledger's CHECK domain knows.
    #[derive(Default)]
    pub enum StoredStatus {
        /// Seen, nothing more is claimed.
        #[default]
        Observed,
        /// A run that was started.
        Started,
        /// A component that was started.
        StepStarted,
        /// A component that ended well.
        StepCompleted,
        /// A run that ended well.
        Completed,
        /// A run or component that failed.
        Failed,
        /// A run whose holder died during a call with an unknown outcome.
        Stuck,
        /// A run or component that was called off or skipped.
        Cancelled,
        /// A run whose holder died before anything was invoked.
        Orphan,
    }
}

text_enum! {
    /// Which part of the pair a component is.
    pub enum ComponentRole {
        /// The DOT that does a thing.
        Producer,
        /// The DOT that checks it.
        Verifier,
    }
}

text_enum! {
    /// The verifier's verdict on the producer's output.
    pub enum Verdict {
        /// The output is what it should be.
        Pass,
        /// The output is not what it should be.
        Fail,
        /// The verifier could not decide.
        Error,
    }
}

/// The stored form of a caller's status.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredMapping {
    /// The header's status.
    pub header: StoredStatus,
    /// The status of both components.
    pub component: StoredStatus,
    /// The evidence type of the header and both components.
    pub evidence_type: EvidenceType,
    /// The tags for `evidence_ref`, which overwrite a caller's members with the same names.
    pub evidence_tags: Map<String, Value>,
}

impl WrapperStatus {
    /// The status model as a pure function: what `fn_process_pair_observe` stores for this status and the requested
    /// evidence type.
    ///
    /// `prepared` stores simulated evidence whatever was requested, and keeps the request as a tag.
    ///
    /// ```
    /// use dotwrap_types::{EvidenceType, StoredStatus, WrapperStatus};
    ///
    /// let stored = WrapperStatus::Prepared.stored(EvidenceType::RealRun);
    /// assert_eq!(stored.header, StoredStatus::Observed);
    /// assert_eq!(stored.evidence_type, EvidenceType::SimulatedDryRun);
    /// assert_eq!(stored.evidence_tags["requested_evidence_type"], "REAL_RUN");
    /// ```
    pub fn stored(self, requested: EvidenceType) -> StoredMapping {
        let (header, component) = match self {
            Self::Prepared => (StoredStatus::Observed, StoredStatus::Observed),
            Self::Started => (StoredStatus::Started, StoredStatus::StepStarted),
            Self::Completed => (StoredStatus::Completed, StoredStatus::StepCompleted),
            Self::Failed => (StoredStatus::Failed, StoredStatus::Failed),
            Self::Skipped => (StoredStatus::Cancelled, StoredStatus::Cancelled),
        };
        StoredMapping {
            header,
            component,
            evidence_type: self.effective_evidence(requested),
            evidence_tags: self.evidence_tags(requested),
        }
    }

    /// The evidence type that is stored where `requested` was asked for.
    pub fn effective_evidence(self, requested: EvidenceType) -> EvidenceType {
        match self {
            Self::Prepared => EvidenceType::SimulatedDryRun,
            _ => requested,
        }
    }

    fn evidence_tags(self, requested: EvidenceType) -> Map<String, Value> {
        let tag = |name: &str, value: Value| (name.to_owned(), value);
        match self {
            Self::Prepared => Map::from_iter([
                tag("wrapper_phase", "prepared".into()),
                tag("requested_evidence_type", requested.as_ref().into()),
            ]),
            Self::Skipped => Map::from_iter([tag("skipped", true.into())]),
            Self::Started | Self::Completed | Self::Failed => Map::new(),
        }
    }
}
