//! The state of a database before an installation. Each read is one query outside a transaction, so that it works
//! through a transaction-mode pooler.

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::InstallError;
use crate::access::access;
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

/// The connected user and the privileges that an installation needs.
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
    /// Notes about existing roles that the installation takes over, a phrase each.
    pub(crate) adopted: Vec<String>,
    pub(crate) schema: Option<Schema>,
}

/// An existing schema of this name.
#[derive(Debug, Clone)]
pub(crate) struct Schema {
    pub(crate) owner: String,
    pub(crate) owned_by_user: bool,
    pub(crate) is_empty: bool,
    pub(crate) has_contract: bool,
}

/// Reads the installation in a schema; `None` where there is none.
///
/// # Errors
/// The database's error, such as a missing privilege.
pub async fn installed(client: &Client, schema: &str) -> Result<Option<Installed>, InstallError> {
    if !is_readable(client, schema).await? {
        return Ok(None);
    }
    let release = client
        .query_typed(
            &format!(
                "SELECT i.installed_version, i.digest, i.role_prefix, i.migrations, i.migration_digests FROM {}.v_dot_installation i",
                quote(schema)
            ),
            &[],
        )
        .await?;
    let Some(release) = release.first() else {
        return Ok(None);
    };
    // The view may have been replaced. The doctor reports that.
    let names: Vec<String> = release.try_get(3)?;
    let digests: Vec<String> = release.try_get(4)?;
    Ok(Some(Installed {
        version: release.try_get(0)?,
        digest: release.try_get(1)?,
        role_prefix: release.try_get(2)?,
        migrations: names.into_iter().zip(digests).collect(),
    }))
}

/// Whether the contract is installed and the user may use its schema. Reads the catalogue: naming an object in a schema
/// without USAGE is an error.
async fn is_readable(client: &Client, schema: &str) -> Result<bool, InstallError> {
    let rows = client
        .query_typed(
            "SELECT has_schema_privilege(n.oid, 'USAGE') FROM pg_namespace n
             JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = 'v_dot_installation'
             WHERE n.nspname = $1",
            &[(&schema, Type::TEXT)],
        )
        .await?;
    Ok(rows.first().is_some_and(|row| row.get(0)))
}

pub(crate) async fn surroundings(
    client: &Client,
    schema: &str,
    owner_role: &str,
) -> Result<Surroundings, InstallError> {
    let rows = client
        .query_typed(
            "SELECT current_user::text, current_database()::text, current_setting('server_version'),
                    current_setting('server_version_num')::int, pg_encoding_to_char(d.encoding)::text,
                    u.rolsuper OR u.rolcreaterole, has_database_privilege(d.oid, 'CREATE'),
                    o.oid IS NOT NULL,
                    o.oid IS NOT NULL AND (u.rolsuper OR pg_has_role(u.oid, o.oid, 'MEMBER')
                      -- Up to PostgreSQL 15 a login that creates roles can join any; later only those it may administer.
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
        adopted: adopted_roles(client, owner_role).await?,
        schema: existing_schema(client, schema).await?,
    })
}

/// Members and attributes of existing roles with this prefix. An installation takes them over: a member of a role has
/// its privileges in every installation that uses the role.
async fn adopted_roles(client: &Client, owner_role: &str) -> Result<Vec<String>, InstallError> {
    let prefix = owner_role.strip_suffix("owner").unwrap_or(owner_role);
    let names: Vec<String> = access()
        .roles
        .keys()
        .map(|name| format!("{prefix}{name}"))
        .collect();
    let rows = client
        .query_typed(
            "SELECT format('%s is a member of %s', m.rolname, r.rolname)
             FROM pg_roles r JOIN pg_auth_members a ON a.roleid = r.oid JOIN pg_roles m ON m.oid = a.member
             WHERE r.rolname = ANY ($1) AND m.rolname <> ALL ($1) AND m.rolname <> current_user
             UNION
             SELECT format('%s has the attribute %s', r.rolname, x.name)
             FROM pg_roles r CROSS JOIN LATERAL (VALUES ('SUPERUSER', r.rolsuper), ('CREATEROLE', r.rolcreaterole),
               ('CREATEDB', r.rolcreatedb), ('BYPASSRLS', r.rolbypassrls), ('REPLICATION', r.rolreplication)) AS x (name, has)
             WHERE r.rolname = ANY ($1) AND x.has
             ORDER BY 1",
            &[(&names, Type::TEXT_ARRAY)],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

async fn existing_schema(client: &Client, schema: &str) -> Result<Option<Schema>, InstallError> {
    let rows = client
        .query_typed(
            "SELECT pg_get_userbyid(n.nspowner)::text, pg_has_role(n.nspowner, 'MEMBER'),
                    NOT EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid)
                      AND NOT EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = n.oid)
                      AND NOT EXISTS (SELECT FROM pg_type t WHERE t.typnamespace = n.oid),
                    EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'dot_contract_release')
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
