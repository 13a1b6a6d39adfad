//! Executed runs, row by row, as the functions leave them: written by the superuser, who alone can, so that a test can
//! leave one row out or forge it. `executed_runs/` has the functions themselves.

use std::fmt::Write as _;

use tokio_postgres::Client;

use super::call::literal;
use super::fixtures::{CANDIDATE, CORRELATION, PRODUCER, VERIFIER};
use super::query::execute;
use super::run_calls::DIGEST;

/// The id of the only executed run of a test.
pub(crate) const RUN: &str = "00000000-0000-7000-8000-00000000000a";
/// Its producer's receipt.
pub(crate) const PRODUCER_RECEIPT: &str = "00000000-0000-7000-8000-00000000000b";
/// Its verifier's receipt.
pub(crate) const VERIFIER_RECEIPT: &str = "00000000-0000-7000-8000-00000000000c";
/// The token of its lease.
pub(crate) const TOKEN: &str = "00000000-0000-4000-8000-00000000000d";

/// What is kept of a token.
fn token_digest(token: &str) -> String {
    format!("dot.fn_dot_token_digest({})", literal(token))
}

/// One row to insert: table, and column to SQL expression.
#[derive(Clone, Debug)]
pub(crate) struct Insert {
    table: &'static str,
    columns: Vec<(&'static str, String)>,
}

impl Insert {
    fn into(table: &'static str, columns: &[(&'static str, &str)]) -> Self {
        Self {
            table,
            columns: columns
                .iter()
                .map(|(name, expression)| (*name, (*expression).to_owned()))
                .collect(),
        }
    }

    /// With this SQL expression in this column.
    pub(crate) fn set(&mut self, column: &'static str, expression: &str) {
        self.columns.retain(|(name, _)| *name != column);
        self.columns.push((column, expression.to_owned()));
    }

    pub(crate) fn sql(&self) -> String {
        let (names, expressions): (Vec<_>, Vec<_>) = self.columns.iter().cloned().unzip();
        format!(
            "INSERT INTO dot.{} ({}) VALUES ({})",
            self.table,
            names.join(", "),
            expressions.join(", ")
        )
    }
}

/// The rows of one executed run.
#[derive(Clone, Debug)]
pub(crate) struct ExecutedRun {
    pub(crate) header: Insert,
    pub(crate) producer_receipt: Insert,
    pub(crate) producer: Insert,
    pub(crate) verifier_receipt: Insert,
    pub(crate) verifier: Insert,
    pub(crate) conclusion: Insert,
}

impl ExecutedRun {
    /// A run that is everything that a proof asks for: both called for real under receipts of their own, the verifier
    /// given that producer's output, verdict pass, concluded completed.
    pub(crate) fn truthful() -> Self {
        let (run, producer, verifier) = (literal(RUN), literal(PRODUCER), literal(VERIFIER));
        let (candidate, correlation) = (literal(CANDIDATE), literal(CORRELATION));
        let (producer_receipt, verifier_receipt) =
            (literal(PRODUCER_RECEIPT), literal(VERIFIER_RECEIPT));
        let receipt = |id: &str, dot_code: &str, role: &str| {
            Insert::into(
                "dot_invocation",
                &[
                    ("invocation_id", id),
                    ("process_run_id", &run),
                    ("dot_code", dot_code),
                    ("component_role", role),
                    ("mode", "'REAL_RUN'"),
                    ("posture", "'REAL_RUN'"),
                    ("endpoint_ref", "'command:backup'"),
                    ("runner", "'runner'"),
                    ("recorded_by", "'dot_runner'"),
                    (
                        "begun_change_number",
                        "(SELECT s.change_number FROM dot.dot_gate_state s)",
                    ),
                    ("cluster_id", "dot.fn_dot_cluster_id()"),
                ],
            )
        };
        let component = |dot_code: &str, role: &str, invocation_id: &str| {
            Insert::into(
                "process_component_observation",
                &[
                    ("component_run_id", "gen_random_uuid()"),
                    ("process_run_id", &run),
                    ("component_role", role),
                    ("process_candidate_code", &candidate),
                    ("correlation_id", &correlation),
                    ("dot_code", dot_code),
                    ("invocation_id", invocation_id),
                    ("status", "'step_completed'"),
                    ("evidence_type", "'REAL_RUN'"),
                    ("source_system", "'dot_exec_wrapper'"),
                    ("evidence_ref", "'{}'"),
                    ("actor", "'runner'"),
                ],
            )
        };
        let mut run_of_it = Self {
            header: Insert::into(
                "process_run_observation",
                &[
                    ("process_run_id", &run),
                    ("dot_code", &producer),
                    ("process_candidate_code", &candidate),
                    ("correlation_id", &correlation),
                    ("status", "'started'"),
                    ("evidence_type", "'REAL_RUN'"),
                    ("source_system", "'dot_exec_wrapper'"),
                    ("lease_name", "'dot_exec:DOT_BACKUP'"),
                    ("lease_token", &token_digest(TOKEN)),
                    ("evidence_ref", "'{}'"),
                    ("actor", "'runner'"),
                ],
            ),
            producer_receipt: receipt(&producer_receipt, &producer, "'producer'"),
            producer: component(&producer, "'producer'", &producer_receipt),
            verifier_receipt: receipt(&verifier_receipt, &verifier, "'verifier'"),
            verifier: component(&verifier, "'verifier'", &verifier_receipt),
            conclusion: Insert::into(
                "process_run_conclusion",
                &[
                    ("process_run_id", &run),
                    ("status", "'completed'"),
                    ("verdict", "'pass'"),
                    ("evidence_ref", "'{}'"),
                    ("concluded_by", "'runner'"),
                ],
            ),
        };
        run_of_it.producer.set("output_digest", &literal(DIGEST));
        run_of_it
            .verifier_receipt
            .set("input_digest", &literal(DIGEST));
        run_of_it.verifier.set("verdict", "'pass'");
        run_of_it
    }

    /// The rows in the order in which they reference each other.
    pub(crate) fn sql(&self) -> String {
        let mut commands = String::new();
        for insert in [
            &self.header,
            &self.producer_receipt,
            &self.producer,
            &self.verifier_receipt,
            &self.verifier,
            &self.conclusion,
        ] {
            let _ = writeln!(commands, "{};", insert.sql());
        }
        commands
    }
}

/// A run under way: its header and its live lease, of an hour.
pub(crate) async fn begin(superuser: &Client) {
    let digest = token_digest(TOKEN);
    execute(
        superuser,
        &format!(
            "INSERT INTO dot.dot_iu_runtime_lease (lease_name, lease_holder, lease_token, holder_login, acquired_at, expires_at,
               process_run_id)
             VALUES ('dot_exec:DOT_BACKUP', 'runner', {digest}, 'dot_runner', clock_timestamp(), clock_timestamp() + interval '1 hour', '{RUN}');
             {}",
            ExecutedRun::truthful().header.sql()
        ),
    )
    .await;
}

/// The `INSERT` of a component of this run with this idempotency key.
pub(crate) fn component_with_key(run: &str, dot_code: &str, role: &str, key: &str) -> String {
    format!(
        "INSERT INTO dot.process_component_observation (component_run_id, process_run_id, component_role,
          process_candidate_code,
           correlation_id, dot_code, status, source_system, idempotency_key, evidence_ref, actor)
         VALUES (gen_random_uuid(), '{run}', '{role}', '{CANDIDATE}', '{CORRELATION}', '{dot_code}', 'observed', 'old',
           '{key}', '{{}}', 'old')"
    )
}
