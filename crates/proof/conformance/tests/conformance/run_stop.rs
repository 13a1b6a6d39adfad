//! Somebody stops a run that is under way.

use rstest_reuse::apply;
use serde_json::json;

use crate::common::backend::on_each_version;
use crate::common::run_calls::{begun, ready};
use crate::common::{
    Backend, Call, Refusal, ask, code, execute, lock_waiters, number, refused, row, rows, text,
};
use crate::windows::{may_continue, produced};

fn stop(run: &str) -> Call {
    Call::new("fn_dot_run_stop")
        .text("p_process_run_id", run)
        .text("p_actor", "ana")
        .text("p_reason", "the wrong input")
}

#[apply(on_each_version)]
async fn stopped_run_calls_no_verifier_and_says_who_stopped_it(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    let run = produced(&runner, "REAL_RUN").await;
    assert_eq!(may_continue(&runner, &run).await, true);
    let first = row(&operator, &stop(&run.run).sql()).await;
    assert_eq!(first["created"], true);
    assert_eq!(may_continue(&runner, &run).await, false);
    let refusal = refused(&runner, &run.invocation().sql()).await;
    assert_eq!(
        (&*refusal.code, &refusal.detail["by"]),
        ("run_stopped", &json!("ana"))
    );
    // Claimed by a caller, it counts for nothing.
    let claimed = run.conclusion("cancelled").with(
        "p_evidence_ref",
        r#"'{"stopped_by": "eve", "stop_reason": 1, "a": 2}'"#,
    );
    rows(&runner, &claimed.sql()).await;
    let shown = row(
        &superuser,
        "SELECT r.status, r.stopped_by, r.stop_reason, x.evidence_ref - '{wrapper,actor,posture}'::text[] AS evidence
         FROM dot.v_process_run r JOIN dot.process_run_conclusion x USING (process_run_id)",
    )
    .await;
    let evidence = json!({"stopped_by": "ana", "stop_reason": "the wrong input", "a": 2});
    assert_eq!(
        shown,
        json!({"status": "cancelled", "stopped_by": "ana", "stop_reason": "the wrong input", "evidence": evidence})
    );
    // The first one stays, also behind the conclusion.
    let again = stop(&run.run).text("p_actor", "bob").sql();
    let second = row(&operator, &again).await;
    assert_eq!(second["created"], false);
    for field in ["actor", "reason", "recorded_by", "stopped_at"] {
        assert_eq!(second[field], first[field], "{field}");
    }
}

#[apply(on_each_version)]
async fn stop_needs_the_runs_login_or_an_operators(backend: Backend) {
    let (stage, runner, operator, superuser) = ready(backend).await;
    let run = begun(&runner, "REAL_RUN").await;
    execute(
        &superuser,
        "CREATE ROLE another_runner LOGIN IN ROLE dot_runner",
    )
    .await;
    let another = stage.superuser().await;
    execute(&another, "SET SESSION AUTHORIZATION another_runner").await;
    assert_eq!(
        code(&another, &stop(&run.run).sql()).await,
        "login_mismatch"
    );
    assert_eq!(row(&runner, &stop(&run.run).sql()).await["created"], true);
    assert_eq!(
        number(&superuser, "SELECT count(*) FROM dot.dot_run_stop").await,
        1
    );
    let observer = stage.client("observer").await;
    let denied = ask(&observer, &stop(&run.run).sql()).await.unwrap_err();
    assert_eq!(denied.code().unwrap().code(), "42501");
    assert_eq!(
        row(&operator, &stop(&run.run).sql()).await["created"],
        false
    );
    execute(
        &another,
        "RESET SESSION AUTHORIZATION; DROP ROLE another_runner",
    )
    .await;
}

#[apply(on_each_version)]
async fn stop_of_what_is_not_under_way_is_refused(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    let nowhere = "00000000-0000-7000-8000-000000000000";
    assert_eq!(code(&operator, &stop(nowhere).sql()).await, "run_unknown");
    let header = text(&runner, &format!("SELECT ({})::text", Call::run().sql())).await;
    assert_eq!(code(&operator, &stop(&header).sql()).await, "run_unknown");
    let run = begun(&runner, "REAL_RUN").await;
    for (argument, expected) in [
        ("p_actor", "actor_required"),
        ("p_reason", "reason_required"),
    ] {
        let blank = stop(&run.run).text(argument, " ");
        assert_eq!(code(&operator, &blank.sql()).await, expected);
    }
    let long = stop(&run.run).text("p_reason", &"x".repeat(2001));
    assert_eq!(code(&operator, &long.sql()).await, "text_too_long");
    rows(&runner, &run.conclusion("failed").sql()).await;
    assert_eq!(
        code(&operator, &stop(&run.run).sql()).await,
        "run_concluded"
    );
    assert_eq!(
        number(&superuser, "SELECT count(*) FROM dot.dot_run_stop").await,
        0
    );
    let update = "INSERT INTO dot.dot_run_stop (process_run_id, actor, reason) VALUES (gen_random_uuid(), 'x', 'y')";
    assert!(operator.batch_execute(update).await.is_err());
}

/// The receipt that is being written comes before the stop; the stop waits for it.
#[apply(on_each_version)]
async fn stop_waits_for_the_receipt_that_is_being_written(backend: Backend) {
    let (stage, runner, operator, superuser) = ready(backend).await;
    let mut writer = stage.client("runner").await;
    let run = produced(&runner, "REAL_RUN").await;
    let writing = writer.transaction().await.unwrap();
    rows(&writing, &run.invocation().sql()).await;
    let stopping = stop(&run.run).sql();
    let (stopped, ()) = tokio::join!(ask(&operator, &stopping), async {
        lock_waiters(&superuser, 1).await;
        writing.commit().await.unwrap();
    });
    stopped.unwrap();
    let order = "SELECT count(*) FROM dot.dot_run_stop s JOIN dot.dot_invocation i USING (process_run_id) \
        WHERE i.begun_at > s.stopped_at";
    assert_eq!(number(&superuser, order).await, 0);
    assert_eq!(may_continue(&runner, &run).await, false);
}

/// A transaction whose snapshot is older than the stop writes no receipt.
#[apply(on_each_version)]
async fn old_snapshot_overlooks_no_stop(backend: Backend) {
    let (stage, runner, operator, _superuser) = ready(backend).await;
    let mut old = stage.client("runner").await;
    let run = produced(&runner, "REAL_RUN").await;
    let transaction = old.transaction().await.unwrap();
    execute(
        &transaction,
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    )
    .await;
    rows(&transaction, "SELECT count(*) FROM dot.v_dot_gate").await;
    rows(&operator, &stop(&run.run).sql()).await;
    let asked = ask(&transaction, &run.invocation().sql())
        .await
        .unwrap_err();
    assert_eq!(asked.code().unwrap().code(), "40001");
    transaction.rollback().await.unwrap();
    rows(&runner, &run.conclusion("cancelled").sql()).await;
    let other = begun(&runner, "REAL_RUN").await;
    let transaction = old.transaction().await.unwrap();
    execute(
        &transaction,
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    )
    .await;
    rows(&transaction, "SELECT count(*) FROM dot.v_dot_gate").await;
    rows(&operator, "SELECT dot.fn_process_dot_posture()").await;
    rows(&runner, &other.conclusion("cancelled").sql()).await;
    let stopped = ask(&transaction, &stop(&other.run).sql())
        .await
        .unwrap_err();
    assert_eq!(Refusal::of(&stopped).code, "snapshot_too_old");
}
