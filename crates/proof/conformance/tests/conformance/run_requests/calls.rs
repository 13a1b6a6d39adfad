//! Calls of the request functions, and the claim of a worker.

use serde_json::{Value, json};
use tokio_postgres::{Client, GenericClient};

use crate::common::fixtures::{CANDIDATE, CORRELATION, PRODUCER};
use crate::common::run_calls::{Begun, begin};
use crate::common::{Call, execute, literal, row, rows, text};

/// A request for a run, with only the required arguments.
pub(super) fn request_call() -> Call {
    Call::new("fn_dot_run_request")
        .text("p_dot_code", PRODUCER)
        .text("p_process_candidate_code", CANDIDATE)
        .text("p_correlation_id", CORRELATION)
        .text("p_actor", "requester")
        .text("p_mode", "REAL_RUN")
}

pub(super) fn claim_call() -> Call {
    Call::new("fn_dot_run_request_claim")
        .text("p_runner", "worker 1")
        .with("p_ttl_seconds", "60")
}

pub(super) fn cancel_call(request: &str) -> Call {
    Call::new("fn_dot_run_request_cancel")
        .text("p_request_id", request)
        .text("p_actor", "requester")
        .text("p_reason", "not needed")
}

/// A worker's claim of a request.
pub(super) struct Claim {
    pub(super) request: String,
    pub(super) token: String,
    pub(super) key: String,
}

impl Claim {
    pub(super) fn of(row: &Value) -> Self {
        let field = |name: &str| row[name].as_str().unwrap().to_owned();
        Self {
            request: field("request_id"),
            token: field("claim_token"),
            key: field("run_key"),
        }
    }

    pub(super) fn call(&self, function: &'static str) -> Call {
        Call::new(function)
            .text("p_request_id", &self.request)
            .text("p_claim_token", &self.token)
    }

    pub(super) fn renew(&self) -> String {
        self.call("fn_dot_run_request_renew")
            .with("p_ttl_seconds", "60")
            .sql()
    }

    pub(super) fn finish(&self) -> Call {
        self.call("fn_dot_run_request_finish")
    }

    pub(super) fn refuse(&self, refusal: &str) -> Call {
        self.finish().text("p_refusal_code", refusal)
    }

    /// Begins the requested run.
    pub(super) fn begin(&self) -> Call {
        begin("REAL_RUN").text("p_idempotency_key", &self.key)
    }
}

/// Claims the next request.
pub(super) async fn claim_next(runner: &impl GenericClient) -> Claim {
    Claim::of(&row(runner, &claim_call().sql()).await)
}

/// Whether the call returns true.
pub(super) async fn returns_true(client: &impl GenericClient, query: &str) -> bool {
    crate::common::value(client, query).await == true
}

/// State, outcome, refusal code and run status of a request.
pub(super) async fn request_state(client: &Client, request: &str) -> Value {
    let query = format!(
        "SELECT state, outcome, refusal_code, run_status FROM dot.v_dot_run_request WHERE request_id = {}",
        literal(request)
    );
    row(client, &query).await
}

pub(super) fn expected_state(
    state: &str,
    outcome: Option<&str>,
    refusal: Option<&str>,
    run: Option<&str>,
) -> Value {
    json!({"state": state, "outcome": outcome, "refusal_code": refusal, "run_status": run})
}

/// Expires all claims.
pub(super) async fn expire_claims(superuser: &Client) {
    execute(
        superuser,
        "UPDATE dot.dot_run_request SET claimed_until = clock_timestamp() - interval '1 ms' WHERE state = 'claimed'",
    )
    .await;
}

/// Begins and concludes the run of a claim.
pub(super) async fn execute_run(runner: &Client, claim: &Claim) -> Begun {
    let run = Begun::of(&row(runner, &claim.begin().sql()).await);
    rows(runner, &run.producer("REAL_RUN").sql()).await;
    let receipt = text(runner, &run.invocation().sql()).await;
    rows(runner, &run.verifier("REAL_RUN", &receipt, "pass").sql()).await;
    rows(runner, &run.conclusion("completed").sql()).await;
    run
}
