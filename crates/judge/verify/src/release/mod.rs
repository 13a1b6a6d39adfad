//! The objects of the release, compared with the catalogue: the schema's owner can replace any of them.
//!
//! The manifest `release/objects.tsv` is data, not code: a digest of each object as PostgreSQL prints it, generated
//! from a fresh installation by this module's test. Where versions of PostgreSQL print an object differently it has a
//! line for each.

use std::collections::BTreeMap;

use tokio_postgres::Transaction;

use crate::error::VerifyError;
use crate::question::Names;

/// Each line: the versions of PostgreSQL (`any`, `15` or `16+`), the kind of object, its name, its digest.
pub(crate) const MANIFEST: &str = include_str!("../../release/objects.tsv");

/// Every object with its digest and the comparison with the manifest: the common part of the queries about objects.
#[cfg(test)]
const FACTS: &str = include_str!("facts.sql");

const UNPROVEN: &str = concat!(include_str!("facts.sql"), include_str!("unproven.sql"));

/// The tables and views of the schema that must not be read, with the reason.
pub(crate) async fn unproven(
    transaction: &Transaction<'_>,
    names: &Names,
) -> Result<BTreeMap<String, String>, VerifyError> {
    let question = names.render(UNPROVEN.trim_end().trim_end_matches(';'));
    let rows = transaction
        .query_typed(&question, &[])
        .await
        .map_err(VerifyError::asking("what may be read"))?;
    let unproven = rows.iter().map(|row| (row.get("subject"), row.get("what")));
    Ok(unproven.collect())
}

#[cfg(test)]
mod tests;
