//! Finds the problems of an installation, with consequence and remedy. Reads only the catalogue and the views that
//! every reader may read.

use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use crate::identifier::quote;
use crate::plan::{InstallOptions, Plan, plan};
use crate::source::created;
use crate::state::{Installed, installed};
use crate::{InstallError, VERSION, contract_digest};

/// Time limit of each check: a preflight check is foreign code and may hang.
const WAIT_LIMIT: Duration = Duration::from_secs(10);

/// The tables that the installer itself creates.
const INSTALLER_TABLES: [&str; 2] = ["dot_contract_migration", "dot_contract_release"];

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// No problem.
    Fine,
    /// Works, but needs attention.
    Warning,
    /// Must be fixed.
    Problem,
}

/// The result of one check.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Finding {
    /// Stable name, such as `contract` or `preflight`.
    pub name: &'static str,
    /// The severity.
    pub severity: Severity,
    /// The finding.
    pub what: String,
    /// The consequence; empty without a problem.
    pub why: &'static str,
    /// The remedy; empty without a problem.
    pub mend: String,
}

impl Finding {
    fn fine(name: &'static str, what: impl Into<String>) -> Self {
        Self {
            name,
            severity: Severity::Fine,
            what: what.into(),
            why: "",
            mend: String::new(),
        }
    }

    fn new(
        name: &'static str,
        severity: Severity,
        what: impl Into<String>,
        why: &'static str,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            name,
            severity,
            what: what.into(),
            why,
            mend: mend.into(),
        }
    }
}

/// Checks an installation. The most severe findings come first. A check that fails, or exceeds ten seconds, is a
/// finding too.
///
/// # Errors
/// Only where the database no longer answers: a problem of the installation is a finding.
pub async fn diagnose(client: &Client, schema: &str) -> Result<Vec<Finding>, InstallError> {
    let mut findings = vec![look(client, "server", server(client)).await?];
    match in_time(client, installed(client, schema)).await {
        Ok(Some(found)) => {
            findings.push(look(client, "contract", contract(client, schema, &found)).await?);
            findings.push(look(client, "objects", objects(client, schema, &found)).await?);
            findings.push(look(client, "cluster", cluster(client, schema)).await?);
            findings.push(look(client, "roles", roles(client, &found)).await?);
            findings.push(look(client, "preflight", preflight(client, schema)).await?);
            findings.push(look(client, "gates", open_gates(client, schema)).await?);
            findings.push(look(client, "leases", expired_leases(client, schema)).await?);
            findings.push(look(client, "transactions", open_transactions(client, &found)).await?);
        }
        Ok(None) => findings.push(missing(schema)),
        Err(error) => {
            let what = format!("the installation in schema {schema:?}");
            findings.push(not_seen(client, "contract", &what, error).await?);
        }
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    Ok(findings)
}

/// Runs one check; its error is a finding.
async fn look(
    client: &Client,
    name: &'static str,
    question: impl Future<Output = Result<Finding, InstallError>>,
) -> Result<Finding, InstallError> {
    match in_time(client, question).await {
        Ok(finding) => Ok(finding),
        Err(error) => not_seen(client, name, name, error).await,
    }
}

/// Queries with a timeout for the transaction: one for the session would stay on a pooler's connection.
async fn in_time<T>(
    client: &Client,
    question: impl Future<Output = Result<T, InstallError>>,
) -> Result<T, InstallError> {
    let limit = WAIT_LIMIT.as_millis();
    client
        .batch_execute(&format!("BEGIN; SET LOCAL statement_timeout = {limit}"))
        .await?;
    let answer = question.await;
    // Rolls back a failed query. An error here adds nothing to the query's own error.
    let ended = client.batch_execute("COMMIT").await;
    let answer = answer?;
    ended?;
    Ok(answer)
}

/// The finding for an error, if the database still answers.
async fn not_seen(
    client: &Client,
    name: &'static str,
    what: &str,
    error: InstallError,
) -> Result<Finding, InstallError> {
    if client.batch_execute("").await.is_err() {
        return Err(error);
    }
    let sqlstate = match &error {
        InstallError::Database(error) => error.code().cloned(),
        _ => None,
    };
    Ok(match sqlstate {
        Some(SqlState::QUERY_CANCELED) => Finding::new(
            name,
            Severity::Problem,
            format!("{what}: no answer within {} seconds", WAIT_LIMIT.as_secs()),
            "A registered preflight check hangs, or another session holds a lock; recording may wait for the same.",
            "See dotwrap preflight and pg_stat_activity.",
        ),
        Some(SqlState::INSUFFICIENT_PRIVILEGE) => Finding::new(
            name,
            Severity::Problem,
            format!("{what} can not be read: {error}"),
            "Without rights nothing can be recorded or shown.",
            "Connect as a member of its roles, or ask for: GRANT <prefix>_reader TO <you>. Where the installation itself lacks the right: dotwrap install --repair.",
        ),
        _ => Finding::new(
            name,
            Severity::Problem,
            format!("{what} can not be read: {error}"),
            "A part of the installation is missing or not as it was installed.",
            "Run: dotwrap install --repair",
        ),
    })
}

fn missing(schema: &str) -> Finding {
    Finding::new(
        "contract",
        Severity::Problem,
        format!("there is no contract in schema {schema:?}, or none that you may see"),
        "Nothing can be recorded.",
        "Run: dotwrap install",
    )
}

async fn server(client: &Client) -> Result<Finding, InstallError> {
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

async fn contract(
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
async fn objects(
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
async fn cluster(client: &Client, schema: &str) -> Result<Finding, InstallError> {
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
async fn roles(client: &Client, found: &Installed) -> Result<Finding, InstallError> {
    let Some(prefix) = &found.role_prefix else {
        return Ok(Finding::new(
            "roles",
            Severity::Warning,
            "installed without roles",
            "Whoever holds the installing account can rewrite the ledger: the ladder is only as honest as that account.",
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
            "The owner can rewrite the ledger; `dotwrap verify` notices, the database can not refuse.",
            format!("REVOKE {prefix}_owner FROM … for each member that is not meant to be one."),
        )
    })
}

async fn preflight(client: &Client, schema: &str) -> Result<Finding, InstallError> {
    let rows = client
        .query_typed(
            &format!("SELECT coalesce(string_agg(p.check_name || ' (' || coalesce(p.cnt::text, 'no answer') || ')', ', '), '') FROM {}.fn_dot_preflight() p WHERE p.status = 'BLOCK'", quote(schema)),
            &[],
        )
        .await?;
    let blocking: String = rows[0].get(0);
    Ok(if blocking.is_empty() {
        Finding::fine("preflight", "no check blocks")
    } else {
        Finding::new(
            "preflight",
            Severity::Problem,
            format!("preflight blocks: {blocking}"),
            "No run can be recorded until that is mended.",
            "See dotwrap preflight; missing ledger guards are put back by dotwrap install --repair.",
        )
    })
}

async fn open_gates(client: &Client, schema: &str) -> Result<Finding, InstallError> {
    let rows = client
        .query_typed(
            &format!("SELECT coalesce(string_agg(g.key, ', ' ORDER BY g.key), '') FROM {}.v_dot_gate g WHERE g.open AND g.expires_at IS NULL", quote(schema)),
            &[],
        )
        .await?;
    let open: String = rows[0].get(0);
    Ok(if open.is_empty() {
        Finding::fine("gates", "no gate is open without an end")
    } else {
        Finding::new(
            "gates",
            Severity::Warning,
            format!("open without an end: {open}"),
            "A gate that nobody closes is no gate.",
            "Run: dotwrap gates close KEY --reason …, or open it for a time with --for.",
        )
    })
}

async fn expired_leases(client: &Client, schema: &str) -> Result<Finding, InstallError> {
    let rows = client
        .query_typed(
            &format!(
                "SELECT count(*) FROM {}.v_dot_lease l WHERE l.state = 'expired'",
                quote(schema)
            ),
            &[],
        )
        .await?;
    let expired: i64 = rows[0].get(0);
    Ok(if expired == 0 {
        Finding::fine("leases", "no lease ran out in its holder's hands")
    } else {
        Finding::new(
            "leases",
            Severity::Warning,
            format!("{expired} leases ran out without being released"),
            "Their holders died or were cut off; the next caller takes the lease over.",
            "See dotwrap lease ls.",
        )
    })
}

/// Whether a login can hold a lease by an open transaction. The contract bounds every wait for such a transaction, but
/// only the server can end it.
async fn open_transactions(client: &Client, found: &Installed) -> Result<Finding, InstallError> {
    let rows = client
        .query_typed(
            include_str!("open_transactions.sql"),
            &[(&found.role_prefix, Type::TEXT)],
        )
        .await?;
    let (unbounded, prepared): (String, i32) = (rows[0].get(0), rows[0].get(1));
    let mut what = Vec::new();
    let mut mend = Vec::new();
    if !unbounded.is_empty() {
        what.push(format!("may idle in a transaction for ever: {unbounded}"));
        mend.push("ALTER ROLE … SET idle_in_transaction_session_timeout = '1min' for each of them, or for the server.");
    }
    if prepared > 0 {
        what.push(format!(
            "max_prepared_transactions is {prepared}: a prepared transaction outlives its session"
        ));
        mend.push("Set max_prepared_transactions = 0 where nothing needs it.");
    }
    Ok(if what.is_empty() {
        Finding::fine("transactions", "the server ends transactions that idle")
    } else {
        Finding::new(
            "transactions",
            Severity::Warning,
            what.join("; "),
            "An open transaction keeps the lease of each pair that it recorded: nobody else runs that pair until it ends.",
            mend.join(" "),
        )
    })
}
