//! What kind of evidence a row is.

use crate::text_enum;

text_enum! {
    "SCREAMING_SNAKE_CASE":
    /// What kind of evidence a row is. The default is the weakest that this client can write: a caller
    /// that forgets it claims nothing.
    #[derive(Default)]
    pub enum EvidenceType {
        /// The tool ran and did its work. A component of this type needs an invocation receipt.
        RealRun,
        /// The tool's own logic ran, in a mode that changes nothing. Needs a receipt as well.
        DryRun,
        /// Nothing ran; the ledger path was exercised.
        #[default]
        SimulatedDryRun,
        /// Asserted later, from another source. Only the backfill path writes it.
        BackfilledEvidence,
    }
}
