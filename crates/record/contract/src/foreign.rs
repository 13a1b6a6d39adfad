//! Objects that are not the contract's and would go with its schema.

use tokio_postgres::{Client, types::Type};

use crate::{InstallError, doctor::INSTALLER_TABLES, identifier::quote, source::created};

const QUERY: &str = include_str!("foreign_objects.sql");

/// The names of the contract's tables, those of the installer included.
pub(crate) fn contract_tables() -> Vec<String> {
    let installers = INSTALLER_TABLES.map(str::to_owned);
    created("TABLE").into_iter().chain(installers).collect()
}

/// What would be dropped with the schema of an installation and is not the contract's: in the schema, and in other
/// schemas where it depends on the contract's objects. Each with its kind, such as `view public.report`.
pub(crate) async fn foreign_objects(
    client: &Client,
    schema: &str,
) -> Result<Vec<String>, InstallError> {
    let tables = contract_tables();
    let schema = quote(schema);
    let query = QUERY.replace("{schema}", &schema);
    let rows = client
        .query_typed(
            &query,
            &[(&schema, Type::TEXT), (&tables, Type::TEXT_ARRAY)],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
