//! The end of a request: concluded, refused, delayed or cancelled.

use rstest_reuse::apply;
use serde_json::{Value, json};

use super::calls::{
    Claim, cancel_call, claim_call, claim_next, execute_run, expected_state, expire_claims,
    request_call, request_state, returns_true,
};
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{CANDIDATE, CORRELATION, PRODUCER};
use crate::common::run_calls::{DIGEST, ready};
use crate::common::{Backend, code, execute, number, row, rows, text};

#[apply(on_each_backend)]
async fn request_is_claimed_run_and_finished_once(backend: Backend) {
    let (stage, runner, operator, _superuser) = ready(backend).await;
    let asked = request_call()
        .text("p_input_ref", "file:input")
        .text("p_input_digest", DIGEST);
    let request = text(&operator, &asked.sql()).await;
    let reader = stage.client("reader").await;
    assert_eq!(
        request_state(&reader, &request).await,
        expected_state("waiting", None, None, None)
    );
    let mut claim = row(&runner, &claim_call().sql()).await;
    let token = claim["claim_token"].take();
    for volatile in ["claimed_until", "requested_at"] {
        assert!(claim[volatile].take().is_string());
    }
    assert_eq!(
        claim,
        json!({"request_id": request, "claim_token": null, "claimed_until": null, "run_key": format!("request:{request}"),
            "dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "mode": "REAL_RUN", "correlation_id": CORRELATION,
            "actor": "requester", "input_ref": "file:input", "input_digest": DIGEST, "requested_at": null, "claims": 1, "attempt": 1})
    );
    claim["claim_token"] = token;
    let claim = Claim::of(&claim);
    assert_eq!(
        rows(&runner, &claim_call().sql()).await,
        [] as [Value; 0],
        "it is claimed"
    );
    assert!(returns_true(&runner, &claim.renew()).await);
    let run = execute_run(&runner, &claim).await;
    assert_eq!(
        request_state(&reader, &request).await,
        expected_state("claimed", None, None, Some("completed")),
        "the request knows its run from the beginning"
    );
    let finish = claim.finish().text("p_process_run_id", &run.run).sql();
    for _ in 0..2 {
        assert!(
            returns_true(&runner, &finish).await,
            "the same answer twice"
        );
    }
    assert_eq!(
        request_state(&reader, &request).await,
        expected_state("finished", Some("concluded"), None, Some("completed"))
    );
    assert_eq!(rows(&runner, &claim_call().sql()).await, [] as [Value; 0]);
    assert!(!returns_true(&runner, &claim.renew()).await);
    let shown = row(&reader, "SELECT * FROM dot.v_dot_run_request").await;
    assert_eq!(shown["run_verdict"], "pass");
    assert_eq!(shown["recorded_by"], "dot_operator");
    assert!(
        !shown.to_string().contains(&claim.token),
        "a claim's proof is not shown"
    );
}

#[apply(on_each_version)]
async fn permanent_refusal_ends_a_request_and_transient_refusal_delays_it(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let request = text(&runner, &request_call().sql()).await;
    let claim = claim_next(&runner).await;
    let wait = claim
        .refuse("lease_held")
        .with("p_retry_after_seconds", "3600");
    assert!(returns_true(&runner, &wait.sql()).await);
    assert!(
        !returns_true(&runner, &wait.sql()).await,
        "the claim is given back"
    );
    assert_eq!(
        request_state(&runner, &request).await,
        expected_state("waiting", None, Some("lease_held"), None)
    );
    assert_eq!(rows(&runner, &claim_call().sql()).await, [] as [Value; 0]);
    assert_eq!(
        code(&runner, &claim.begin().sql()).await,
        "lease_lost",
        "not claimed any more"
    );
    execute(
        &superuser,
        "UPDATE dot.dot_run_request SET not_before = clock_timestamp()",
    )
    .await;
    let claim = claim_next(&runner).await;
    for (call, expected) in [
        (claim.finish(), "status_invalid"),
        (
            claim
                .refuse("busy")
                .text("p_process_run_id", &claim.request),
            "status_invalid",
        ),
        (
            claim.finish().text("p_process_run_id", &claim.request),
            "run_unknown",
        ),
        (
            claim.refuse("busy").with("p_retry_after_seconds", "-1"),
            "ttl_invalid",
        ),
        (
            claim.refuse("busy").with("p_retry_after_seconds", "86401"),
            "ttl_invalid",
        ),
        (claim.refuse(&"x".repeat(201)), "text_too_long"),
    ] {
        assert_eq!(code(&runner, &call.sql()).await, expected, "{}", call.sql());
    }
    let other_token = claim
        .refuse("busy")
        .text("p_claim_token", &claim.request)
        .sql();
    assert!(!returns_true(&runner, &other_token).await);
    let no_token = claim.refuse("busy").with("p_claim_token", "NULL").sql();
    assert!(!returns_true(&runner, &no_token).await);
    let refused = claim.refuse("contract_missing").sql();
    for _ in 0..2 {
        assert!(
            returns_true(&runner, &refused).await,
            "the same answer twice"
        );
    }
    assert_eq!(
        request_state(&runner, &request).await,
        expected_state("finished", Some("refused"), Some("contract_missing"), None)
    );
    assert_eq!(code(&runner, &claim.begin().sql()).await, "lease_lost");
    let shown = "SELECT claims FROM dot.v_dot_run_request";
    assert_eq!(number(&runner, shown).await, 2);
}

#[apply(on_each_version)]
async fn unclaimed_request_can_be_cancelled(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    let request = text(&runner, &request_call().sql()).await;
    for (call, expected) in [
        (cancel_call(&request).text("p_actor", ""), "actor_required"),
        (
            cancel_call(&request).text("p_reason", " "),
            "reason_required",
        ),
        (
            cancel_call(&request).text("p_reason", &"x".repeat(2001)),
            "text_too_long",
        ),
    ] {
        assert_eq!(code(&runner, &call.sql()).await, expected);
    }
    let claim = claim_next(&runner).await;
    assert!(
        !returns_true(&operator, &cancel_call(&request).sql()).await,
        "a worker has claimed it"
    );
    expire_claims(&superuser).await;
    assert!(returns_true(&operator, &cancel_call(&request).sql()).await);
    assert!(!returns_true(&operator, &cancel_call(&request).sql()).await);
    assert_eq!(
        code(&runner, &claim.begin().sql()).await,
        "lease_lost",
        "the old worker begins nothing"
    );
    assert_eq!(rows(&runner, &claim_call().sql()).await, [] as [Value; 0]);
    let kept = row(
        &operator,
        "SELECT state, cancelled_by, cancelled_recorded_by, cancel_reason FROM dot.v_dot_run_request",
    )
    .await;
    assert_eq!(
        kept,
        json!({"state": "cancelled", "cancelled_by": "requester", "cancelled_recorded_by": "dot_operator", "cancel_reason": "not needed"})
    );
    let nothing = cancel_call("00000000-0000-7000-8000-000000000000");
    assert!(!returns_true(&operator, &nothing.sql()).await);
}
