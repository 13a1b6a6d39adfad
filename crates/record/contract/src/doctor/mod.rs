//! Finds the problems of an installation, with consequence and remedy. Reads only the catalogue and the views that
//! every reader may read.

mod installation;
mod operation;

use std::time::Duration;

use tokio_postgres::{Client, error::SqlState};

use self::{
    installation::{cluster, contract, missing, objects, roles, server},
    operation::{expired_leases, open_gates, open_transactions, preflight},
};
use crate::{InstallError, state::installed};

/// Time limit of each check: a preflight check is foreign code and may hang.
const WAIT_LIMIT: Duration = Duration::from_secs(10);

/// The tables that the installer itself creates.
pub(crate) const INSTALLER_TABLES: [&str; 2] = ["dot_contract_migration", "dot_contract_release"];

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
            format!("{what} cannot be read: {error}"),
            "Without rights nothing can be recorded or shown.",
            "Connect as a member of its roles, or ask for: GRANT <prefix>_reader TO <you>. Where the installation itself lacks the right: dotwrap install --repair.",
        ),
        _ => Finding::new(
            name,
            Severity::Problem,
            format!("{what} cannot be read: {error}"),
            "A part of the installation is missing or not as it was installed.",
            "Run: dotwrap install --repair",
        ),
    })
}
