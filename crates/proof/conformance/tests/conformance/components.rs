//! COMPONENTS: producer and verifier of a run, and the proof that an execution needs.

use rstest_reuse::apply;
use serde_json::json;
use tokio_postgres::Client;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{
    CANDIDATE, CORRELATION, LONE, OTHER_PRODUCER, OTHER_VERIFIER, PRODUCER, VERIFIER, set_posture,
};
use crate::common::forged_run::{self, ExecutedRun, PRODUCER_RECEIPT, RUN, TOKEN};
use crate::common::run_calls::DIGEST;
use crate::common::{
    Backend, Call, Refusal, TestContext, ask, code, contents, execute, literal, lock_waiters,
    refused, row, rows, text,
};

/// A header of the pair, to put components under.
async fn a_run(observer: &Client) -> String {
    text(observer, &Call::run().text("p_dot_code", PRODUCER).sql()).await
}

/// A component in its role.
fn part(run: &str, dot_code: &str, role: &str) -> String {
    Call::component(run)
        .text("p_dot_code", dot_code)
        .text("p_component_role", role)
        .sql()
}

#[apply(on_each_backend)]
async fn header_without_dot_binds_to_first_component(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let (mut first, second) = (
        stage.client("observer").await,
        stage.client("observer").await,
    );
    let run = text(&second, &Call::run().sql()).await;
    let in_flight = first.transaction().await.unwrap();
    rows(&in_flight, &part(&run, PRODUCER, "producer")).await;
    let other = part(&run, OTHER_VERIFIER, "verifier");
    let (outcome, ()) = tokio::join!(ask(&second, &other), async {
        lock_waiters(&superuser, 1).await;
        in_flight.commit().await.unwrap();
    });
    assert_eq!(Refusal::of(&outcome.unwrap_err()).code, "role_invalid");
}

#[apply(on_each_version)]
async fn an_older_snapshot_does_not_hide_the_other_side_of_a_run(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (mut old, other) = (
        stage.client("observer").await,
        stage.client("observer").await,
    );
    for dot_code in [VERIFIER, OTHER_VERIFIER] {
        let run = text(&other, &Call::run().sql()).await;
        let snapshot = old
            .build_transaction()
            .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
            .start()
            .await
            .unwrap();
        rows(&snapshot, "SELECT count(*) FROM dot.v_process_run").await;
        rows(&other, &part(&run, PRODUCER, "producer")).await;
        let error = ask(&snapshot, &part(&run, dot_code, "verifier"))
            .await
            .unwrap_err();
        assert_eq!(
            error.code(),
            Some(&tokio_postgres::error::SqlState::T_R_SERIALIZATION_FAILURE),
            "{error:?}"
        );
        snapshot.rollback().await.unwrap();
    }
    // A snapshot that is new enough records, and leaves nothing else behind.
    let run = text(&other, &Call::run().sql()).await;
    for (dot_code, role) in [(PRODUCER, "producer"), (VERIFIER, "verifier")] {
        let snapshot = old
            .build_transaction()
            .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
            .start()
            .await
            .unwrap();
        rows(&snapshot, &part(&run, dot_code, role)).await;
        snapshot.commit().await.unwrap();
    }
    let recorded = rows(
        &other,
        &format!("SELECT dot_code FROM dot.v_process_component WHERE process_run_id = {} ORDER BY component_role", literal(&run)),
    )
    .await;
    assert_eq!(
        recorded,
        [json!({"dot_code": PRODUCER}), json!({"dot_code": VERIFIER})]
    );
}

#[apply(on_each_version)]
async fn blank_texts_are_missing_texts(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let run = text(
        &observer,
        &Call::run()
            .text("p_dot_code", PRODUCER)
            .text("p_event_code", "\u{a0}")
            .text("p_process_definition_code", " ")
            .sql(),
    )
    .await;
    let call = Call::component(&run)
        .text("p_event_code", " ")
        .text("p_output_digest", "\t")
        .text("p_verdict", " ");
    rows(&observer, &call.sql()).await;
    let kept = row(
        &observer,
        "SELECT r.event_code AS of_run, r.process_definition_code, c.event_code, c.output_digest, c.verdict
         FROM dot.v_process_run r JOIN dot.v_process_component c USING (process_run_id)",
    )
    .await;
    assert_eq!(
        kept,
        json!({"of_run": null, "process_definition_code": null, "event_code": null, "output_digest": null, "verdict": null})
    );
}

#[apply(on_each_backend)]
async fn everything_that_is_passed_is_kept(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let run = a_run(&observer).await;
    let (id, parent, job) = (
        "11111111-1111-4111-8111-111111111111",
        "22222222-2222-1222-8222-222222222222",
        "33333333-3333-4333-8333-333333333333",
    );
    let call = Call::component(&run)
        .text("p_status", "step_completed")
        .text("p_idempotency_key", "key")
        .text("p_component_run_id", id)
        .text("p_parent_run_id", parent)
        .text("p_event_code", "event")
        .text("p_queue_job_id", job)
        .text("p_input_ref", "in")
        .text("p_output_ref", "out")
        .text("p_error_ref", "err")
        .text("p_evidence_ref", r#"{"mine": 1}"#)
        .text("p_source_system", "cron")
        .text("p_started_at", "2026-01-02T03:04:05Z")
        .text("p_ended_at", "2026-01-02T03:04:06Z")
        .text("p_output_digest", DIGEST);
    assert_eq!(text(&observer, &call.sql()).await, id);
    let mut stored = row(
        &superuser,
        "SELECT * FROM dot.process_component_observation",
    )
    .await;
    stored.as_object_mut().unwrap().remove("created_at");
    let expected = json!({
        "component_run_id": id, "process_run_id": run, "component_role": "producer", "parent_run_id": parent,
        "process_candidate_code": CANDIDATE, "correlation_id": CORRELATION, "dot_code": PRODUCER, "event_code": "event",
        "queue_job_id": job, "invocation_id": null, "status": "step_completed", "evidence_type": "SIMULATED_DRY_RUN", "verdict": null,
        "output_digest": DIGEST, "source_system": "cron", "idempotency_key": "key", "input_ref": "in", "output_ref": "out", "error_ref": "err",
        "evidence_ref": {"mine": 1, "wrapper": "dot_exec_wrapper", "actor": "tester", "posture": "NO_EXECUTE", "no_execute": true},
        "actor": "tester", "recorded_by": "dot_observer", "started_at": "2026-01-02T03:04:05+00:00", "ended_at": "2026-01-02T03:04:06+00:00",
    });
    assert_eq!(stored, expected);
}

#[apply(on_each_backend)]
async fn a_dot_is_recorded_only_in_its_own_role_and_pair(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let run = a_run(&observer).await;
    let part = |dot_code: &str, role: &str| {
        Call::component(&run)
            .text("p_dot_code", dot_code)
            .text("p_component_role", role)
            .sql()
    };
    for (dot_code, role) in [
        (PRODUCER, "verifier"),
        (VERIFIER, "producer"),
        (OTHER_PRODUCER, "producer"),
        (OTHER_VERIFIER, "verifier"),
        (LONE, "verifier"),
    ] {
        assert_eq!(
            code(&observer, &part(dot_code, role)).await,
            "role_invalid",
            "{dot_code} as {role}"
        );
    }
    rows(&observer, &part(VERIFIER, "verifier")).await;
    rows(&observer, &part(PRODUCER, "producer")).await;
    let sides = row(
        &observer,
        "SELECT producer_dot_code, verifier_dot_code FROM dot.v_process_run",
    )
    .await;
    assert_eq!(
        sides,
        json!({"producer_dot_code": PRODUCER, "verifier_dot_code": VERIFIER})
    );
}

#[apply(on_each_backend)]
async fn header_without_dot_refuses_components_of_two_pairs(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    for (first, first_role, second, second_role) in [
        (PRODUCER, "producer", OTHER_VERIFIER, "verifier"),
        (VERIFIER, "verifier", OTHER_PRODUCER, "producer"),
        (LONE, "producer", VERIFIER, "verifier"),
        (VERIFIER, "verifier", LONE, "producer"),
    ] {
        let run = text(&observer, &Call::run().sql()).await;
        let part = |dot_code: &str, role: &str| {
            Call::component(&run)
                .text("p_dot_code", dot_code)
                .text("p_component_role", role)
                .sql()
        };
        rows(&observer, &part(first, first_role)).await;
        assert_eq!(
            code(&observer, &part(second, second_role)).await,
            "role_invalid",
            "{first} with {second}"
        );
    }
}

#[apply(on_each_backend)]
async fn a_header_names_a_producer_or_a_dot_without_a_pair(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    assert_eq!(
        code(&observer, &Call::run().text("p_dot_code", VERIFIER).sql()).await,
        "not_a_producer"
    );
    let run = text(&observer, &Call::run().text("p_dot_code", LONE).sql()).await;
    rows(
        &observer,
        &Call::component(&run).text("p_dot_code", LONE).sql(),
    )
    .await;
}

#[apply(on_each_backend)]
async fn backfilled_run_takes_no_more_components(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let asserted = json!([{"dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "correlation_id": CORRELATION, "process_run_id": RUN}]);
    rows(&observer, &Call::backfill(&asserted).sql()).await;
    let before = contents(&superuser).await;
    let simulated = Call::component(RUN)
        .text("p_dot_code", VERIFIER)
        .text("p_component_role", "verifier");
    assert_eq!(code(&observer, &simulated.sql()).await, "backfill_only");
    contents(&superuser)
        .await
        .assert_same(&before, "a component of a backfilled run");
}

#[apply(on_each_backend)]
async fn only_verifier_records_verdict(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let run = a_run(&observer).await;
    assert_eq!(
        code(
            &observer,
            &Call::component(&run).text("p_verdict", "pass").sql()
        )
        .await,
        "verdict_invalid"
    );
}

#[apply(on_each_backend)]
async fn a_run_has_each_role_once(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let run = a_run(&observer).await;
    rows(&observer, &Call::component(&run).sql()).await;
    for again in [
        Call::component(&run),
        Call::component(&run).text("p_idempotency_key", "a new key"),
    ] {
        assert_eq!(code(&observer, &again.sql()).await, "id_in_use");
    }
}

#[apply(on_each_backend)]
async fn execution_is_refused_without_a_receipt_in_every_posture(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator, superuser) = (
        stage.client("observer").await,
        stage.client("operator").await,
        stage.superuser().await,
    );
    let runner = stage.client("runner").await;
    // A component is taken from the login that recorded the run.
    let runs = [
        (&observer, a_run(&observer).await),
        (&runner, a_run(&runner).await),
    ];
    for (posture, dry_run, real_run) in [
        ("NO_EXECUTE", "no_execute", "real_run_disabled"),
        ("DRY_RUN_ONLY", "invocation_required", "real_run_disabled"),
        ("REAL_RUN", "invocation_required", "invocation_required"),
    ] {
        set_posture(&operator, posture).await;
        let before = contents(&superuser).await;
        for (client, run) in &runs {
            for (evidence_type, expected) in [("DRY_RUN", dry_run), ("REAL_RUN", real_run)] {
                for status in ["step_completed", "failed", "observed"] {
                    let component = Call::component(run)
                        .text("p_evidence_type", evidence_type)
                        .text("p_status", status)
                        .sql();
                    assert_eq!(
                        code(*client, &component).await,
                        expected,
                        "a {evidence_type} component in {posture}"
                    );
                }
                for status in ["started", "completed", "failed", "skipped"] {
                    let pair = Call::pair()
                        .text("p_evidence_type", evidence_type)
                        .text("p_wrapper_status", status)
                        .with("p_dry_run", "false")
                        .sql();
                    assert_eq!(
                        code(*client, &pair).await,
                        expected,
                        "a {evidence_type} pair in {posture}"
                    );
                }
            }
        }
        contents(&superuser).await.assert_same(&before, posture);
    }
}

#[apply(on_each_backend)]
async fn a_verdict_needs_the_receipt_of_a_call(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator) = (
        stage.client("observer").await,
        stage.client("operator").await,
    );
    let run = a_run(&observer).await;
    for posture in ["NO_EXECUTE", "REAL_RUN"] {
        set_posture(&operator, posture).await;
        for verdict in ["pass", "fail", "error"] {
            let call = Call::component(&run)
                .text("p_dot_code", VERIFIER)
                .text("p_component_role", "verifier")
                .text("p_verdict", verdict)
                .sql();
            assert_eq!(
                code(&observer, &call).await,
                "invocation_required",
                "{verdict} in {posture}"
            );
        }
    }
}

#[apply(on_each_version)]
async fn not_even_a_superuser_can_insert_an_execution_without_a_receipt(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    execute(&superuser, &ExecutedRun::truthful().header.sql()).await;
    for (evidence_type, verdict) in [
        ("'DRY_RUN'", "NULL"),
        ("'REAL_RUN'", "NULL"),
        ("'SIMULATED_DRY_RUN'", "'pass'"),
        ("'BACKFILLED_EVIDENCE'", "'fail'"),
    ] {
        let mut component = ExecutedRun::truthful().producer;
        component.set("invocation_id", "NULL");
        component.set("evidence_type", evidence_type);
        component.set("verdict", verdict);
        let error = superuser.batch_execute(&component.sql()).await.unwrap_err();
        let error = error.as_db_error().unwrap();
        assert_eq!(
            (error.code().code(), error.constraint()),
            ("23514", Some("process_component_execution_needs_receipt")),
            "{evidence_type}, {verdict}"
        );
    }
    let mut forged = ExecutedRun::truthful().producer;
    forged.set("invocation_id", "gen_random_uuid()");
    let error = superuser.batch_execute(&forged.sql()).await.unwrap_err();
    assert_eq!(
        error.code().unwrap().code(),
        "23503",
        "a receipt that is not there"
    );
}

/// A run under way with a live lease, and this receipt.
async fn receipt(superuser: &Client, change: impl FnOnce(&mut forged_run::Insert)) {
    forged_run::begin(superuser).await;
    let mut receipt = ExecutedRun::truthful().producer_receipt;
    change(&mut receipt);
    execute(superuser, &receipt.sql()).await;
}

fn with_receipt() -> Call {
    Call::component(RUN)
        .text("p_evidence_type", "REAL_RUN")
        .text("p_status", "step_completed")
        .text("p_invocation_id", PRODUCER_RECEIPT)
        .text("p_lease_token", TOKEN)
}

#[apply(on_each_version)]
async fn a_component_is_bound_to_a_receipt_that_fits_it(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (runner, operator, superuser) = (
        stage.client("runner").await,
        stage.client("operator").await,
        stage.superuser().await,
    );
    set_posture(&operator, "REAL_RUN").await;
    receipt(&superuser, |_| ()).await;
    rows(
        &runner,
        &with_receipt().text("p_output_digest", DIGEST).sql(),
    )
    .await;
    let stored = row(&runner, "SELECT invocation_id, evidence_type, output_digest, evidence_ref FROM dot.v_process_component").await;
    assert_eq!(
        stored,
        json!({"invocation_id": PRODUCER_RECEIPT, "evidence_type": "REAL_RUN", "output_digest": DIGEST,
               "evidence_ref": {"wrapper": "dot_exec_wrapper", "actor": "tester", "posture": "REAL_RUN"}}),
        "what was executed bears no no_execute"
    );
    let counts = row(
        &runner,
        "SELECT real_run_count, component_count FROM dot.v_process_discovery_runtime_observed",
    )
    .await;
    assert_eq!(counts, json!({"real_run_count": 1, "component_count": 1}));
}

#[apply(on_each_version)]
async fn a_receipt_that_does_not_fit_is_refused(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (runner, operator, superuser) = (
        stage.client("runner").await,
        stage.client("operator").await,
        stage.superuser().await,
    );
    set_posture(&operator, "REAL_RUN").await;
    let another_run = text(&runner, &Call::run().text("p_dot_code", PRODUCER).sql()).await;
    receipt(&superuser, |_| ()).await;
    let wrong = [
        (
            "none such",
            with_receipt().with("p_invocation_id", "gen_random_uuid()"),
        ),
        (
            "another run",
            with_receipt().text("p_process_run_id", &another_run),
        ),
        (
            "another role and DOT",
            with_receipt()
                .text("p_dot_code", VERIFIER)
                .text("p_component_role", "verifier"),
        ),
        (
            "another mode",
            with_receipt().text("p_evidence_type", "DRY_RUN"),
        ),
    ];
    let before = contents(&superuser).await;
    for (what, call) in &wrong {
        assert_eq!(
            code(&runner, &call.sql()).await,
            "invocation_mismatch",
            "{what}"
        );
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a receipt that does not fit");
    rows(&runner, &with_receipt().sql()).await;
    let second_use = Call::component(RUN)
        .text("p_component_run_id", RUN)
        .text("p_invocation_id", PRODUCER_RECEIPT)
        .text("p_lease_token", TOKEN);
    assert_eq!(
        code(&runner, &second_use.sql()).await,
        "invocation_mismatch",
        "used already"
    );
}

#[apply(on_each_version)]
async fn receipt_of_a_lower_mode_does_not_promote_the_component(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (runner, operator, superuser) = (
        stage.client("runner").await,
        stage.client("operator").await,
        stage.superuser().await,
    );
    set_posture(&operator, "REAL_RUN").await;
    receipt(&superuser, |receipt| receipt.set("mode", "'DRY_RUN'")).await;
    assert_eq!(
        code(&runner, &with_receipt().sql()).await,
        "invocation_mismatch"
    );
    // A mock lowers the component; its receipt stays with it.
    rows(
        &runner,
        &with_receipt()
            .text("p_evidence_type", "SIMULATED_DRY_RUN")
            .sql(),
    )
    .await;
}

#[apply(on_each_version)]
async fn a_receipt_of_this_very_transaction_is_refused(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, mut superuser) = (stage.client("operator").await, stage.superuser().await);
    set_posture(&operator, "REAL_RUN").await;
    forged_run::begin(&superuser).await;
    let transaction = superuser.transaction().await.unwrap();
    execute(
        &transaction,
        &ExecutedRun::truthful().producer_receipt.sql(),
    )
    .await;
    assert_eq!(
        code(&transaction, &with_receipt().sql()).await,
        "invocation_mismatch"
    );
}

#[apply(on_each_version)]
async fn a_receipt_that_missed_the_closing_of_a_gate_is_void(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (runner, operator) = (stage.client("runner").await, stage.client("operator").await);
    let mut superuser = stage.superuser().await;
    set_posture(&operator, "REAL_RUN").await;
    forged_run::begin(&superuser).await;
    // It read the posture, and committed only after the closing had gone through without it.
    let slow = superuser.transaction().await.unwrap();
    execute(&slow, "LOCK TABLE dot.dot_gate_state IN ROW SHARE MODE").await;
    execute(&slow, &ExecutedRun::truthful().producer_receipt.sql()).await;
    rows(
        &operator,
        &Call::gate("process_dot_runtime.real_run_enabled", "false").sql(),
    )
    .await;
    slow.commit().await.unwrap();
    assert_eq!(
        code(&runner, &with_receipt().sql()).await,
        "invocation_mismatch"
    );
}

#[apply(on_each_version)]
async fn a_receipt_that_the_closing_of_a_gate_saw_stays_good(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (runner, operator, superuser) = (
        stage.client("runner").await,
        stage.client("operator").await,
        stage.superuser().await,
    );
    set_posture(&operator, "REAL_RUN").await;
    receipt(&superuser, |_| ()).await;
    rows(
        &operator,
        &Call::gate("process_dot_runtime.real_run_enabled", "false").sql(),
    )
    .await;
    // The call happened; the gate's closing is in the history.
    rows(&runner, &with_receipt().sql()).await;
}

#[apply(on_each_version)]
async fn components_need_the_lease_token(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (runner, operator, superuser) = (
        stage.client("runner").await,
        stage.client("operator").await,
        stage.superuser().await,
    );
    forged_run::begin(&superuser).await;
    let plain = Call::component(RUN);
    for call in [
        plain.clone(),
        plain.clone().text("p_lease_token", PRODUCER_RECEIPT),
    ] {
        assert_eq!(code(&runner, &call.sql()).await, "lease_lost");
    }
    execute(&superuser, "UPDATE dot.dot_iu_runtime_lease SET expires_at = clock_timestamp() - interval '1 millisecond'").await;
    assert_eq!(
        code(&runner, &plain.clone().text("p_lease_token", TOKEN).sql()).await,
        "lease_lost",
        "expired"
    );
    execute(
        &superuser,
        "UPDATE dot.dot_iu_runtime_lease SET expires_at = clock_timestamp() + interval '1 hour'",
    )
    .await;
    rows(&runner, &plain.text("p_lease_token", TOKEN).sql()).await;
    let verifier = Call::component(RUN)
        .text("p_dot_code", VERIFIER)
        .text("p_component_role", "verifier")
        .text("p_lease_token", TOKEN)
        .sql();
    let force = Call::new("fn_dot_lease_force_release")
        .text("p_lease_name", "dot_exec:DOT_BACKUP")
        .text("p_actor", "operator")
        .text("p_reason", "stuck")
        .sql();
    rows(&operator, &force).await;
    assert_eq!(code(&runner, &verifier).await, "lease_lost", "taken away");
}

#[apply(on_each_version)]
async fn no_component_after_conclusion(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (runner, superuser) = (stage.client("runner").await, stage.superuser().await);
    forged_run::begin(&superuser).await;
    execute(&superuser, &ExecutedRun::truthful().conclusion.sql()).await;
    let before = contents(&superuser).await;
    assert_eq!(
        code(
            &runner,
            &Call::component(RUN).text("p_lease_token", TOKEN).sql()
        )
        .await,
        "run_concluded"
    );
    contents(&superuser)
        .await
        .assert_same(&before, "a component behind the conclusion");
}

#[apply(on_each_version)]
async fn component_and_conclusion_serialize(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (runner, superuser) = (stage.client("runner").await, stage.superuser().await);
    let mut concluder = stage.superuser().await;
    forged_run::begin(&superuser).await;
    // As the function that concludes does it: the header first, for update.
    let concluding = concluder.transaction().await.unwrap();
    execute(
        &concluding,
        &format!(
            "SELECT 1 FROM dot.process_run_observation WHERE process_run_id = {} FOR UPDATE; {}",
            literal(RUN),
            ExecutedRun::truthful().conclusion.sql()
        ),
    )
    .await;
    let component = Call::component(RUN).text("p_lease_token", TOKEN).sql();
    let (recorded, ()) = tokio::join!(ask(&runner, &component), async {
        crate::common::lock_waiters(&superuser, 1).await;
        concluding.commit().await.unwrap();
    });
    assert_eq!(
        crate::common::Refusal::of(&recorded.unwrap_err()).code,
        "run_concluded"
    );
    assert!(
        rows(
            &superuser,
            "SELECT 1 FROM dot.process_component_observation"
        )
        .await
        .is_empty()
    );
}

#[apply(on_each_version)]
async fn a_receipt_is_used_once_even_when_two_try_at_the_same_time(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    set_posture(&operator, "REAL_RUN").await;
    receipt(&superuser, |_| ()).await;
    let runners = stage.clients("runner", 8).await;
    let call = with_receipt().sql();
    let outcomes =
        futures_util::future::join_all(runners.iter().map(|runner| ask(runner, &call))).await;
    assert_eq!(
        outcomes.iter().filter(|outcome| outcome.is_ok()).count(),
        1,
        "{outcomes:?}"
    );
    for refused in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        let code = crate::common::Refusal::of(refused).code;
        assert!(
            ["invocation_mismatch", "id_in_use"].contains(&code.as_str()),
            "{code}"
        );
    }
}

#[apply(on_each_backend)]
async fn an_output_digest_of_another_form_is_refused(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let run = a_run(&observer).await;
    let hex = "0a".repeat(32);
    for wrong in [
        hex.clone(),
        format!("sha256:{}", hex.to_uppercase()),
        format!("SHA256:{hex}"),
        format!("sha256:{hex}0"),
        format!("sha256:{}", &hex[1..]),
        format!("sha256:{hex}\n"),
        format!(" sha256:{hex}"),
        format!("sha512:{hex}{hex}"),
        "x".repeat(1_000_000),
    ] {
        let call = Call::component(&run).text("p_output_digest", &wrong);
        let refusal = refused(&observer, &call.sql()).await;
        assert_eq!(refusal.code, "digest_invalid");
        assert!(refusal.detail.to_string().len() < 500);
    }
}

#[apply(on_each_backend)]
async fn times_in_the_wrong_order_or_in_the_future_are_refused(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let run = a_run(&observer).await;
    let (now, tomorrow) = (
        "clock_timestamp()",
        "clock_timestamp() + interval '24 hours 1 minute'",
    );
    for (started, ended) in [
        (now, "clock_timestamp() - interval '1 second'"),
        (now, "'-infinity'"),
        (tomorrow, "NULL"),
        ("NULL", tomorrow),
        (now, tomorrow),
        ("'9000-01-01'", "'9000-01-02'"),
    ] {
        for call in [Call::run(), Call::component(&run)] {
            let call = call
                .with("p_started_at", started)
                .with("p_ended_at", ended)
                .sql();
            assert_eq!(code(&observer, &call).await, "time_invalid", "{call}");
        }
    }
    for (started, ended) in [
        ("'2026-01-01'", "'2026-01-01'"),
        (
            "clock_timestamp()",
            "clock_timestamp() + interval '23 hours'",
        ),
    ] {
        let call = Call::run()
            .with("p_started_at", started)
            .with("p_ended_at", ended);
        rows(&observer, &call.sql()).await;
    }
}

/// Every reader can read the ids of runs. Only the login that recorded a run adds its components.
#[apply(on_each_version)]
async fn another_login_adds_no_part_to_a_run_without_a_lease(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, other) = (stage.client("observer").await, stage.client("runner").await);
    let run = a_run(&observer).await;
    assert_eq!(
        code(&other, &Call::component(&run).sql()).await,
        "login_mismatch"
    );
    rows(&observer, &Call::component(&run).sql()).await;
}
