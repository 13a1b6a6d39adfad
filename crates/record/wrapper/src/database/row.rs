//! Rows of views and of functions as structs whose fields bear the columns' names.

use std::any::Any;

use serde_json::json;
use tokio_postgres::{Row, types::FromSql};
use uuid::Uuid;

/// What becomes of a JSON column that cannot be decoded: PostgreSQL stores deeper JSON and larger numbers than other
/// programs read. The contract refuses such values; a row that came in otherwise, or before it did, is there for
/// ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undecodable {
    /// A marked placeholder stands in its place, with a warning that names the row: one row makes no listing
    /// unreadable.
    Marked,
    /// The row cannot be read: what is acted upon is never a placeholder.
    AnError,
}

/// The one key of a placeholder.
const UNDECODABLE: &str = "undecodable";

/// A row that can be read from an answer.
pub(crate) trait ReadRow: Sized {
    /// The columns it is read from, by name. The first ones name the row.
    const COLUMNS: &'static [&'static str];

    fn read(row: &Row, undecodable: Undecodable) -> Result<Self, tokio_postgres::Error>;
}

/// Reads one column.
pub(crate) fn column<T>(
    row: &Row,
    name: &str,
    undecodable: Undecodable,
) -> Result<T, tokio_postgres::Error>
where
    T: for<'a> FromSql<'a> + 'static,
{
    let error = match row.try_get(name) {
        Ok(value) => return Ok(value),
        Err(error) if undecodable == Undecodable::AnError => return Err(error),
        Err(error) => error,
    };
    let why = std::error::Error::source(&error).map_or(error.to_string(), ToString::to_string);
    let Some(placeholder) = placeholder(&why) else {
        return Err(error);
    };
    tracing::warn!("{}: its {name} cannot be decoded: {why}", row_name(row));
    Ok(placeholder)
}

/// What stands in the place of JSON that cannot be decoded; none where the column is something else.
fn placeholder<T: 'static>(why: &str) -> Option<T> {
    let json = json!({ UNDECODABLE: why });
    let plain: Box<dyn Any> = Box::new(json.clone());
    let optional: Box<dyn Any> = Box::new(Some(json));
    let found = plain.downcast().or_else(|_| optional.downcast());
    found.ok().map(|found| *found)
}

/// What a person finds the row by: its first column, and the mode where a contract's follows.
fn row_name(row: &Row) -> String {
    let text = |index: usize| {
        let id = row.try_get::<_, Uuid>(index).map(|id| id.to_string());
        id.or_else(|_| row.try_get::<_, String>(index)).ok()
    };
    let columns = row.columns();
    let named = columns.iter().enumerate().take(2);
    let named = named.filter(|(index, column)| *index == 0 || column.name() == "mode");
    let named =
        named.filter_map(|(index, column)| Some(format!("{} {}", column.name(), text(index)?)));
    named.collect::<Vec<_>>().join(", ")
}

/// Declares a struct whose fields are the columns of a view or of a function's result, read by name.
/// Its JSON has the columns' names, so a view, its struct and the documented output cannot drift.
macro_rules! row {
    (
        $(#[$documentation:meta])*
        $visibility:vis struct $name:ident {
            $( $(#[$field_documentation:meta])* $field_visibility:vis $column:ident: $type:ty, )+
        }
    ) => {
        $(#[$documentation])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        #[non_exhaustive]
        $visibility struct $name {
            $( $(#[$field_documentation])* $field_visibility $column: $type, )+
        }

        $crate::database::read_row!($name { $($column),+ });
    };
}
pub(crate) use row;

/// Reads a type from the columns that its fields are named after.
macro_rules! read_row {
    ($name:ident { $( $column:ident ),+ }) => {
        impl $crate::database::ReadRow for $name {
            const COLUMNS: &'static [&'static str] = &[$(stringify!($column)),+];

            fn read(
                row: &tokio_postgres::Row,
                undecodable: $crate::database::Undecodable,
            ) -> Result<Self, tokio_postgres::Error> {
                Ok(Self { $( $column: $crate::database::column(row, stringify!($column), undecodable)?, )+ })
            }
        }
    };
}
pub(crate) use read_row;

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;

    #[test]
    fn only_json_has_a_placeholder() {
        let marked = json!({"undecodable": "why"});
        assert_eq!(placeholder::<Json>("why"), Some(marked.clone()));
        assert_eq!(placeholder::<Option<Json>>("why"), Some(Some(marked)));
        assert_eq!(placeholder::<String>("why"), None);
        assert_eq!(placeholder::<Option<i64>>("why"), None);
    }
}
