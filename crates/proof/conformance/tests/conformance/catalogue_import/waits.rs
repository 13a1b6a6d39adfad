//! The waits of an import, and errors that are not refusals.

use rstest_reuse::apply;
use serde_json::json;

use super::{catalogue, import, plan};
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{PRODUCER, VERIFIER};
use crate::common::run_calls::{Begun, begin, ready};
use crate::common::{
    Backend, TestContext, code, contents, execute, lock_waiters, number, refused, row, rows,
};

/// The import waits at most five seconds for a run that is being begun. Its refusal names the blocking session.
#[apply(on_each_backend)]
async fn pair_change_blocked_by_a_begin_rolls_back_the_import(backend: Backend) {
    let (stage, _runner, operator, superuser) = ready(backend).await;
    let mut swapped = catalogue();
    let tool = |code: &str, tier: &str, pair: &str, role: &str| json!({"dot_code": code, "name": code, "tier": tier, "paired_dot": pair, "pair_role": role});
    swapped["tool"] = json!([
        tool(PRODUCER, "A", VERIFIER, "verifier"),
        tool(VERIFIER, "B", PRODUCER, "producer"),
    ]);
    swapped["contract"] = json!([]);
    let mut beginner = stage.client("runner").await;
    let open = beginner.transaction().await.unwrap();
    Begun::of(&row(&open, &begin("REAL_RUN").sql()).await);
    let before = contents(&superuser).await;
    let refusal = refused(&operator, &import(&swapped).sql()).await;
    assert_eq!(refusal.code, "busy");
    assert_eq!(refusal.detail["blocked_by"][0]["login"], "dot_runner");
    contents(&superuser).await.assert_same(&before, "busy");
    let change = import(&swapped).sql();
    let (refusal, ()) = tokio::join!(refused(&operator, &change), async {
        lock_waiters(&superuser, 1).await;
        open.commit().await.unwrap();
    });
    assert_eq!(refusal.code, "tool_invalid", "{}", refusal.message);
    assert!(refusal.message.contains("under way"), "{}", refusal.message);
    let candidates = "SELECT count(*) FROM dot.v_process_candidate WHERE process_candidate_code = 'PROC-CAND:pack'";
    assert_eq!(number(&operator, candidates).await, 0);
}

/// Only the registry's functions lock a contract. A superuser's lock is waited for no longer than theirs.
#[apply(on_each_version)]
async fn import_behind_a_locked_contract_is_refused_as_busy(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    rows(&operator, &import(&catalogue()).sql()).await;
    let mut idler = stage.superuser().await;
    let idle = idler.transaction().await.unwrap();
    rows(
        &idle,
        "SELECT 1 AS one FROM dot.dot_agent_api_contract FOR UPDATE",
    )
    .await;
    let before = contents(&stage.superuser().await).await;
    assert_eq!(code(&operator, &import(&catalogue()).sql()).await, "busy");
    let after = contents(&stage.superuser().await).await;
    after.assert_same(&before, "busy");
    idle.rollback().await.unwrap();
    rows(&operator, &import(&catalogue()).sql()).await;
}

/// What is no refusal is no entry's fault.
#[apply(on_each_version)]
async fn other_error_is_raised_unchanged_and_rolls_back_the_import(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    execute(
        &superuser,
        "ALTER TABLE dot.dot_fixture ADD CONSTRAINT no_pack CHECK (fixture_ref <> 'pack/empty')",
    )
    .await;
    let before = contents(&superuser).await;
    for call in [import(&catalogue()), plan(&catalogue())] {
        let error = crate::common::ask(&operator, &call.sql()).await;
        let error = error.unwrap_err();
        let database = error.as_db_error().unwrap();
        assert_eq!(database.code().code(), "23514");
        assert_eq!(database.constraint(), Some("no_pack"));
    }
    contents(&superuser).await.assert_same(&before, "an error");
}
