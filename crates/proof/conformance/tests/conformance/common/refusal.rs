//! The required form of a refusal.

use serde_json::Value;
use tokio_postgres::{Error, GenericClient};

use super::query::ask;

/// A refusal, as the database sent it.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) sqlstate: String,
    pub(crate) message: String,
    pub(crate) detail: Value,
    pub(crate) hint: String,
}

impl Refusal {
    /// Reads an error as a refusal, and fails the test where it is none, or lacks one of its four parts.
    pub(crate) fn of(error: &Error) -> Self {
        let Some(database) = error.as_db_error() else {
            panic!("no refusal but {error:?}")
        };
        let code = database
            .constraint()
            .unwrap_or_else(|| panic!("a refusal without CONSTRAINT: {database:?}"));
        let detail = database
            .detail()
            .unwrap_or_else(|| panic!("a refusal without DETAIL: {database:?}"));
        let detail: Value = serde_json::from_str(detail)
            .unwrap_or_else(|error| panic!("DETAIL is no JSON ({error}): {detail}"));
        assert_eq!(detail["code"], code, "DETAIL does not repeat the code");
        let hint = database.hint().unwrap_or_default().to_owned();
        assert!(!hint.trim().is_empty(), "{code} has no HINT");
        Self {
            code: code.to_owned(),
            sqlstate: database.code().code().to_owned(),
            message: database.message().to_owned(),
            detail,
            hint,
        }
    }
}

/// The refusal that a query gets.
pub(crate) async fn refused(client: &impl GenericClient, query: &str) -> Refusal {
    match ask(client, query).await {
        Ok(rows) => panic!(
            "not refused but {rows:?}: {}",
            query.chars().take(500).collect::<String>()
        ),
        Err(error) => Refusal::of(&error),
    }
}

/// Its code.
pub(crate) async fn code(client: &impl GenericClient, query: &str) -> String {
    refused(client, query).await.code
}
