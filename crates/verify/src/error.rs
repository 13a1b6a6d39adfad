//! Why nothing could be judged.

/// Why the ledger could not be judged. Nothing is known of it then.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The tables are not there, or not all of them.
    #[error("no complete ledger in schema {schema:?}: missing {}", missing.join(", "))]
    NotInstalled {
        /// The schema that was looked at.
        schema: String,
        /// The tables that were not found there.
        missing: Vec<String>,
    },
    /// The session may not read the raw tables or the views.
    #[error("may not read {}: connect as a member of {archiver}", unreadable.join(", "))]
    MissingRight {
        /// What the session may not read.
        unreadable: Vec<String>,
        /// The role whose members may.
        archiver: String,
    },
    /// The database did not answer a question.
    #[error("the database did not answer {asked}")]
    Database {
        /// The check's name, or what else was asked.
        asked: &'static str,
        /// The message.
        source: tokio_postgres::Error,
    },
}

impl VerifyError {
    pub(crate) fn asking(asked: &'static str) -> impl FnOnce(tokio_postgres::Error) -> Self {
        move |source| Self::Database { asked, source }
    }
}
