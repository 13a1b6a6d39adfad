//! The declared roles, and names read from the database's catalogues.

use std::collections::BTreeSet;

use dotwrap_contract::access;
use tokio_postgres::Client;

use crate::common::rows;

pub(super) const LOGIN_ROLES: [&str; 6] = [
    "archiver", "observer", "operator", "reader", "relay", "runner",
];

/// A role with everything that it inherits.
pub(super) fn rights_of(role: &str) -> BTreeSet<String> {
    let mut rights = BTreeSet::from([role.to_owned()]);
    for inherited in &access().roles[role].inherits {
        rights.extend(rights_of(inherited));
    }
    rights
}

/// The names of what a query lists.
pub(super) async fn names(client: &Client, query: &str) -> Vec<String> {
    rows(client, query)
        .await
        .iter()
        .map(|row| row["name"].as_str().unwrap().to_owned())
        .collect()
}
