//! GATE 2: the named checks, of which any BLOCK aborts before anything is written.

use crate::{
    Wrapper,
    database::{Call, row},
    error::Error,
    types::text_enum,
};

text_enum! {
    "UPPERCASE":
    /// The result of a check.
    #[derive(PartialOrd, Ord)]
    pub enum CheckStatus {
        /// No finding.
        Pass,
        /// Findings that do not block.
        Warn,
        /// Findings, or the check failed: no run may be recorded.
        Block,
    }
}

row! {
    /// The current result of one check.
    pub struct CheckFinding {
        /// The check.
        pub check_name: String,
        /// The number of findings. None where the check returned no number, which blocks.
        pub cnt: Option<i64>,
        /// How bad a finding is: `critical`, `high`, `medium` or `info`.
        pub severity: String,
        /// The result.
        pub status: CheckStatus,
    }
}

impl Wrapper {
    /// Runs every enabled check now.
    ///
    /// # Errors
    /// [`Error::TimedOut`] where a check hangs; see [`Error`] for the rest.
    pub async fn preflight(&self) -> Result<Vec<CheckFinding>, Error> {
        self.database
            .rows(&Call::to("fn_dot_preflight").idempotent())
            .await
    }

    /// Passes if no check blocks.
    ///
    /// # Errors
    /// Refused as `preflight_blocked`, with the blocking checks and their counts in `detail.checks`.
    pub async fn assert_safe(&self) -> Result<(), Error> {
        self.database
            .execute(&Call::to("fn_assert_safe_for_dot_action").idempotent())
            .await
    }
}
