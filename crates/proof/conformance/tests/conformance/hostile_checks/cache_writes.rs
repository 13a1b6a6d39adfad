//! Cached check results: a reader writes none, and does not block changes of a check.

use rstest_reuse::apply;

use super::queries::{ASSERT, PREFLIGHT};
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::register_check;
use crate::common::{Backend, Call, TestContext, execute, number, rows};

/// A transaction that stays open after the preflight does not block an operator from changing a check.
#[apply(on_each_backend)]
async fn idle_reader_behind_preflight_blocks_no_change_of_a_check(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    register_check(
        &superuser,
        "hostile",
        "BEGIN RETURN 0; END",
        "WARN",
        "1 hour",
    )
    .await;
    for (role, call) in [
        ("reader", PREFLIGHT.to_owned()),
        ("observer", Call::pair().sql()),
    ] {
        let mut idler = stage.client(role).await;
        let transaction = idler.transaction().await.unwrap();
        rows(&transaction, &call).await;
        register_check(&superuser, "hostile", "BEGIN RETURN 1; END", "BLOCK", "0").await;
        transaction.rollback().await.unwrap();
        register_check(
            &superuser,
            "hostile",
            "BEGIN RETURN 0; END",
            "WARN",
            "1 hour",
        )
        .await;
    }
}

/// A cached result lets the runs of all logins pass: a login that may only read writes no cache and locks no row.
#[apply(on_each_version)]
async fn preflight_of_a_reader_writes_no_cache(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, mut reader) = (stage.superuser().await, stage.client("reader").await);
    register_check(
        &superuser,
        "hostile",
        "BEGIN RETURN 0; END",
        "BLOCK",
        "1 hour",
    )
    .await;
    let answers = "SELECT count(*) FROM dot.dot_preflight_answer WHERE answered_at > '-infinity'";
    let transaction = reader.transaction().await.unwrap();
    rows(&transaction, ASSERT).await;
    execute(
        &superuser,
        "SELECT FROM dot.dot_preflight_answer FOR UPDATE NOWAIT",
    )
    .await;
    transaction.commit().await.unwrap();
    assert_eq!(number(&superuser, answers).await, 0);
    rows(&stage.client("observer").await, ASSERT).await;
    assert!(number(&superuser, answers).await > 0);
}
