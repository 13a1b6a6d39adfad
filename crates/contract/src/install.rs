//! Carrying a plan out.

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::InstallError;
use crate::plan::{InstallOptions, Plan, plan};

/// Somebody else's installation at the same time is waited for, and then looked at again.
const TRIES: u32 = 4;

/// Installs or upgrades, in one transaction, and returns the plan that was carried out; one that
/// [is current](Plan::is_current) did nothing.
///
/// # Errors
/// As [`plan`]; and what the database says while it runs the script, in which case nothing was changed.
pub async fn apply(client: &Client, options: &InstallOptions) -> Result<Plan, InstallError> {
    for _ in 0..TRIES {
        let plan = plan(client, options).await?;
        if plan.is_current() {
            return Ok(plan);
        }
        match client.batch_execute(&plan.script()).await {
            Ok(()) => return Ok(plan),
            Err(error) => {
                // The script's BEGIN left a failed transaction open. Where ending it fails too, the connection is gone,
                // and the first error says why.
                let _ = client.batch_execute("ROLLBACK").await;
                if !is_concurrent(&error) {
                    return Err(error.into());
                }
            }
        }
    }
    Err(InstallError::ChangedMeanwhile)
}

/// Another installer was faster: in this schema (the script's own check), or at the cluster's roles, which PostgreSQL
/// reports as "tuple concurrently updated" or as a duplicate.
fn is_concurrent(error: &tokio_postgres::Error) -> bool {
    let Some(database) = error.as_db_error() else {
        return false;
    };
    *database.code() == SqlState::T_R_SERIALIZATION_FAILURE
        || *database.code() == SqlState::T_R_DEADLOCK_DETECTED
        || (*database.code() == SqlState::INTERNAL_ERROR
            && database.message().contains("concurrently updated"))
        || (*database.code() == SqlState::UNIQUE_VIOLATION
            && database
                .table()
                .is_some_and(|table| table.starts_with("pg_")))
        || [SqlState::DUPLICATE_SCHEMA, SqlState::DUPLICATE_TABLE].contains(database.code())
}
