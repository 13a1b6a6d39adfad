//! Receipts: the calls that an executed run was allowed to make. Each is committed before its call.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    Wrapper,
    database::row,
    error::Error,
    types::{
        Actor, ComponentRole, ComponentRunId, CorrelationId, DotCode, EvidenceType, Posture,
        ProcessRunId, text_enum,
    },
};

text_enum! {
    /// What is known of a call since its receipt.
    pub enum ReceiptState {
        /// Its component is there.
        Recorded,
        /// A gate closed before the receipt was committed: it counts for nothing, and no component can be bound to it.
        Void,
        /// The run goes on: the DOT is being called, or was, or will be.
        Open,
        /// The run was concluded without a word of this call, which may have happened.
        Unknown,
    }
}

row! {
    /// One receipt, as it stands now.
    pub struct Receipt {
        /// Its id, which the call's component bears.
        pub invocation_id: Uuid,
        /// The run.
        pub process_run_id: ProcessRunId,
        /// The correlation id of the run's records.
        pub correlation_id: CorrelationId,
        /// What may be called.
        pub dot_code: DotCode,
        /// Which part of the pair it is.
        pub component_role: ComponentRole,
        /// `DRY_RUN` or `REAL_RUN`.
        pub mode: EvidenceType,
        /// The posture under which it was given.
        pub posture: Posture,
        /// What the contract named then.
        pub endpoint_ref: Option<String>,
        /// The digest of what the call is given.
        pub input_digest: Option<String>,
        /// Who calls.
        pub runner: Actor,
        /// The login that it was given to.
        pub recorded_by: String,
        /// When.
        pub begun_at: Timestamp,
        /// The call's component, once it is recorded.
        pub component_run_id: Option<ComponentRunId>,
        /// What is known of the call since.
        pub state: ReceiptState,
        /// The digest of the contract under which it was called.
        pub contract_sha256: Option<String>,
    }
}

impl Wrapper {
    /// The receipts of a run, the producer's first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn receipts_of(&self, run: ProcessRunId) -> Result<Vec<Receipt>, Error> {
        let of_run = "WHERE process_run_id = $1 ORDER BY component_role";
        self.database
            .view("v_dot_invocation", of_run, vec![run.into()])
            .await
    }
}
