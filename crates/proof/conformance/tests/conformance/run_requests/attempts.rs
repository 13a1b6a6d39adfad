//! Requests with several attempts, priorities and labels.

use rstest_reuse::apply;
use serde_json::json;

use super::calls::{Claim, claim_call, claim_next, request_call};
use crate::common::backend::on_each_version;
use crate::common::fixtures::PRODUCER;
use crate::common::run_calls::{Begun, ready};
use crate::common::{Backend, Call, code, execute, literal, number, row, rows, text};

/// Ends the attempt of a claim with a producer that failed.
async fn fail(runner: &tokio_postgres::Client, claim: &Claim, evidence: &str) {
    let run = Begun::of(&row(runner, &claim.begin().sql()).await);
    let component = run
        .producer("REAL_RUN")
        .text(
            "p_status",
            if evidence.contains("stop") {
                "cancelled"
            } else {
                "failed"
            },
        )
        .with("p_evidence_ref", format!("{}::jsonb", literal(evidence)));
    rows(runner, &component.sql()).await;
    let status = if evidence.contains("stop") {
        "cancelled"
    } else {
        "failed"
    };
    rows(runner, &run.conclusion(status).sql()).await;
    let finish = claim.finish().text("p_process_run_id", &run.run).sql();
    rows(runner, &finish).await;
    // The same call again says the same.
    assert_eq!(crate::common::value(runner, &finish).await, true);
}

const WAITS: &str = "SELECT state || ' ' || attempt || ' ' || coalesce(outcome, '-') || ' '
     || round(extract(epoch FROM not_before - clock_timestamp()) / 60) FROM dot.dot_run_request";

#[apply(on_each_version)]
async fn failed_attempts_wait_longer_each_time_until_none_is_left(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let asked = request_call()
        .with("p_max_attempts", "3")
        .with("p_backoff", "interval '10 minutes'");
    rows(&runner, &asked.sql()).await;
    for (attempt, minutes) in [(1, 8..=12), (2, 16..=24)] {
        let claim = claim_next(&runner).await;
        fail(&runner, &claim, "{}").await;
        let state = text(&superuser, WAITS).await;
        let (said, waited) = state.rsplit_once(' ').unwrap();
        assert_eq!(said, format!("waiting {attempt} -"));
        assert!(minutes.contains(&waited.parse().unwrap()), "{state}");
        assert_eq!(rows(&runner, &claim_call().sql()).await.len(), 0);
        execute(
            &superuser,
            "UPDATE dot.dot_run_request SET not_before = clock_timestamp()",
        )
        .await;
    }
    let claim = claim_next(&runner).await;
    fail(&runner, &claim, "{}").await;
    let state = text(&superuser, WAITS).await;
    assert!(state.starts_with("finished 3 concluded"), "{state}");
    let runs = "SELECT count(*) FROM dot.v_process_run WHERE idempotency_key LIKE 'request:%'";
    assert_eq!(number(&runner, runs).await, 3);
}

#[apply(on_each_version)]
async fn an_attempt_that_a_worker_stopped_does_not_count(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    rows(&runner, &request_call().sql()).await;
    // It was stopped before it could act.
    let claim = claim_next(&runner).await;
    fail(&runner, &claim, r#"{"stop": {"reason": "interrupted"}}"#).await;
    let state = text(&superuser, WAITS).await;
    assert!(state.starts_with("waiting 1 - "), "{state}");
    // It was stopped after it may have acted: nobody may repeat it.
    let claim = claim_next(&runner).await;
    fail(
        &runner,
        &claim,
        r#"{"stop": {"reason": "interrupted"}, "outcome": "unknown"}"#,
    )
    .await;
    let state = text(&superuser, WAITS).await;
    assert!(state.starts_with("finished 2 concluded"), "{state}");
}

#[apply(on_each_version)]
async fn lower_priority_numbers_are_claimed_first(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    let mut tools = crate::common::fixtures::tools();
    tools[0]["lease_scope"] = json!("input");
    rows(&operator, &crate::common::fixtures::import(&tools).sql()).await;
    for (priority, input) in [("5", "/a"), ("9", "/b"), ("0", "/c")] {
        let asked = request_call()
            .with("p_priority", priority)
            .text("p_input_ref", input);
        rows(&runner, &asked.sql()).await;
    }
    for expected in ["/c", "/a", "/b"] {
        let claim = row(&runner, &claim_call().sql()).await;
        assert_eq!(claim["input_ref"], expected);
    }
    execute(&superuser, "DELETE FROM dot.dot_run_request").await;
    for (wrong, value) in [
        ("p_priority", "10"),
        ("p_priority", "NULL"),
        ("p_max_attempts", "0"),
        ("p_backoff", "interval '2 days'"),
    ] {
        let call = request_call().with(wrong, value).sql();
        assert_eq!(code(&runner, &call).await, "request_invalid", "{wrong}");
    }
}

#[apply(on_each_version)]
async fn a_request_waits_for_a_worker_with_the_labels(backend: Backend) {
    let (_stage, runner, operator, _superuser) = ready(backend).await;
    let contract = json!({"dot_code": PRODUCER, "mode": "REAL_RUN", "endpoint_ref": "command:x",
        "requires": ["site=b", "disk"]});
    let set = Call::new("fn_dot_contract_set")
        .with(
            "p_contract",
            format!("{}::jsonb", literal(&contract.to_string())),
        )
        .text("p_actor", "operator");
    rows(&operator, &set.sql()).await;
    rows(&runner, &request_call().sql()).await;
    for labels in ["NULL", "'{}'", "'{site=a,disk}'", "'{site=b}'"] {
        let claim = claim_call().with("p_labels", format!("{labels}::text[]"));
        assert_eq!(rows(&runner, &claim.sql()).await.len(), 0, "{labels}");
    }
    let claim = claim_call().with("p_labels", "'{more,disk,site=b}'::text[]");
    assert_eq!(rows(&runner, &claim.sql()).await.len(), 1);
}
