//! Creation of a request: its refusals, its idempotency key and the role that it needs.

use rstest_reuse::apply;
use serde_json::{Value, json};

use super::calls::{cancel_call, claim_call, claim_next, request_call};
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{OTHER_PRODUCER, VERIFIER, set_posture};
use crate::common::run_calls::{DIGEST, ready};
use crate::common::{Backend, ask, code, contents, lock_waiters, refused, row, rows, text};

#[apply(on_each_version)]
async fn request_is_refused_where_its_run_would_be_refused(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    let before = contents(&superuser).await;
    for (call, expected) in [
        (request_call().text("p_actor", " "), "actor_required"),
        (
            request_call().text("p_correlation_id", ""),
            "correlation_required",
        ),
        (
            request_call().with("p_process_candidate_code", "NULL"),
            "candidate_required",
        ),
        (request_call().text("p_mode", "SIMULATED"), "mode_invalid"),
        (request_call().with("p_mode", "NULL"), "mode_invalid"),
        (
            request_call().text("p_mode", "PLAN_ONLY"),
            "mode_not_allowed",
        ),
        (request_call().text("p_dot_code", "DOT_NO"), "unknown_dot"),
        (
            request_call().text("p_dot_code", VERIFIER),
            "not_a_producer",
        ),
        (
            request_call().text("p_dot_code", "DOT_LONE"),
            "pair_incomplete",
        ),
        (
            request_call().text("p_dot_code", OTHER_PRODUCER),
            "contract_missing",
        ),
        (
            request_call().text("p_not_before", "infinity"),
            "time_invalid",
        ),
        (
            request_call().text("p_input_digest", "sha256:0"),
            "digest_invalid",
        ),
        (
            request_call().text("p_idempotency_key", &"x".repeat(501)),
            "text_too_long",
        ),
        (claim_call().text("p_runner", ""), "holder_required"),
        (claim_call().with("p_ttl_seconds", "0"), "ttl_invalid"),
        (
            claim_call().with("p_modes", "'{REAL_RUN,SIMULATED}'"),
            "mode_invalid",
        ),
    ] {
        assert_eq!(code(&runner, &call.sql()).await, expected, "{}", call.sql());
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a refused request");
    // A request may be created while the gates are closed; it waits for them.
    set_posture(&operator, "NO_EXECUTE").await;
    rows(&runner, &request_call().sql()).await;
    rows(&runner, &request_call().text("p_mode", "DRY_RUN").sql()).await;
    assert_eq!(rows(&runner, &claim_call().sql()).await, [] as [Value; 0]);
    set_posture(&operator, "DRY_RUN_ONLY").await;
    let only_real = claim_call().with("p_modes", "'{REAL_RUN}'").sql();
    assert_eq!(rows(&runner, &only_real).await, [] as [Value; 0]);
    assert_eq!(row(&runner, &claim_call().sql()).await["mode"], "DRY_RUN");
    assert_eq!(rows(&runner, &claim_call().sql()).await, [] as [Value; 0]);
}

#[apply(on_each_version)]
async fn requesting_and_running_need_different_roles(backend: Backend) {
    let (stage, runner, operator, _superuser) = ready(backend).await;
    text(&operator, &request_call().sql()).await;
    let claim = claim_next(&runner).await;
    let asking_calls = [request_call().sql(), cancel_call(&claim.request).sql()];
    let running_calls = [
        claim_call().sql(),
        claim.renew(),
        claim.refuse("busy").sql(),
    ];
    for role in ["reader", "observer", "relay", "archiver", "operator"] {
        let client = stage.client(role).await;
        let mut calls = running_calls.to_vec();
        if role != "operator" {
            calls.extend(asking_calls.clone());
        }
        for call in calls {
            let error = ask(&client, &call).await.unwrap_err();
            assert_eq!(error.code().unwrap().code(), "42501", "{role}: {call}");
        }
    }
}

#[apply(on_each_backend)]
async fn same_key_returns_the_same_request(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    let keyed = request_call()
        .text("p_idempotency_key", "nightly")
        .text("p_input_ref", "file:a");
    let first = text(&runner, &keyed.sql()).await;
    let again = keyed
        .clone()
        .with("p_not_before", "clock_timestamp() + interval '1 hour'");
    assert_eq!(text(&runner, &again.sql()).await, first);
    let before = contents(&superuser).await;
    for other in [
        keyed.clone().text("p_mode", "DRY_RUN"),
        keyed.clone().text("p_process_candidate_code", "other"),
        keyed.clone().text("p_correlation_id", "other"),
        keyed.clone().text("p_input_ref", "file:b"),
        keyed.clone().text("p_input_digest", DIGEST),
    ] {
        assert_eq!(
            code(&runner, &other.sql()).await,
            "idempotency_conflict",
            "{}",
            other.sql()
        );
    }
    for reserved in ["request:1", "backfill:1"] {
        let reserved = request_call().text("p_idempotency_key", reserved);
        assert_eq!(code(&runner, &reserved.sql()).await, "key_reserved");
    }
    let refusal = refused(&operator, &keyed.sql()).await;
    assert_eq!(refusal.code, "idempotency_conflict");
    assert_eq!(refusal.detail["differs"], json!(["recorded_by"]));
    assert_eq!(refusal.detail["recorded_by"], "dot_runner");
    let same_id = request_call().text("p_request_id", &first);
    assert_eq!(code(&runner, &same_id.sql()).await, "id_in_use");
    contents(&superuser)
        .await
        .assert_same(&before, "a refused request");
    // The key returns the request after its end too.
    rows(&runner, &cancel_call(&first).sql()).await;
    assert_eq!(text(&runner, &keyed.sql()).await, first);
}

#[apply(on_each_backend)]
async fn request_waits_for_the_same_key_in_flight(backend: Backend) {
    let (stage, runner, _operator, superuser) = ready(backend).await;
    let mut other = stage.client("runner").await;
    let keyed = request_call().text("p_idempotency_key", "nightly").sql();
    let in_flight = other.transaction().await.unwrap();
    let first = text(&in_flight, &keyed).await;
    let (second, ()) = tokio::join!(text(&runner, &keyed), async {
        lock_waiters(&superuser, 1).await;
        in_flight.commit().await.unwrap();
    });
    assert_eq!(first, second);
}
