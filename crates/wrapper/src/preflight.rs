//! GATE 2: the named checks, of which any BLOCK aborts before anything is written.

use crate::{
    Wrapper,
    database::{Call, row},
    error::Error,
    types::text_enum,
};

text_enum! {
    "UPPERCASE":
    /// What a check came to.
    #[derive(PartialOrd, Ord)]
    pub enum CheckStatus {
        /// It found nothing.
        Pass,
        /// It found something, and only says so.
        Warn,
        /// It found something, or could not be asked: nothing may be recorded.
        Block,
    }
}

row! {
    /// What one check found, asked just now.
    pub struct CheckFinding {
        /// The check.
        pub check_name: String,
        /// How many findings; none where the check gave no answer, which blocks.
        pub cnt: Option<i64>,
        /// How bad a finding is: `critical`, `high`, `medium` or `info`.
        pub severity: String,
        /// What it came to.
        pub status: CheckStatus,
    }
}

impl Wrapper {
    /// Asks every enabled check now.
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
