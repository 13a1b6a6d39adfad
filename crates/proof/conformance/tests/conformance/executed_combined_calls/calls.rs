//! A combined call and the two single calls with the same arguments.

use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::common::fixtures::{CORRELATION, PRODUCER, VERIFIER};
use crate::common::run_calls::{Begun, DIGEST, begun};
use crate::common::{Call, rows, text};

pub(super) const MODE: &str = "REAL_RUN";

/// Two calls, and the one that is both of them, told the same.
pub(crate) struct Both {
    pub(super) first: Call,
    pub(super) second: Call,
    pub(crate) together: Call,
}

impl Both {
    /// The producer's call, and the verifier's receipt.
    pub(crate) fn hand_over(run: &Begun) -> Self {
        Self {
            first: run.producer(MODE),
            second: run.invocation(),
            together: Self::last_call("fn_process_run_record_producer", run, &run.receipt)
                .text("p_dot_code", PRODUCER)
                .text("p_output_digest", DIGEST)
                .text("p_verifier_dot_code", VERIFIER)
                .text("p_runner", "runner 1"),
        }
        .first("p_component_run_id", "gen_random_uuid()")
    }

    /// The verifier's call, and the conclusion.
    pub(crate) fn finish(run: &Begun, receipt: &str) -> Self {
        Self {
            first: run.verifier(MODE, receipt, "pass"),
            second: run.conclusion("completed"),
            together: Self::last_call("fn_process_run_record_verifier_and_conclude", run, receipt)
                .text("p_run_dot_code", PRODUCER)
                .text("p_dot_code", VERIFIER)
                .text("p_component_role", "verifier")
                .text("p_verdict", "pass")
                .text("p_run_status", "completed"),
        }
        .first("p_component_run_id", "gen_random_uuid()")
    }

    pub(super) fn last_call(function: &'static str, run: &Begun, receipt: &str) -> Call {
        Call::new(function)
            .text("p_process_run_id", &run.run)
            .text("p_correlation_id", CORRELATION)
            .text("p_actor", "tester")
            .text("p_evidence_type", MODE)
            .text("p_status", "step_completed")
            .text("p_invocation_id", receipt)
            .text("p_lease_token", &run.token)
    }

    /// Told to the first of the two.
    pub(crate) fn first(mut self, argument: &'static str, value: &str) -> Self {
        self.first = self.first.with(argument, value);
        self.together = self.together.with(argument, value);
        self
    }

    /// Told to both.
    pub(super) fn each(self, argument: &'static str, value: &str) -> Self {
        let mut said = self.first(argument, value);
        said.second = said.second.with(argument, value);
        said
    }

    /// Told to the second, which calls it otherwise than the one that is both.
    pub(super) fn second(
        mut self,
        argument: &'static str,
        together: &'static str,
        value: &str,
    ) -> Self {
        self.second = self.second.with(argument, value);
        self.together = self.together.with(together, value);
        self
    }

    pub(super) fn one_by_one(&self) -> String {
        format!(
            "WITH first AS MATERIALIZED ({}) SELECT ({})::text AS second FROM first",
            self.first.sql(),
            self.second.sql()
        )
    }
}

pub(crate) async fn handed_over(runner: &Client) -> (Begun, String) {
    let run = begun(runner, MODE).await;
    let receipt = text(runner, &Both::hand_over(&run).together.sql()).await;
    (run, receipt)
}

/// Everything of a run that does not differ between two runs of the same.
pub(crate) async fn written(superuser: &Client) -> Vec<Value> {
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
