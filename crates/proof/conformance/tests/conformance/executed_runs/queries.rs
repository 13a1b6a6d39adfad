//! The query of a run's outcome.

use serde_json::Value;
use tokio_postgres::Client;

use crate::common::{literal, row};

/// The run's effective status, verdict and outcome.
pub(super) async fn outcome(client: &Client, run: &str) -> Value {
    let query = format!(
        "SELECT status, verdict, evidence_ref ->> 'outcome' AS outcome, ended_at IS NOT NULL AS ended
         FROM dot.v_process_run WHERE process_run_id = {}",
        literal(run)
    );
    row(client, &query).await
}
