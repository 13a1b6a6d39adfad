//! Begin of a run: preconditions, the role that it needs, and repeated keys.

use rstest_reuse::apply;
use serde_json::json;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{VERIFIER, set_posture};
use crate::common::run_calls::{Begun, begin, begun, ready};
use crate::common::{Backend, Call, ask, code, contents, row, rows};

#[apply(on_each_version)]
async fn begin_is_refused_without_its_preconditions(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    let before = contents(&superuser).await;
    for (call, expected) in [
        (begin("SIMULATED_DRY_RUN"), "mode_invalid"),
        (begin("REAL_RUN").with("p_mode", "NULL"), "mode_invalid"),
        (begin("PLAN_ONLY"), "mode_not_allowed"),
        (begin("REAL_RUN").text("p_actor", " "), "actor_required"),
        (begin("REAL_RUN").text("p_runner", ""), "holder_required"),
        (
            begin("REAL_RUN").with("p_lease_ttl_seconds", "0"),
            "ttl_invalid",
        ),
        (
            begin("REAL_RUN").text("p_dot_code", "DOT_NO"),
            "unknown_dot",
        ),
        (
            begin("REAL_RUN").text("p_dot_code", VERIFIER),
            "not_a_producer",
        ),
        (
            begin("REAL_RUN").text("p_dot_code", "DOT_COPY"),
            "contract_missing",
        ),
    ] {
        assert_eq!(code(&runner, &call.sql()).await, expected, "{}", call.sql());
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a refused begin");
    set_posture(&operator, "DRY_RUN_ONLY").await;
    assert_eq!(
        code(&runner, &begin("REAL_RUN").sql()).await,
        "real_run_disabled"
    );
    let dry = begun(&runner, "DRY_RUN").await;
    assert_eq!(code(&runner, &begin("DRY_RUN").sql()).await, "lease_held");
    rows(&runner, &dry.conclusion("cancelled").sql()).await;
    set_posture(&operator, "NO_EXECUTE").await;
    assert_eq!(code(&runner, &begin("DRY_RUN").sql()).await, "no_execute");
}

#[apply(on_each_version)]
async fn only_a_runner_executes(backend: Backend) {
    let (stage, runner, _operator, _superuser) = ready(backend).await;
    let run = begun(&runner, "REAL_RUN").await;
    let reap = Call::new("fn_process_run_reap").text("p_actor", "a");
    for role in ["reader", "observer", "operator", "relay", "archiver"] {
        let client = stage.client(role).await;
        for call in [
            begin("REAL_RUN"),
            run.invocation(),
            run.conclusion("completed"),
            reap.clone(),
        ] {
            let error = ask(&client, &call.sql()).await.unwrap_err();
            assert_eq!(error.code().unwrap().code(), "42501", "{role}");
        }
    }
}

#[apply(on_each_backend)]
async fn used_key_returns_no_token(backend: Backend) {
    let (_stage, runner, _operator, _superuser) = ready(backend).await;
    let keyed = begin("REAL_RUN").text("p_idempotency_key", "key").sql();
    let run = Begun::of(&row(&runner, &keyed).await);
    for _ in 0..2 {
        assert_eq!(
            row(&runner, &keyed).await,
            json!({"process_run_id": run.run, "lease_token": null, "producer_invocation_id": null, "created": false,
                "attempt": null, "lease_name": null})
        );
        // The second round repeats the key after the conclusion.
        let _ = ask(&runner, &run.conclusion("failed").sql()).await;
    }
    let other = begin("DRY_RUN").text("p_idempotency_key", "key").sql();
    assert_eq!(code(&runner, &other).await, "idempotency_conflict");
}
