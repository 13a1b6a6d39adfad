//! The errors of a verification.

/// Why the ledger could not be verified. Its state is then unknown.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Some or all tables are missing.
    #[error("no complete ledger in schema {schema:?}: missing {}", missing.join(", "))]
    NotInstalled {
        /// The schema.
        schema: String,
        /// The missing tables.
        missing: Vec<String>,
    },
    /// The session may not read the raw tables or the views.
    #[error("may not read {}: connect as a member of {archiver}", unreadable.join(", "))]
    MissingRight {
        /// The unreadable relation.
        unreadable: Vec<String>,
        /// The role whose members may read it.
        archiver: String,
    },
    /// A query failed.
    #[error("the database did not answer {asked}")]
    Database {
        /// The check's name, or the name of another query.
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
