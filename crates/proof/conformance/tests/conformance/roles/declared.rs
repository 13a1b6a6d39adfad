//! The declared roles, and names read from the database's catalogues.

use std::collections::BTreeSet;

use dotwrap_contract::access;
use tokio_postgres::Client;

use crate::common::rows;

pub(super) const LOGIN_ROLES: [&str; 6] = [
    "archiver", "observer", "operator", "reader", "relay", "runner",
];

/// The role and all roles that it inherits.
pub(super) fn inherited_roles(role: &str) -> BTreeSet<String> {
    let mut rights = BTreeSet::from([role.to_owned()]);
    for inherited in &access().roles[role].inherits {
        rights.extend(inherited_roles(inherited));
    }
    rights
}

/// The column `name` of a query.
pub(super) async fn names(client: &Client, query: &str) -> Vec<String> {
    rows(client, query)
        .await
        .iter()
        .map(|row| row["name"].as_str().unwrap().to_owned())
        .collect()
}
