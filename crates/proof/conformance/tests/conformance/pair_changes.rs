//! A change of a pair sees the runs that are being begun, and a run that waited for a change sees the changed pair.

use rstest_reuse::apply;
use serde_json::json;

use crate::common::backend::on_each_backend;
use crate::common::fixtures::{PRODUCER, VERIFIER, import};
use crate::common::run_calls::{Begun, begin, ready};
use crate::common::{Backend, Call, code, lock_waiters, number, refused, row, rows, value};

fn swap() -> String {
    let tool = |code: &str, tier: &str, pair: &str, role: &str| json!({"dot_code": code, "name": code, "tier": tier, "paired_dot": pair, "pair_role": role});
    import(&json!([
        tool(PRODUCER, "A", VERIFIER, "verifier"),
        tool(VERIFIER, "B", PRODUCER, "producer"),
    ]))
    .sql()
}

fn retire() -> String {
    Call::new("fn_dot_tool_retire")
        .text("p_dot_code", PRODUCER)
        .text("p_actor", "operator")
        .text("p_reason", "replaced")
        .sql()
}

#[apply(on_each_backend)]
async fn swap_behind_a_begin_that_is_not_committed_is_refused(backend: Backend) {
    let (stage, runner, operator, superuser) = ready(backend).await;
    let mut beginner = stage.client("runner").await;
    let open = beginner.transaction().await.unwrap();
    let run = Begun::of(&row(&open, &begin("REAL_RUN").sql()).await);
    let refusal = refused(&operator, &swap()).await;
    assert_eq!(refusal.code, "busy");
    assert_eq!(refusal.detail["blocked_by"][0]["login"], "dot_runner");
    // One that commits in time is seen.
    let change = swap();
    let (refusal, ()) = tokio::join!(refused(&operator, &change), async {
        lock_waiters(&superuser, 1).await;
        open.commit().await.unwrap();
    });
    assert_eq!(refusal.code, "tool_invalid", "{}", refusal.message);
    rows(&runner, &run.conclusion("cancelled").sql()).await;
    rows(&operator, &swap()).await;
    // No lease was left for being locked.
    let leases = "SELECT count(*) FROM dot.v_dot_lease WHERE acquisitions = 0";
    assert_eq!(number(&operator, leases).await, 0);
}

#[apply(on_each_backend)]
async fn begin_that_waited_for_a_swap_finds_the_pair_changed(backend: Backend) {
    let (stage, runner, _operator, superuser) = ready(backend).await;
    let observer = stage.client("observer").await;
    let mut changer = stage.client("operator").await;
    let change = changer.transaction().await.unwrap();
    rows(&change, &swap()).await;
    let (begin, pair) = (begin("REAL_RUN").sql(), Call::pair().sql());
    let (begun, recorded, ()) =
        tokio::join!(code(&runner, &begin), code(&observer, &pair), async {
            lock_waiters(&superuser, 2).await;
            change.commit().await.unwrap();
        });
    assert_eq!((begun.as_str(), recorded.as_str()), ("busy", "busy"));
    assert_eq!(code(&runner, &begin).await, "not_a_producer");
    let live = "SELECT count(*) FROM dot.dot_iu_runtime_lease WHERE process_run_id IS NOT NULL";
    assert_eq!(number(&superuser, live).await, 0);
}

#[apply(on_each_backend)]
async fn retiring_waits_for_a_begin_but_does_not_depend_on_it(backend: Backend) {
    let (stage, runner, operator, superuser) = ready(backend).await;
    let mut beginner = stage.client("runner").await;
    let open = beginner.transaction().await.unwrap();
    let run = Begun::of(&row(&open, &begin("REAL_RUN").sql()).await);
    let change = retire();
    let (retired, ()) = tokio::join!(value(&operator, &change), async {
        lock_waiters(&superuser, 1).await;
        open.commit().await.unwrap();
    });
    assert_eq!(retired, true);
    rows(&runner, &run.conclusion("cancelled").sql()).await;
    assert_eq!(
        code(&runner, &begin("REAL_RUN").sql()).await,
        "tool_retired"
    );
    // An observer's open transaction does not block retirement.
    let mut idler = stage.client("observer").await;
    let idle = idler.transaction().await.unwrap();
    let other = "DOT_COPY";
    rows(&idle, &Call::pair().text("p_dot_code", other).sql()).await;
    let retire = retire().replace(PRODUCER, other);
    assert_eq!(value(&operator, &retire).await, true);
    idle.rollback().await.unwrap();
}
