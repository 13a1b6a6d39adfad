//! A repeated key returns the first call's ids and writes no row; with other arguments it is a conflict.

use rstest_reuse::apply;
use serde_json::json;

use super::calls::{ids, keyed_pair, keyed_run};
use crate::common::backend::on_each_backend;
use crate::common::fixtures::{
    CANDIDATE, LONE, OTHER_PRODUCER, PRODUCER, VERIFIER, register_check, set_posture,
};
use crate::common::{
    Backend, Call, TestContext, code, contents, execute, number, refused, row, rows, text,
};

#[apply(on_each_backend)]
async fn pair_rerun_returns_the_first_ids_and_writes_no_row(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let first = row(
        &observer,
        &keyed_pair()
            .text("p_output_ref", "out")
            .text("p_error_ref", "err")
            .sql(),
    )
    .await;
    let before = contents(&superuser).await;
    // Arguments that are not compared: the actor, the references, the status, the ids, the lease's time to live.
    for again in [
        keyed_pair(),
        keyed_pair().text("p_actor", "somebody else"),
        keyed_pair()
            .text("p_output_ref", "another")
            .text("p_wrapper_status", "failed"),
        keyed_pair()
            .with("p_process_run_id", "gen_random_uuid()")
            .with("p_lease_ttl_seconds", "7"),
        keyed_pair()
            .text("p_wrapper_status", "prepared")
            .text("p_evidence_type", "REAL_RUN"),
    ] {
        let rerun = row(&observer, &again.sql()).await;
        assert_eq!(ids(&rerun), ids(&first), "{}", again.sql());
        assert_eq!(
            (&rerun["created"], &rerun["events_emitted"]),
            (&json!(false), &json!(0))
        );
        assert_eq!(
            (
                &rerun["status"],
                &rerun["evidence_type"],
                &rerun["output_ref"],
                &rerun["error_ref"]
            ),
            (
                &first["status"],
                &first["evidence_type"],
                &json!("out"),
                &json!("err")
            )
        );
    }
    contents(&superuser).await.assert_same(&before, "a rerun");
}

#[apply(on_each_backend)]
async fn pair_key_reused_with_other_arguments_is_a_conflict(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    rows(&observer, &keyed_pair().sql()).await;
    let before = contents(&superuser).await;
    for (other, differs) in [
        (
            keyed_pair().text("p_process_candidate_code", "another"),
            "process_candidate_code",
        ),
        (keyed_pair().text("p_dot_code", OTHER_PRODUCER), "dot_code"),
        (
            keyed_pair().text("p_correlation_id", "another"),
            "correlation_id",
        ),
    ] {
        let refusal = refused(&observer, &other.sql()).await;
        assert_eq!(
            (refusal.code.as_str(), refusal.sqlstate.as_str()),
            ("idempotency_conflict", "23505")
        );
        assert_eq!(refusal.detail["differs"], json!([differs]));
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a conflict");
}

#[apply(on_each_backend)]
async fn idempotency_compares_the_effective_evidence_type(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator) = (
        stage.client("observer").await,
        stage.client("operator").await,
    );
    set_posture(&operator, "REAL_RUN").await;
    let simulated = text(&observer, &keyed_run().sql()).await;
    for evidence_type in ["DRY_RUN", "REAL_RUN"] {
        assert_eq!(
            code(
                &observer,
                &keyed_run().text("p_evidence_type", evidence_type).sql()
            )
            .await,
            "idempotency_conflict"
        );
        assert_eq!(
            code(
                &observer,
                &keyed_pair()
                    .text("p_evidence_type", evidence_type)
                    .with("p_dry_run", "false")
                    .sql()
            )
            .await,
            "idempotency_conflict"
        );
        let prepared = keyed_pair()
            .text("p_evidence_type", evidence_type)
            .with("p_dry_run", "false")
            .text("p_wrapper_status", "prepared");
        assert_eq!(
            row(&observer, &prepared.sql()).await["process_run_id"],
            simulated.as_str(),
            "prepared is simulated"
        );
    }
}

#[apply(on_each_backend)]
async fn header_is_recorded_once_per_key(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let first = text(&observer, &keyed_run().sql()).await;
    let before = contents(&superuser).await;
    assert_eq!(
        text(
            &observer,
            &keyed_run()
                .text("p_status", "completed")
                .with("p_process_run_id", "gen_random_uuid()")
                .sql()
        )
        .await,
        first
    );
    for other in [
        keyed_run().text("p_process_candidate_code", "another"),
        keyed_run().text("p_correlation_id", "another"),
        keyed_run().text("p_dot_code", LONE),
        keyed_run().with("p_dot_code", "NULL"),
    ] {
        assert_eq!(
            code(&observer, &other.sql()).await,
            "idempotency_conflict",
            "{}",
            other.sql()
        );
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a rerun or conflict");
}

#[apply(on_each_backend)]
async fn component_is_recorded_once_per_key(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let run = text(&observer, &Call::run().text("p_dot_code", PRODUCER).sql()).await;
    let other_run = text(&observer, &Call::run().text("p_dot_code", PRODUCER).sql()).await;
    let keyed = Call::component(&run).text("p_idempotency_key", "key");
    let first = text(&observer, &keyed.sql()).await;
    let before = contents(&superuser).await;
    assert_eq!(
        text(
            &observer,
            &keyed
                .clone()
                .text("p_status", "failed")
                .with("p_component_run_id", "gen_random_uuid()")
                .sql()
        )
        .await,
        first
    );
    for other in [
        keyed.clone().text("p_process_run_id", &other_run),
        keyed
            .clone()
            .text("p_dot_code", VERIFIER)
            .text("p_component_role", "verifier"),
    ] {
        assert_eq!(
            code(&observer, &other.sql()).await,
            "idempotency_conflict",
            "{}",
            other.sql()
        );
    }
    let operator = stage.client("operator").await;
    for evidence_type in ["DRY_RUN", "REAL_RUN"] {
        assert_eq!(
            code(
                &observer,
                &keyed.clone().text("p_evidence_type", evidence_type).sql()
            )
            .await,
            "idempotency_conflict"
        );
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a rerun or conflict");
    set_posture(&operator, "NO_EXECUTE").await;
}

#[apply(on_each_backend)]
async fn a_retry_gets_the_first_ids_while_the_lease_is_held_and_the_preflight_blocks(
    backend: Backend,
) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let first = row(&observer, &keyed_pair().sql()).await;
    let header = text(
        &observer,
        &keyed_run().text("p_idempotency_key", "header").sql(),
    )
    .await;
    rows(&observer, &Call::acquire(3600).sql()).await;
    register_check(&superuser, "blocks", "BEGIN RETURN 1; END", "BLOCK", "0").await;
    assert_eq!(
        code(&observer, &Call::pair().sql()).await,
        "preflight_blocked"
    );
    assert_eq!(ids(&row(&observer, &keyed_pair().sql()).await), ids(&first));
    assert_eq!(
        text(
            &observer,
            &keyed_run().text("p_idempotency_key", "header").sql()
        )
        .await,
        header
    );
    execute(
        &superuser,
        "DELETE FROM dot.dot_preflight_check WHERE check_name = 'blocks'",
    )
    .await;
    assert_eq!(code(&observer, &Call::pair().sql()).await, "lease_held");
    assert_eq!(ids(&row(&observer, &keyed_pair().sql()).await), ids(&first));
}

#[apply(on_each_backend)]
async fn without_a_key_each_call_is_a_run_of_its_own(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    for blank in ["NULL", "''", "' '", "U&'\\00a0'"] {
        for _ in 0..2 {
            assert_eq!(
                row(
                    &observer,
                    &Call::pair().with("p_idempotency_key", blank).sql()
                )
                .await["created"],
                true,
                "{blank}"
            );
        }
    }
    assert_eq!(
        number(
            &observer,
            "SELECT count(*) FROM dot.v_process_run WHERE idempotency_key IS NULL"
        )
        .await,
        8
    );
}

#[apply(on_each_backend)]
async fn a_key_that_another_login_used_is_a_conflict_that_names_it(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, runner, superuser) = (
        stage.client("observer").await,
        stage.client("runner").await,
        stage.superuser().await,
    );
    let run = text(&observer, &Call::run().text("p_dot_code", PRODUCER).sql()).await;
    let calls = [
        keyed_pair(),
        Call::run().text("p_idempotency_key", "of a header"),
        Call::component(&run).text("p_idempotency_key", "of a component"),
        Call::backfill(
            &json!([{"dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "correlation_id": "c", "idempotency_key": "of a row"}]),
        ),
    ];
    for call in &calls {
        rows(&observer, &call.sql()).await;
    }
    let before = contents(&superuser).await;
    for call in &calls {
        let refusal = refused(&runner, &call.sql()).await;
        assert_eq!(refusal.code, "idempotency_conflict", "{}", call.sql());
        assert_eq!(refusal.detail["differs"], json!(["recorded_by"]));
        assert_eq!(refusal.detail["recorded_by"], "dot_observer");
        assert!(refusal.message.contains("dot_observer"), "{refusal:?}");
    }
    let refusal = refused(
        &runner,
        &keyed_pair().text("p_correlation_id", "another").sql(),
    )
    .await;
    assert_eq!(
        refusal.detail["differs"],
        json!(["correlation_id", "recorded_by"])
    );
    contents(&superuser)
        .await
        .assert_same(&before, "another login's key");
}
