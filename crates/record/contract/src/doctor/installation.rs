//! Findings about what is installed: server, contract, objects, cluster, roles.

use tokio_postgres::{Client, types::Type};

use super::{Finding, INSTALLER_TABLES, Severity};
use crate::{
    InstallError, VERSION, contract_digest,
    identifier::quote,
    plan::{InstallOptions, Plan, plan},
    source::created,
    state::Installed,
};

pub(super) fn missing(schema: &str) -> Finding {
    Finding::new(
        "contract",
        Severity::Problem,
        format!("there is no contract in schema {schema:?}, or none that you may see"),
        "Nothing can be recorded.",
        "Run: dotwrap install",
    )
}

pub(super) async fn server(client: &Client) -> Result<Finding, InstallError> {
    let rows = client
        .query_typed(
            "SELECT current_setting('server_version'), current_setting('server_version_num')::int, pg_encoding_to_char(d.encoding)::text
             FROM pg_database d WHERE d.datname = current_database()",
            &[],
        )
        .await?;
    let (version, number, encoding): (String, i32, String) =
        (rows[0].get(0), rows[0].get(1), rows[0].get(2));
    Ok(if number < 150_000 {
        Finding::new(
            "server",
            Severity::Problem,
            format!("PostgreSQL {version}"),
            "The contract needs PostgreSQL 15 or newer.",
            "Upgrade the server.",
        )
    } else if encoding != "UTF8" {
        Finding::new(
            "server",
            Severity::Problem,
            format!("the database's encoding is {encoding}"),
            "Texts are compared and measured as Unicode.",
            "Create the database with ENCODING 'UTF8' TEMPLATE template0.",
        )
    } else {
        Finding::fine("server", format!("PostgreSQL {version}, {encoding}"))
    })
}

pub(super) async fn contract(
    client: &Client,
    schema: &str,
    found: &Installed,
) -> Result<Finding, InstallError> {
    if found.digest == contract_digest() {
        return Ok(Finding::fine(
            "contract",
            format!(
                "contract {} of dotwrap {}, current",
                &found.digest[..12],
                found.version
            ),
        ));
    }
    let options = InstallOptions {
        schema: schema.to_owned(),
        ..kept_roles(found)
    };
    Ok(
        match plan(client, &options).await.as_ref().map(Plan::is_current) {
            Err(InstallError::Newer(_)) => Finding::new(
                "contract",
                Severity::Problem,
                format!(
                    "the database holds the contract of dotwrap {}, this is {VERSION}",
                    found.version
                ),
                "This program does not know what is installed.",
                "Use the newer dotwrap.",
            ),
            _ => Finding::new(
                "contract",
                Severity::Problem,
                format!(
                    "the contract of dotwrap {} is installed, this is {VERSION} with another",
                    found.version
                ),
                "Functions and views may not be what this program expects.",
                "Run: dotwrap install (as the user who installed it)",
            ),
        },
    )
}

fn kept_roles(found: &Installed) -> InstallOptions {
    match &found.role_prefix {
        Some(prefix) => InstallOptions {
            role_prefix: prefix.clone(),
            ..InstallOptions::default()
        },
        None => InstallOptions {
            roles: crate::RolePolicy::Without,
            ..InstallOptions::default()
        },
    }
}

/// Functions, views and tables in the schema that are not of this release. `verify` compares the objects of the
/// release.
pub(super) async fn objects(
    client: &Client,
    schema: &str,
    found: &Installed,
) -> Result<Finding, InstallError> {
    if found.digest != contract_digest() {
        return Ok(Finding::fine(
            "objects",
            "compared once this release's contract is installed",
        ));
    }
    let tables: Vec<String> = created("TABLE")
        .into_iter()
        .chain(INSTALLER_TABLES.map(str::to_owned))
        .collect();
    let rows = client
        .query_typed(
            "SELECT coalesce(string_agg(o.what, ', ' ORDER BY o.what), '') FROM (
               SELECT 'function ' || p.oid::regprocedure::text FROM pg_proc p
               WHERE p.pronamespace = to_regnamespace($1) AND (p.proname <> ALL ($2) OR (
                 SELECT count(*) FROM pg_proc q WHERE q.pronamespace = p.pronamespace AND q.proname = p.proname)
                 > cardinality(array_positions($2, p.proname::text)))
               UNION ALL
               SELECT CASE WHEN c.relkind = 'v' THEN 'view ' ELSE 'table ' END || c.oid::regclass::text FROM pg_class c
               WHERE c.relnamespace = to_regnamespace($1) AND (c.relkind = 'v' AND c.relname <> ALL ($3)
                 OR c.relkind IN ('r', 'p', 'm', 'f') AND c.relname <> ALL ($4))) AS o (what)",
            &[
                (&quote(schema), Type::TEXT),
                (&created("FUNCTION"), Type::TEXT_ARRAY),
                (&created("VIEW"), Type::TEXT_ARRAY),
                (&tables, Type::TEXT_ARRAY),
            ],
        )
        .await?;
    let surplus: String = rows[0].get(0);
    Ok(if surplus.is_empty() {
        Finding::fine("objects", "the schema holds nothing but the contract")
    } else {
        Finding::new(
            "objects",
            Severity::Warning,
            format!("the schema holds what this release does not bring: {surplus}"),
            "A function that was left behind can still be called, with the rights of its owner.",
            "Drop it, or move what is yours to a schema of your own.",
        )
    })
}

/// Whether the ledger is in the cluster that it was installed in.
pub(super) async fn cluster(client: &Client, schema: &str) -> Result<Finding, InstallError> {
    // By the row's JSON: an older contract's view has no such column, and another finding reports the old contract.
    let rows = client
        .query_typed(
            &format!(
                "SELECT (to_jsonb(i) ->> 'system_identifier')::bigint, c.system_identifier
                 FROM {}.v_dot_installation i CROSS JOIN pg_catalog.pg_control_system() c",
                quote(schema)
            ),
            &[],
        )
        .await?;
    let found = rows
        .first()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
    let found: Option<(Option<i64>, i64)> = found.transpose().map_err(InstallError::Database)?;
    let (installed, current) = found.unwrap_or_default();
    Ok(match installed {
        Some(installed) if installed != current => Finding::new(
            "cluster",
            Severity::Warning,
            format!(
                "this ledger was restored from another cluster ({installed}); this one is {current}"
            ),
            "Transaction ids and roles of the two clusters have nothing to do with each other; what was recorded still counts.",
            "Look whether the roles have the members that are meant, then run: dotwrap install --repair, which records this cluster.",
        ),
        Some(_) => Finding::fine("cluster", "the cluster that the contract was installed in"),
        None => Finding::fine(
            "cluster",
            "which cluster the contract was installed in is not recorded",
        ),
    })
}

/// The other roles that can become the owner and rewrite the ledger: the limit of the database's guarantee.
pub(super) async fn roles(client: &Client, found: &Installed) -> Result<Finding, InstallError> {
    let Some(prefix) = &found.role_prefix else {
        return Ok(Finding::new(
            "roles",
            Severity::Warning,
            "installed without roles",
            "Without roles, the installing account can rewrite the ledger.",
            "Give the installing user CREATEROLE and install into a new schema.",
        ));
    };
    // From PostgreSQL 16 on, the creator of a role may administer it without being a member.
    let rows = client
        .query_typed(
            "SELECT coalesce(string_agg(r.rolname, ', ' ORDER BY r.rolname) FILTER (WHERE m.is_member), ''),
                    coalesce(string_agg(r.rolname, ', ' ORDER BY r.rolname) FILTER (WHERE NOT m.is_member), '')
             FROM pg_roles r
             JOIN (SELECT a.member, bool_or(coalesce((to_jsonb(a) ->> 'inherit_option')::boolean, true)
                                            OR coalesce((to_jsonb(a) ->> 'set_option')::boolean, true)) AS is_member
                   FROM pg_auth_members a JOIN pg_roles o ON o.oid = a.roleid WHERE o.rolname = $1 GROUP BY a.member) m ON m.member = r.oid
             WHERE NOT r.rolsuper",
            &[(&format!("{prefix}_owner"), Type::TEXT)],
        )
        .await?;
    let members: String = rows[0].get(0);
    Ok(if members.is_empty() {
        let administrators: String = rows[0].get(1);
        let others = if administrators.is_empty() {
            String::new()
        } else {
            format!(" (and who may administer the role: {administrators})")
        };
        Finding::fine(
            "roles",
            format!("nobody but a superuser is {prefix}_owner{others}"),
        )
    } else {
        Finding::new(
            "roles",
            Severity::Warning,
            format!("can become {prefix}_owner: {members}"),
            "The owner can rewrite the ledger; `dotwrap verify` notices, the database cannot refuse.",
            format!("REVOKE {prefix}_owner FROM … for each member that is not meant to be one."),
        )
    })
}
