//! The idempotency key of a request's run: only the run of that request uses it.

use rstest_reuse::apply;
use serde_json::json;

use super::calls::{claim_next, expected_state, request_call, request_state};
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::PRODUCER;
use crate::common::run_calls::{Begun, begin, ready};
use crate::common::{Backend, Call, code, contents, row, rows, text};

#[apply(on_each_version)]
async fn run_must_match_its_request(backend: Backend) {
    let (_stage, runner, _operator, _superuser) = ready(backend).await;
    let request = text(&runner, &request_call().sql()).await;
    let claim = claim_next(&runner).await;
    for other in [
        claim.begin().text("p_mode", "DRY_RUN"),
        claim.begin().text("p_process_candidate_code", "other"),
        claim.begin().text("p_correlation_id", "other"),
    ] {
        assert_eq!(code(&runner, &other.sql()).await, "idempotency_conflict");
    }
    // No other call can use that key, so the request's run can always be begun.
    let taken = Call::pair().text("p_idempotency_key", &claim.key);
    assert_eq!(code(&runner, &taken.sql()).await, "key_reserved");
    assert_eq!(
        request_state(&runner, &request).await,
        expected_state("claimed", None, None, None)
    );
    // A run without a request cannot use a key of that form.
    let id = "00000000-0000-7000-8000-000000000000";
    let unasked = begin("REAL_RUN").text("p_idempotency_key", &format!("request:{id}"));
    assert_eq!(code(&runner, &unasked.sql()).await, "key_reserved");
    Begun::of(&row(&runner, &claim.begin().sql()).await);
    let asked = request_call().text("p_request_id", id).sql();
    rows(&runner, &asked).await;
}

#[apply(on_each_backend)]
async fn observer_cannot_block_a_requests_run_by_using_its_key(backend: Backend) {
    let (stage, runner, operator, superuser) = ready(backend).await;
    let observer = stage.client("observer").await;
    rows(&operator, &request_call().sql()).await;
    let claim = claim_next(&runner).await;
    let before = contents(&superuser).await;
    for call in [
        Call::run()
            .text("p_idempotency_key", &claim.key)
            .text("p_correlation_id", "another"),
        // The arguments of the run itself.
        Call::run()
            .text("p_idempotency_key", &claim.key)
            .text("p_evidence_type", "REAL_RUN")
            .text("p_status", "started")
            .text("p_dot_code", PRODUCER),
    ] {
        assert_eq!(code(&observer, &call.sql()).await, "key_reserved");
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a request's key");
    let run = Begun::of(&row(&runner, &claim.begin().sql()).await);
    // The login of another worker gets the same run.
    let again = row(&superuser, &claim.begin().sql()).await;
    assert_eq!(
        (&again["created"], &again["process_run_id"]),
        (&json!(false), &json!(run.run))
    );
}
