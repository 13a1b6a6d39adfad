//! Calls that declare, remove, retire and run pairs, and the query of a candidate's rung.

use serde_json::Value;
use tokio_postgres::{Client, GenericClient};

use crate::common::fixtures::PRODUCER;
use crate::common::run_calls::{Begun, begin};
use crate::common::{Call, literal, row, rows, text};

/// A registered candidate that no producer is declared for.
pub(super) const UNDECLARED_CANDIDATE: &str = "PROC-CAND:postgresql:physical-backup";

pub(super) fn declare(candidate: &str, producer: &str) -> Call {
    Call::new("fn_process_candidate_pair_set")
        .text("p_process_candidate_code", candidate)
        .text("p_dot_code", producer)
        .text("p_actor", "operator")
}

pub(super) fn remove(candidate: &str, producer: &str) -> Call {
    declare(candidate, producer).with("p_declared", "false")
}

pub(super) fn retire(dot_code: &str) -> String {
    Call::new("fn_dot_tool_retire")
        .text("p_dot_code", dot_code)
        .text("p_actor", "operator")
        .text("p_reason", "replaced")
        .sql()
}

pub(super) fn begin_for(mode: &str, candidate: &str) -> String {
    begin(mode)
        .text("p_process_candidate_code", candidate)
        .sql()
}

pub(super) fn request(mode: &str, candidate: &str) -> String {
    Call::new("fn_dot_run_request")
        .text("p_dot_code", PRODUCER)
        .text("p_process_candidate_code", candidate)
        .text("p_correlation_id", "c")
        .text("p_actor", "tester")
        .text("p_mode", mode)
        .sql()
}

pub(super) async fn conclude(runner: &impl GenericClient, run: &Begun) {
    rows(runner, &run.conclusion("cancelled").sql()).await;
}

/// A whole real run of the pair, as a runner records it.
pub(super) async fn complete_real_run(runner: &Client, candidate: &str) {
    let run = Begun::of(&row(runner, &begin_for("REAL_RUN", candidate)).await);
    rows(runner, &run.producer("REAL_RUN").sql()).await;
    let receipt = text(runner, &run.invocation().sql()).await;
    rows(runner, &run.verifier("REAL_RUN", &receipt, "pass").sql()).await;
    let conclusion = run.conclusion("completed").text("p_verdict", "pass");
    rows(runner, &conclusion.sql()).await;
}

pub(super) async fn rung(client: &impl GenericClient, candidate: &str) -> Value {
    let query = format!(
        "SELECT candidate_status_v3, has_inferred_pair FROM dot.v_process_discovery_birth_readiness_v3
         WHERE process_candidate_code = {}",
        literal(candidate)
    );
    row(client, &query).await
}
