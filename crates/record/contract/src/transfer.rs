//! Prepares a database for a ledger that is restored from a dump of its schema, and settles it there.
//!
//! `pg_restore` creates the objects of a dump as the connected login and gives them to their owners. Without a
//! superuser this works if the login can become these owners, and if each may create objects in the schema.

use std::collections::BTreeMap;

use tokio_postgres::{Client, types::Type};

use crate::{
    InstallError, apply,
    foreign::{contract_tables, foreign_objects},
    identifier::quote,
    plan::{InstallOptions, Plan, plan},
    state::installed,
};

/// The tables in which an installation has rows that nobody recorded. Changes of these rows are in tables of their own.
const SHIPPED: [&str; 8] = [
    "dot_config",
    "dot_contract_migration",
    "dot_contract_object",
    "dot_contract_release",
    "dot_gate_state",
    "dot_preflight_check",
    "dot_registry_state",
    "event_type_registry",
];

/// Whether a ledger can be restored into this database. Changes nothing.
///
/// # Errors
/// As [`plan`]; [`InstallError::RolesNeeded`]; [`InstallError::HoldsLedger`] and [`InstallError::ForeignObjects`] where
/// something would be lost.
pub async fn check_transfer_target(
    client: &Client,
    options: &InstallOptions,
) -> Result<(), InstallError> {
    let plan = plan(client, options).await?;
    if plan.role_prefix().is_none() {
        return Err(InstallError::RolesNeeded);
    }
    if plan.is_fresh() {
        return Ok(());
    }
    let objects = foreign_objects(client, &options.schema).await?;
    if !objects.is_empty() {
        return Err(InstallError::ForeignObjects {
            schema: options.schema.clone(),
            objects,
        });
    }
    let counts = row_counts(client, &options.schema).await?;
    let recorded = counts
        .into_iter()
        .find(|(table, rows)| *rows > 0 && !SHIPPED.contains(&table.as_str()));
    match recorded {
        None => Ok(()),
        Some((table, rows)) => Err(InstallError::HoldsLedger {
            schema: options.schema.clone(),
            table,
            rows,
        }),
    }
}

/// Creates the roles, and an empty schema that a dump can be restored into. Call [`settle_transfer`] or
/// [`abandon_transfer`] afterwards.
///
/// # Errors
/// As [`check_transfer_target`] and [`apply`].
pub async fn begin_transfer(client: &Client, options: &InstallOptions) -> Result<(), InstallError> {
    check_transfer_target(client, options).await?;
    apply(client, options).await?;
    let (schema, owner, checker) = names(options);
    let script = format!(
        "BEGIN;
SET LOCAL client_min_messages = warning;
GRANT {owner}, {checker} TO CURRENT_USER;
DROP SCHEMA {schema} CASCADE;
CREATE SCHEMA {schema} AUTHORIZATION {owner};
GRANT USAGE, CREATE ON SCHEMA {schema} TO {checker};
COMMIT;"
    );
    run(client, &script).await
}

/// Puts rights, functions and the record of the cluster in order after the restore. The login is the owner no longer.
///
/// # Errors
/// As [`apply`].
pub async fn settle_transfer(
    client: &Client,
    options: &InstallOptions,
) -> Result<Plan, InstallError> {
    let (schema, _, checker) = names(options);
    run(
        client,
        &format!("REVOKE CREATE ON SCHEMA {schema} FROM {checker};"),
    )
    .await?;
    let options = InstallOptions {
        repair: true,
        ..options.clone()
    };
    apply(client, &options).await
}

/// Removes the schema that [`begin_transfer`] created, where the restore failed.
///
/// # Errors
/// The database's.
pub async fn abandon_transfer(
    client: &Client,
    options: &InstallOptions,
) -> Result<(), InstallError> {
    let (schema, owner, checker) = names(options);
    let script = format!(
        "BEGIN;
SET LOCAL client_min_messages = warning;
DROP SCHEMA IF EXISTS {schema} CASCADE;
REVOKE {owner}, {checker} FROM CURRENT_USER;
COMMIT;"
    );
    run(client, &script).await
}

/// The answers of preflight checks, kept for some seconds.
const CACHE: &str = "dot_preflight_answer";

/// How many rows each of the contract's tables has, in one snapshot. Kept answers of preflight checks are no part of a
/// ledger and are left out.
///
/// # Errors
/// [`InstallError::NotInstalled`]; the login may not read the tables.
pub async fn row_counts(
    client: &Client,
    schema: &str,
) -> Result<BTreeMap<String, i64>, InstallError> {
    if installed(client, schema).await?.is_none() {
        return Err(InstallError::NotInstalled(schema.to_owned()));
    }
    let tables: Vec<String> = contract_tables()
        .into_iter()
        .filter(|table| table != CACHE)
        .collect();
    // An older contract has fewer.
    let tables = client
        .query_typed(
            "SELECT c.relname::text FROM pg_catalog.pg_class c
             WHERE c.relnamespace = to_regnamespace($1) AND c.relkind IN ('r', 'p')
               AND c.relname = ANY ($2) ORDER BY c.relname",
            &[(&quote(schema), Type::TEXT), (&tables, Type::TEXT_ARRAY)],
        )
        .await?;
    let counts: Vec<String> = tables
        .iter()
        .map(|row| row.get::<_, String>(0))
        .map(|table| {
            let (table, name) = (quote(&table), crate::identifier::literal(&table));
            format!(
                "SELECT {name}::text, count(*) FROM {}.{table}",
                quote(schema)
            )
        })
        .collect();
    let rows = client.query_typed(&counts.join(" UNION ALL "), &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

fn names(options: &InstallOptions) -> (String, String, String) {
    let role = |name| quote(&format!("{}_{name}", options.role_prefix));
    (quote(&options.schema), role("owner"), role("checker"))
}

async fn run(client: &Client, script: &str) -> Result<(), InstallError> {
    let done = client.batch_execute(script).await;
    if done.is_err() {
        // A failed transaction may be open.
        let _ = client.batch_execute("ROLLBACK").await;
    }
    Ok(done?)
}
