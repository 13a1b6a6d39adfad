//! Executed runs, step by step, as a runner's calls.

use serde_json::{Value, json};
use tokio_postgres::{Client, GenericClient};

use super::fixtures::{
    CANDIDATE, CORRELATION, PRODUCER, VERIFIER, register_candidate, set_posture,
};
use super::{Backend, Call, TestContext, execute, literal, row, rows};

/// Of what the producer put out, in the form that the contract asks for.
pub(crate) const DIGEST: &str =
    "sha256:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";
/// The digest of anything else.
pub(crate) const OTHER_DIGEST: &str =
    "sha256:0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b";

/// Both sides bound to a command, dry and for real, and their candidate registered.
pub(crate) async fn bind(operator: &Client) {
    register_candidate(operator, CANDIDATE).await;
    for (dot_code, mode) in [
        (PRODUCER, "DRY_RUN"),
        (VERIFIER, "DRY_RUN"),
        (PRODUCER, "REAL_RUN"),
        (VERIFIER, "REAL_RUN"),
    ] {
        let contract = json!({"dot_code": dot_code, "mode": mode, "endpoint_ref": format!("command:{dot_code}"),
            "no_mutation_assertion": mode == "DRY_RUN", "output_namespace": "DRYRUN-NS:test"});
        let call = Call::new("fn_dot_contract_set")
            .with(
                "p_contract",
                format!("{}::jsonb", literal(&contract.to_string())),
            )
            .text("p_actor", "operator");
        rows(operator, &call.sql()).await;
    }
}

/// The beginning of a run in this mode.
pub(crate) fn begin(mode: &str) -> Call {
    Call::new("fn_process_run_begin")
        .text("p_dot_code", PRODUCER)
        .text("p_process_candidate_code", CANDIDATE)
        .text("p_correlation_id", CORRELATION)
        .text("p_actor", "tester")
        .text("p_mode", mode)
        .text("p_runner", "runner 1")
}

/// What a run that was begun has to show.
pub(crate) struct Begun {
    pub(crate) run: String,
    pub(crate) token: String,
    pub(crate) receipt: String,
}

impl Begun {
    pub(crate) fn of(row: &Value) -> Self {
        let field = |name: &str| row[name].as_str().unwrap().to_owned();
        assert_eq!(row["created"], true);
        Self {
            run: field("process_run_id"),
            token: field("lease_token"),
            receipt: field("producer_invocation_id"),
        }
    }

    pub(crate) fn producer(&self, mode: &str) -> Call {
        Call::component(&self.run)
            .text("p_evidence_type", mode)
            .text("p_status", "step_completed")
            .text("p_invocation_id", &self.receipt)
            .text("p_lease_token", &self.token)
            .text("p_output_digest", DIGEST)
    }

    pub(crate) fn verifier(&self, mode: &str, receipt: &str, verdict: &str) -> Call {
        Call::component(&self.run)
            .text("p_dot_code", VERIFIER)
            .text("p_component_role", "verifier")
            .text("p_evidence_type", mode)
            .text("p_status", "step_completed")
            .text("p_invocation_id", receipt)
            .text("p_lease_token", &self.token)
            .text("p_verdict", verdict)
    }

    pub(crate) fn invocation(&self) -> Call {
        Call::new("fn_dot_invocation_begin")
            .text("p_process_run_id", &self.run)
            .text("p_dot_code", VERIFIER)
            .text("p_lease_token", &self.token)
            .text("p_runner", "runner 1")
    }

    pub(crate) fn conclusion(&self, status: &str) -> Call {
        Call::new("fn_process_run_conclude")
            .text("p_process_run_id", &self.run)
            .text("p_lease_token", &self.token)
            .text("p_actor", "tester")
            .text("p_status", status)
    }
}

/// A run that was begun.
pub(crate) async fn begun(runner: &impl GenericClient, mode: &str) -> Begun {
    Begun::of(&row(runner, &begin(mode).sql()).await)
}

/// A stage on which everything is allowed, with its runner, operator and superuser.
pub(crate) async fn ready(backend: Backend) -> (TestContext, Client, Client, Client) {
    let stage = TestContext::new(backend).await;
    let (runner, operator, superuser) = (
        stage.client("runner").await,
        stage.client("operator").await,
        stage.superuser().await,
    );
    bind(&operator).await;
    set_posture(&operator, "REAL_RUN").await;
    (stage, runner, operator, superuser)
}

/// The lease runs out, by the clock of the database.
pub(crate) async fn run_out(superuser: &Client) {
    execute(
        superuser,
        "UPDATE dot.dot_iu_runtime_lease SET expires_at = clock_timestamp() - interval '1 ms'",
    )
    .await;
}
