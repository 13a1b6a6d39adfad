//! A combined call and the two single calls with the same arguments.

use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::common::fixtures::{CORRELATION, PRODUCER, VERIFIER};
use crate::common::run_calls::{Begun, DIGEST, begun};
use crate::common::{Call, rows, text};

pub(super) const MODE: &str = "REAL_RUN";

/// Two single calls and the combined call, with the same arguments.
pub(crate) struct CombinedCall {
    pub(super) first: Call,
    pub(super) second: Call,
    pub(crate) combined: Call,
}

impl CombinedCall {
    /// Records the producer's component and opens the verifier's receipt.
    pub(crate) fn record_producer(run: &Begun) -> Self {
        Self {
            first: run.producer(MODE),
            second: run.invocation(),
            combined: Self::component_call("fn_process_run_record_producer", run, &run.receipt)
                .text("p_dot_code", PRODUCER)
                .text("p_output_digest", DIGEST)
                .text("p_verifier_dot_code", VERIFIER)
                .text("p_runner", "runner 1"),
        }
        .first("p_component_run_id", "gen_random_uuid()")
    }

    /// Records the verifier's component and concludes the run.
    pub(crate) fn record_verifier(run: &Begun, receipt: &str) -> Self {
        Self {
            first: run.verifier(MODE, receipt, "pass"),
            second: run.conclusion("completed"),
            combined: Self::component_call(
                "fn_process_run_record_verifier_and_conclude",
                run,
                receipt,
            )
            .text("p_run_dot_code", PRODUCER)
            .text("p_dot_code", VERIFIER)
            .text("p_component_role", "verifier")
            .text("p_verdict", "pass")
            .text("p_run_status", "completed"),
        }
        .first("p_component_run_id", "gen_random_uuid()")
    }

    pub(super) fn component_call(function: &'static str, run: &Begun, receipt: &str) -> Call {
        Call::new(function)
            .text("p_process_run_id", &run.run)
            .text("p_correlation_id", CORRELATION)
            .text("p_actor", "tester")
            .text("p_evidence_type", MODE)
            .text("p_status", "step_completed")
            .text("p_invocation_id", receipt)
            .text("p_lease_token", &run.token)
    }

    /// Sets an argument of the first single call.
    pub(crate) fn first(mut self, argument: &'static str, value: &str) -> Self {
        self.first = self.first.with(argument, value);
        self.combined = self.combined.with(argument, value);
        self
    }

    /// Sets an argument of both single calls.
    pub(super) fn each(self, argument: &'static str, value: &str) -> Self {
        let mut calls = self.first(argument, value);
        calls.second = calls.second.with(argument, value);
        calls
    }

    /// Sets an argument of the second single call; the combined call has another name for it.
    pub(super) fn second(
        mut self,
        argument: &'static str,
        combined_argument: &'static str,
        value: &str,
    ) -> Self {
        self.second = self.second.with(argument, value);
        self.combined = self.combined.with(combined_argument, value);
        self
    }

    pub(super) fn separate_sql(&self) -> String {
        format!(
            "WITH first AS MATERIALIZED ({}) SELECT ({})::text AS second FROM first",
            self.first.sql(),
            self.second.sql()
        )
    }
}

pub(crate) async fn run_with_producer(runner: &Client) -> (Begun, String) {
    let run = begun(runner, MODE).await;
    let receipt = text(runner, &CombinedCall::record_producer(&run).combined.sql()).await;
    (run, receipt)
}

/// The rows of a run without its ids and times.
pub(crate) async fn stored_rows(superuser: &Client) -> Vec<Value> {
    let mut found = Vec::new();
    for query in [
        "SELECT component_role, dot_code, correlation_id, process_candidate_code, status, evidence_type, verdict, output_digest, source_system,
           input_ref, output_ref, error_ref, evidence_ref, actor, recorded_by, invocation_id IS NOT NULL AS bound, event_code, queue_job_id, parent_run_id
         FROM dot.process_component_observation ORDER BY component_role",
        "SELECT component_role, dot_code, mode, posture, endpoint_ref, input_digest, runner, recorded_by FROM dot.dot_invocation ORDER BY component_role",
        "SELECT status, verdict, output_ref, error_ref, evidence_ref, concluded_by, recorded_by FROM dot.process_run_conclusion",
        "SELECT event_type, stream, lane, severity, correlation_id, component_run_id IS NULL AS of_run,
           payload - 'process_run_id' - 'component_run_id' - 'event_id' - 'occurred_at' AS payload FROM dot.event_outbox ORDER BY event_seq",
        "SELECT lease_name, lease_holder, released_at IS NULL AS held, acquisitions, process_run_id IS NULL AS unbound FROM dot.dot_iu_runtime_lease",
        "SELECT run_count, real_run_count, dry_run_count, simulated_count, component_count FROM dot.v_process_discovery_runtime_observed",
        "SELECT dot_code, wrapper_status, has_observation, last_observation_type FROM dot.v_process_dot_wrapper_status ORDER BY dot_code",
        "SELECT candidate_status_v3, birth_gate_status_v3 FROM dot.v_process_discovery_candidate_status_v3",
    ] {
        found.push(json!(rows(superuser, query).await));
    }
    found
}

pub(crate) async fn activate_events(operator: &Client, superuser: &Client) {
    let types = rows(superuser, "SELECT event_type FROM dot.event_type_registry").await;
    for kind in types {
        let call = Call::new("fn_event_type_set_active")
            .text("p_event_type", kind["event_type"].as_str().unwrap())
            .with("p_active", "true")
            .text("p_actor", "tester")
            .text("p_reason", "test");
        rows(operator, &call.sql()).await;
    }
}
