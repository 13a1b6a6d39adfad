//! Reads the rows of views.

use tokio_postgres::Row;

use super::{
    Database, Idempotency, ReadRow, Undecodable, Value,
    pool::{decode_error, shown},
};
use crate::error::Error;

/// Columns with times that callers supplied. All other times are of the database's clock.
const CALLER_SUPPLIED_TIMES: [&str; 2] = ["started_at", "ended_at"];

impl Database {
    /// Reads rows of a view. `rest` follows `FROM view`: conditions, order, limit. JSON that cannot be decoded is
    /// replaced by a placeholder.
    pub(crate) async fn view<T: ReadRow>(
        &self,
        view: &str,
        rest: &str,
        values: Vec<Value>,
    ) -> Result<Vec<T>, Error> {
        let rows = self.selected::<T>(view, rest, values).await?;
        rows.iter().map(shown).collect()
    }

    /// As [`Database::view`], for rows that the client acts on: JSON that cannot be decoded is an error.
    pub(crate) async fn view_whole<T: ReadRow>(
        &self,
        view: &str,
        rest: &str,
        values: Vec<Value>,
    ) -> Result<Vec<T>, Error> {
        let rows = self.selected::<T>(view, rest, values).await?;
        let whole = |row| T::read(row, Undecodable::AnError).map_err(decode_error);
        rows.iter().map(whole).collect()
    }

    async fn selected<T: ReadRow>(
        &self,
        view: &str,
        rest: &str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Error> {
        let schema = self.quoted_schema();
        let columns = T::COLUMNS
            .iter()
            .map(|column| selected(column))
            .collect::<Vec<_>>()
            .join(", ");
        let statement = format!("SELECT {columns} FROM {schema}.{view} {rest}");
        let values: Vec<&Value> = values.iter().collect();
        self.send_repeatedly(&statement, &values, Idempotency::Idempotent)
            .await
    }
}

/// The expression for a column. A caller's time outside the range of [`jiff::Timestamp`] is read as null: the
/// contract's functions refuse such times, but one row that was written otherwise must not make whole listings
/// unreadable.
fn selected(column: &str) -> String {
    let quoted = format!("\"{column}\"");
    if !CALLER_SUPPLIED_TIMES.contains(&column) {
        return quoted;
    }
    format!(
        "CASE WHEN {quoted} > '-infinity' AND {quoted} < '9999-12-30 00:00:00+00' THEN {quoted} END AS {quoted}"
    )
}
