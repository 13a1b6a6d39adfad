//! Uncommitted changes of a transaction decide nothing for other sessions, and allow the transaction itself no claim.

use rstest_reuse::apply;

use crate::common::backend::on_each_version;
use crate::common::fixtures::{GATES, register_check, set_posture};
use crate::common::run_calls::{begin, ready};
use crate::common::{Backend, Call, code, contents, execute, number, rows, text};

const ANSWERS: &str = "SELECT count(*) FROM dot.dot_preflight_answer WHERE check_name = 'counted' AND answered_at > now() - interval '1 hour'";

/// A check that counts rows finds none in a transaction that deletes them and rolls back: that answer is not
/// remembered.
#[apply(on_each_version)]
async fn answer_counted_in_a_changed_transaction_is_not_remembered(backend: Backend) {
    let (stage, _runner, _operator, superuser) = ready(backend).await;
    execute(
        &superuser,
        "CREATE TABLE public.findings (i int); INSERT INTO public.findings VALUES (1);
         GRANT ALL ON public.findings TO PUBLIC",
    )
    .await;
    let body = "BEGIN RETURN (SELECT count(*) FROM public.findings); END";
    register_check(&superuser, "counted", body, "BLOCK", "1 hour").await;
    let calls = [
        "SELECT dot.fn_assert_safe_for_dot_action()".to_owned(),
        begin("REAL_RUN").sql(),
        Call::pair().sql(),
        Call::run().sql(),
    ];
    let mut runner = stage.client("runner").await;
    for call in &calls {
        let open = runner.transaction().await.unwrap();
        execute(&open, "DELETE FROM public.findings; SAVEPOINT s").await;
        rows(&open, call).await;
        execute(
            &open,
            "ROLLBACK TO s; INSERT INTO public.findings VALUES (1)",
        )
        .await;
        open.commit().await.unwrap();
        assert_eq!(number(&superuser, ANSWERS).await, 0, "{call}");
        assert_eq!(code(&runner, call).await, "preflight_blocked", "{call}");
    }
    execute(&superuser, "DELETE FROM public.findings").await;
    for call in &calls {
        execute(
            &superuser,
            "UPDATE dot.dot_preflight_answer SET answered_at = '2001-01-01'",
        )
        .await;
        let open = runner.transaction().await.unwrap();
        rows(&open, call).await;
        open.commit().await.unwrap();
        assert_eq!(number(&superuser, ANSWERS).await, 1, "{call}");
        execute(
            &superuser,
            "UPDATE dot.dot_iu_runtime_lease SET released_at = now(), process_run_id = NULL",
        )
        .await;
    }
}

/// Opened, or opened for a moment that has passed, by the transaction itself: nothing is claimed under such gates.
#[apply(on_each_version)]
async fn gates_changed_in_the_same_transaction_allow_no_run(backend: Backend) {
    let (stage, _runner, operator, superuser) = ready(backend).await;
    set_posture(&operator, "DRY_RUN_ONLY").await;
    let name = format!("{}_both", stage.database().name());
    execute(
        &superuser,
        &format!("CREATE ROLE \"{name}\" LOGIN IN ROLE dot_runner, dot_operator"),
    )
    .await;
    let mut both = stage.database().client_as(&name).await;
    let before = contents(&superuser).await;
    let claim = |mode: &str| Call::run().text("p_evidence_type", mode).sql();
    // A gate that was opened here, and one that was opened here and has expired.
    for (changes, mode) in [
        (
            vec![(GATES[3], "true", "NULL"), (GATES[2], "false", "NULL")],
            "REAL_RUN",
        ),
        (
            vec![(GATES[3], "true", "clock_timestamp() + interval '200 ms'")],
            "DRY_RUN",
        ),
    ] {
        let open = both.transaction().await.unwrap();
        for (key, value, expiry) in changes {
            let change = Call::gate(key, value).with("p_expires_at", expiry);
            rows(&open, &change.sql()).await;
        }
        execute(&open, "SELECT pg_sleep(0.3)").await;
        assert_eq!(code(&open, &claim(mode)).await, "busy", "{mode}");
        open.rollback().await.unwrap();
    }
    for mode in ["DRY_RUN", "REAL_RUN"] {
        let open = both.transaction().await.unwrap();
        let change = Call::gate(GATES[3], "true")
            .with("p_expires_at", "clock_timestamp() + interval '200 ms'");
        rows(&open, &change.sql()).await;
        execute(&open, "SELECT pg_sleep(0.3)").await;
        let refusal = code(&open, &begin(mode).sql()).await;
        assert_eq!(
            refusal,
            if mode == "DRY_RUN" {
                "busy"
            } else {
                "real_run_disabled"
            }
        );
        open.rollback().await.unwrap();
    }
    contents(&superuser).await.assert_same(&before, "own gates");
    assert_eq!(
        text(&superuser, "SELECT dot.fn_process_dot_posture()").await,
        "DRY_RUN_ONLY"
    );
    drop(both);
    execute(&superuser, &format!("DROP ROLE \"{name}\"")).await;
}
