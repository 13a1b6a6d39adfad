//! The complete content of a database, in order to show that a call wrote no row.

use std::collections::BTreeMap;

use tokio_postgres::Client;

use super::query::{row, rows};

/// Table to a digest of its rows.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Contents(BTreeMap<String, String>);

/// The contents of every table of the contract: equal before and after a call means that nothing was added, changed or
/// removed.
pub(crate) async fn contents(superuser: &Client) -> Contents {
    let tables = rows(superuser, "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'dot'::regnamespace AND c.relkind = 'r'").await;
    assert!(tables.len() > 10, "the schema has its tables: {tables:?}");
    let digests: Vec<String> = tables
        .iter()
        .map(|table| {
            let name = table["relname"].as_str().unwrap();
            format!("(SELECT count(*) || ' rows, ' || md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')) FROM dot.{name} t) AS {name}")
        })
        .collect();
    let digests = row(superuser, &format!("SELECT {}", digests.join(", "))).await;
    let digests = digests.as_object().unwrap();
    Contents(
        digests
            .iter()
            .map(|(table, digest)| (table.clone(), digest.as_str().unwrap().to_owned()))
            .collect(),
    )
}

impl Contents {
    /// Fails the test where a table is not as it was, naming it.
    pub(crate) fn assert_same(&self, before: &Self, what: &str) {
        let changed: Vec<_> = self
            .0
            .iter()
            .filter(|(table, digest)| before.0.get(*table) != Some(digest))
            .collect();
        assert!(
            changed.is_empty(),
            "{what} left something behind: {changed:?}"
        );
    }
}
