//! Calls of the preflight, and a check that reports a number set by the test.

use serde_json::Value;
use tokio_postgres::Client;

use crate::common::{execute, row};

pub(super) const ASSERT: &str = "SELECT dot.fn_assert_safe_for_dot_action()::text";

/// What the preflight says of one check.
pub(super) async fn answer(client: &Client, check: &str) -> Value {
    row(
        client,
        &format!(
            "SELECT cnt, severity, status FROM dot.fn_dot_preflight() WHERE check_name = '{check}'"
        ),
    )
    .await
}

/// A number that a check reports and a test sets.
pub(super) async fn findings(superuser: &Client, number: i64) {
    execute(
        superuser,
        &format!(
            "CREATE SCHEMA IF NOT EXISTS checks; CREATE TABLE IF NOT EXISTS checks.finding (number bigint);
             GRANT SELECT ON checks.finding TO PUBLIC; DELETE FROM checks.finding; INSERT INTO checks.finding VALUES ({number})"
        ),
    )
    .await;
}
