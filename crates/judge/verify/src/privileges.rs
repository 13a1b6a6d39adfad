//! Checks whether there is an installation and whether this session may read it. Reads only the catalogue, which every
//! role may read, so that a missing privilege is reported once.

use tokio_postgres::types::Type;
use tokio_postgres::{Row, Transaction};

use crate::error::VerifyError;

/// The raw tables that the queries read.
const TABLES: [&str; 25] = [
    "dot_agent_api_contract",
    "dot_config",
    "dot_config_history",
    "dot_contract_migration",
    "dot_contract_release",
    "dot_fixture",
    "dot_gate_state",
    "dot_invocation",
    "dot_iu_runtime_lease",
    "dot_lease_force_release",
    "dot_preflight_check",
    "dot_refusal",
    "dot_registry_history",
    "dot_run_request",
    "dot_tools",
    "event_outbox",
    "event_type_history",
    "event_type_registry",
    "process_candidate",
    "process_candidate_pair",
    "process_component_observation",
    "process_observation_rollup",
    "process_output_event",
    "process_run_conclusion",
    "process_run_observation",
];

const QUESTION: &str = "
SELECT named.table_name, n.oid AS schema_oid, c.oid IS NOT NULL AS is_there,
  coalesce(has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'), false) AS is_readable
FROM unnest($2) AS named (table_name)
LEFT JOIN pg_namespace n ON n.nspname = $1
LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = named.table_name
ORDER BY named.table_name";

/// The role with SELECT on the tables, recognized by the suffix of its name; the installer chooses the prefix.
const ARCHIVER: &str = "
SELECT r.rolname::text
FROM pg_namespace n
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = 'process_run_observation'
CROSS JOIN aclexplode(c.relacl) AS granted
JOIN pg_roles r ON r.oid = granted.grantee
WHERE n.nspname = $1 AND granted.privilege_type = 'SELECT' AND r.rolname LIKE '%\\_archiver'
ORDER BY r.rolname LIMIT 1";

/// Refuses a missing or unreadable ledger. Returns the schema's oid.
pub(crate) async fn require(
    transaction: &Transaction<'_>,
    schema: &str,
) -> Result<u32, VerifyError> {
    let tables: &[&str] = &TABLES;
    let rows = transaction
        .query_typed(
            QUESTION,
            &[(&schema, Type::TEXT), (&tables, Type::TEXT_ARRAY)],
        )
        .await
        .map_err(VerifyError::asking("what there is to read"))?;
    let missing = tables_without(&rows, "is_there");
    if !missing.is_empty() {
        let schema = schema.to_owned();
        return Err(VerifyError::NotInstalled { schema, missing });
    }
    let unreadable = tables_without(&rows, "is_readable");
    if !unreadable.is_empty() {
        let archiver = archiver(transaction, schema).await?;
        return Err(VerifyError::MissingRight {
            unreadable,
            archiver,
        });
    }
    Ok(rows[0].get("schema_oid"))
}

fn tables_without(rows: &[Row], property: &str) -> Vec<String> {
    let without = rows.iter().filter(|row| !row.get::<_, bool>(property));
    without.map(|row| row.get("table_name")).collect()
}

async fn archiver(transaction: &Transaction<'_>, schema: &str) -> Result<String, VerifyError> {
    let rows = transaction
        .query_typed(ARCHIVER, &[(&schema, Type::TEXT)])
        .await
        .map_err(VerifyError::asking("who may read"))?;
    let found = rows.first().map(|row| row.get(0));
    Ok(found.unwrap_or_else(|| "the archiver's role, <prefix>_archiver".to_owned()))
}
