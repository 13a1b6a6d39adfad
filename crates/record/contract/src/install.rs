//! Executes a plan.

use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::InstallError;
use crate::plan::{InstallOptions, Plan, plan};
use crate::script;

/// The number of attempts where another installation runs at the same time.
const TRIES: u32 = 4;

/// How long one attempt waits for a lock. Short, because every other session queues behind a waiting lock request, also
/// the closing of a gate.
const LOCK_TIMEOUT: &str = "100ms";

/// The total time for lock attempts.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// Installs or upgrades in one transaction, and returns the executed plan. A plan that [is current](Plan::is_current)
/// changed nothing.
///
/// # Errors
/// As [`plan`], and the database's error while it runs the script; nothing was changed then.
pub async fn apply(client: &Client, options: &InstallOptions) -> Result<Plan, InstallError> {
    let until = Instant::now() + MAX_WAIT;
    let mut tries = 0;
    while tries < TRIES {
        let plan = plan(client, options).await?;
        if plan.is_current() {
            return Ok(plan);
        }
        let script = script::render(&plan, LOCK_TIMEOUT);
        let Err(error) = client.batch_execute(&script).await else {
            return Ok(plan);
        };
        // The script's BEGIN left a failed transaction open. Where ROLLBACK fails too, the connection is gone, and the
        // first error is the cause.
        let _ = client.batch_execute("ROLLBACK").await;
        if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) {
            if Instant::now() >= until {
                return Err(InstallError::Busy);
            }
            sleep(pause()).await;
        } else if is_concurrent(&error) {
            tries += 1;
        } else {
            return Err(error.into());
        }
    }
    Err(InstallError::ChangedMeanwhile)
}

/// The pause between two attempts: 100 to 300 milliseconds, so that queued sessions can proceed.
fn pause() -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let jitter = now.map_or(0, |now| now.subsec_nanos() % 200);
    Duration::from_millis(100 + u64::from(jitter))
}

/// Another installer was faster: in this schema (the script's own check), or with the cluster's roles, which PostgreSQL
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
