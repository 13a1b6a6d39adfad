//! What is in a database before anything is done to it. Each question is one query outside a transaction, so that it
//! works through a transaction-mode pooler.

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::InstallError;
use crate::identifier::quote;

/// An installation as the database records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The dotwrap version that installed it last.
    pub version: String,
    /// [`contract_digest`](crate::contract_digest) of what was installed.
    pub digest: String,
    /// The prefix of its roles; `None` where it has none.
    pub role_prefix: Option<String>,
    /// Applied migrations: file stem and SHA-256.
    pub migrations: Vec<(String, String)>,
}

/// What the connected user is and may do, as far as an installation needs it.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    pub(crate) user: String,
    pub(crate) database: String,
    pub(crate) server_version: String,
    pub(crate) server_version_number: i32,
    pub(crate) encoding: String,
    pub(crate) may_create_roles: bool,
    pub(crate) may_create_schema: bool,
    pub(crate) owner_role_exists: bool,
    pub(crate) may_become_owner: bool,
    pub(crate) schema: Option<Schema>,
}

/// A schema of the wanted name that is there already.
#[derive(Debug, Clone)]
pub(crate) struct Schema {
    pub(crate) owner: String,
    pub(crate) owned_by_user: bool,
    pub(crate) is_empty: bool,
    pub(crate) has_contract: bool,
}

/// Reads what is installed in a schema; `None` where the contract is not.
///
/// # Errors
/// What the database says, such as not being allowed to look.
pub async fn installed(client: &Client, schema: &str) -> Result<Option<Installed>, InstallError> {
    let known = client
        .query_typed(
            "SELECT to_regclass(quote_ident($1) || '.dot_contract_release') IS NOT NULL AND has_schema_privilege($1, 'USAGE')
             FROM pg_namespace n WHERE n.nspname = $1",
            &[(&schema, Type::TEXT)],
        )
        .await?;
    if !known.first().is_some_and(|row| row.get(0)) {
        return Ok(None);
    }
    let schema = quote(schema);
    let release = client
        .query_typed(&format!("SELECT r.installed_version, r.digest, r.role_prefix FROM {schema}.dot_contract_release r"), &[])
        .await?;
    let Some(release) = release.first() else { return Ok(None) };
    let migrations = client
        .query_typed(&format!("SELECT m.name, m.sha256 FROM {schema}.dot_contract_migration m ORDER BY m.name"), &[])
        .await?;
    Ok(Some(Installed {
        version: release.get(0),
        digest: release.get(1),
        role_prefix: release.get(2),
        migrations: migrations.iter().map(|row| (row.get(0), row.get(1))).collect(),
    }))
}

pub(crate) async fn surroundings(client: &Client, schema: &str, owner_role: &str) -> Result<Surroundings, InstallError> {
    let rows = client
        .query_typed(
            "SELECT current_user::text, current_database()::text, current_setting('server_version'),
                    current_setting('server_version_num')::int, pg_encoding_to_char(d.encoding)::text,
                    u.rolsuper OR u.rolcreaterole, has_database_privilege(d.oid, 'CREATE'),
                    o.oid IS NOT NULL,
                    o.oid IS NOT NULL AND (u.rolsuper OR pg_has_role(u.oid, o.oid, 'MEMBER')
                      -- Up to PostgreSQL 15 whoever creates roles can join any; later only those it may administer.
                      OR (u.rolcreaterole AND current_setting('server_version_num')::int < 160000 AND NOT o.rolsuper))
             FROM pg_database d, pg_roles u LEFT JOIN pg_roles o ON o.rolname = $1
             WHERE d.datname = current_database() AND u.rolname = current_user",
            &[(&owner_role, Type::TEXT)],
        )
        .await?;
    let row = &rows[0];
    Ok(Surroundings {
        user: row.get(0),
        database: row.get(1),
        server_version: row.get(2),
        server_version_number: row.get(3),
        encoding: row.get(4),
        may_create_roles: row.get(5),
        may_create_schema: row.get(6),
        owner_role_exists: row.get(7),
        may_become_owner: row.get(8),
        schema: existing_schema(client, schema).await?,
    })
}

async fn existing_schema(client: &Client, schema: &str) -> Result<Option<Schema>, InstallError> {
    let rows = client
        .query_typed(
            "SELECT pg_get_userbyid(n.nspowner)::text, pg_has_role(n.nspowner, 'MEMBER'),
                    NOT EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid)
                      AND NOT EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = n.oid),
                    to_regclass(quote_ident($1) || '.dot_contract_release') IS NOT NULL
             FROM pg_namespace n WHERE n.nspname = $1",
            &[(&schema, Type::TEXT)],
        )
        .await?;
    Ok(rows.first().map(|row| Schema {
        owner: row.get(0),
        owned_by_user: row.get(1),
        is_empty: row.get(2),
        has_contract: row.get(3),
    }))
}
