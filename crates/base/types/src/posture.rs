//! What the gates allow at an instant.

use crate::text_enum;

text_enum! {
    "SCREAMING_SNAKE_CASE":
    /// What the gates allow at this instant, weakest first. As shipped: [`Posture::NoExecute`].
    ///
    /// The database computes it; nothing here does.
    #[derive(PartialOrd, Ord)]
    pub enum Posture {
        /// Nothing may be executed; simulated evidence may be recorded.
        NoExecute,
        /// Tools may run in a mode that changes nothing.
        DryRunOnly,
        /// Tools may run for real.
        RealRun,
    }
}
