//! Executes all checks in one snapshot.

use std::collections::BTreeMap;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, IsolationLevel, Row, Transaction};

use crate::checks::{self, Check};
use crate::error::VerifyError;
use crate::question::{self, Names};
use crate::report::{CheckResult, Report, Violation};
use crate::{privileges, release};

/// The options of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyOptions {
    /// The schema that the contract is installed in.
    pub schema: String,
    /// The maximum number of listed findings per check; all are counted.
    pub sample: u32,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self {
            schema: "dot".to_owned(),
            sample: 20,
        }
    }
}

/// Verifies the current state of the ledger.
///
/// Needs exclusive use of the session, because it opens a transaction. The transaction is read-only, and is rolled back
/// where the future is dropped. No setting remains afterwards.
///
/// # Errors
/// Where there is no ledger, the session may not read it, or a query fails. A violation is no error; it is in the
/// report.
pub async fn verify(client: &mut Client, options: &VerifyOptions) -> Result<Report, VerifyError> {
    let mut transaction = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await
        .map_err(VerifyError::asking("for a transaction"))?;
    pin(&transaction).await?;
    let schema = privileges::require(&transaction, &options.schema).await?;
    let names = Names::new(&options.schema, schema, release::MANIFEST);
    let unproven = release::unproven(&transaction, &names).await?;
    let mut results = Vec::new();
    for (family, check) in checks::all() {
        let findings = match reason_not_to_ask(check, &unproven) {
            Some(reason) => not_asked(&reason),
            None => ask(&mut transaction, check, &names, options.sample).await?,
        };
        results.push(check_result(family, check, findings));
    }
    transaction
        .commit()
        .await
        .map_err(VerifyError::asking("for the end of the transaction"))?;
    Ok(Report {
        schema: options.schema.clone(),
        checks: results,
    })
}

/// Settings that make the queries independent of the session, role and database: names resolve in pg_catalog, and
/// values have one output format. Row security raises an error instead of filtering. Constraint exclusion is off,
/// because it would evaluate constraints at planning. JIT is off, because it costs more than it gains for queries that
/// run once.
const PINNED: &str = "
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL standard_conforming_strings = on;
SET LOCAL quote_all_identifiers = off;
SET LOCAL transform_null_equals = off;
SET LOCAL array_nulls = on;
SET LOCAL row_security = off;
SET LOCAL constraint_exclusion = off;
SET LOCAL DateStyle = 'ISO, YMD';
SET LOCAL IntervalStyle = postgres;
SET LOCAL TimeZone = 'UTC';
SET LOCAL extra_float_digits = 1;
SET LOCAL bytea_output = hex;
SET LOCAL jit = off";

async fn pin(transaction: &Transaction<'_>) -> Result<(), VerifyError> {
    transaction
        .batch_execute(PINNED)
        .await
        .map_err(VerifyError::asking("for settings of its own"))
}

/// Why a query is not executed: an object that it reads differs from the release, and reading it could execute foreign
/// code with the verifying role's privileges.
fn reason_not_to_ask(check: &Check, unproven: &BTreeMap<String, String>) -> Option<String> {
    question::relations(check.question)
        .find_map(|name| unproven.get(name).map(|why| format!("{name} {why}")))
}

fn not_asked(reason: &str) -> Findings {
    Findings {
        count: 1,
        sample: vec![Violation {
            subject: "the schema".to_owned(),
            what: format!("the question is not asked: {reason}"),
        }],
    }
}

struct Findings {
    count: u64,
    sample: Vec<Violation>,
}

async fn ask(
    transaction: &mut Transaction<'_>,
    check: &'static Check,
    names: &Names,
    sample: u32,
) -> Result<Findings, VerifyError> {
    let question = format!(
        "SELECT v.subject, v.what, count(*) OVER () AS count FROM (\n{}\n) AS v (subject, what) ORDER BY v.subject, v.what LIMIT {}",
        names.render(check.question.trim_end().trim_end_matches(';')),
        // The count is part of the rows, so at least one row is requested.
        sample.max(1),
    );
    let asking = || VerifyError::asking(check.name);
    let savepoint = transaction.savepoint("question").await.map_err(asking())?;
    match savepoint.query_typed(&question, &[]).await {
        Ok(rows) => {
            savepoint.commit().await.map_err(asking())?;
            Ok(read(&rows, sample))
        }
        Err(error) if cannot_be_asked(&error) => {
            savepoint.rollback().await.map_err(asking())?;
            Ok(unanswerable(&error))
        }
        Err(error) => Err(asking()(error)),
    }
}

fn read(rows: &[Row], sample: u32) -> Findings {
    let count = rows
        .first()
        .map_or(0, |row| row.get::<_, i64>("count").unsigned_abs());
    let sample = rows.iter().take(sample as usize).map(|row| Violation {
        subject: row.get("subject"),
        what: row.get("what"),
    });
    Findings {
        count,
        sample: sample.collect(),
    }
}

/// A dropped or changed view or column, a revoked privilege, or a value of another type: the rule cannot be shown to
/// hold, which is a finding. Fails closed. By SQLSTATE class: syntax and privileges, and data.
fn cannot_be_asked(error: &tokio_postgres::Error) -> bool {
    let code = error.code().map(SqlState::code).unwrap_or_default();
    code.starts_with("42") || code.starts_with("22")
}

fn unanswerable(error: &tokio_postgres::Error) -> Findings {
    let message = error.as_db_error().map_or("no message", |e| e.message());
    Findings {
        count: 1,
        sample: vec![Violation {
            subject: "the schema".to_owned(),
            what: format!("the question cannot be asked: {message}"),
        }],
    }
}

fn check_result(family: &'static str, check: &'static Check, findings: Findings) -> CheckResult {
    CheckResult {
        name: check.name,
        family,
        rule: check.rule,
        source: check.source,
        severity: check.severity,
        count: findings.count,
        violations: findings.sample,
    }
}
