//! Rows of views and of functions as structs whose fields bear the columns' names.

use tokio_postgres::Row;

/// A row that can be read from an answer.
pub(crate) trait ReadRow: Sized {
    /// The columns it is read from, by name.
    const COLUMNS: &'static [&'static str];

    fn read(row: &Row) -> Result<Self, tokio_postgres::Error>;
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

        impl $crate::database::ReadRow for $name {
            const COLUMNS: &'static [&'static str] = &[$(stringify!($column)),+];

            fn read(row: &tokio_postgres::Row) -> Result<Self, tokio_postgres::Error> {
                Ok(Self { $( $column: row.try_get(stringify!($column))?, )+ })
            }
        }
    };
}
pub(crate) use row;
