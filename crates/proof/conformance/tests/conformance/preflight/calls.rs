//! Calls of the preflight, and a check that reports a number set by the test.

use serde_json::Value;
use tokio_postgres::Client;

use crate::common::{execute, row};

pub(super) const ASSERT: &str = "SELECT dot.fn_assert_safe_for_dot_action()::text";

/// The preflight's result of one check.
pub(super) async fn check_result(client: &Client, check: &str) -> Value {
    row(
        client,
        &format!(
            "SELECT cnt, severity, status FROM dot.fn_dot_preflight() WHERE check_name = '{check}'"
        ),
    )
    .await
}

/// Sets the number that the check returns.
pub(super) async fn set_findings(superuser: &Client, number: i64) {
    execute(
        superuser,
        &format!(
            "CREATE SCHEMA IF NOT EXISTS checks; CREATE TABLE IF NOT EXISTS checks.finding (number bigint);
             GRANT SELECT ON checks.finding TO PUBLIC; DELETE FROM checks.finding; INSERT INTO checks.finding VALUES ({number})"
        ),
    )
    .await;
}
