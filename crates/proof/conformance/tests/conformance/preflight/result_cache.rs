//! The cache of check results.

use rstest_reuse::apply;
use tokio_postgres::Client;

use super::calls::{ASSERT, check_result, set_findings};
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::register_check;
use crate::common::{Backend, Call, TestContext, execute, refused, rows, value};

/// Whether the preflight lets a call pass now.
async fn passes(client: &Client) -> bool {
    crate::common::ask(client, ASSERT).await.is_ok()
}

const REPORT_FINDINGS: &str = "BEGIN RETURN (SELECT number FROM checks.finding); END";

#[apply(on_each_backend)]
async fn clean_check_result_is_cached_up_to_its_maximum_age(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    set_findings(&superuser, 0).await;
    register_check(&superuser, "ages", REPORT_FINDINGS, "BLOCK", "2 seconds").await;
    assert!(passes(&observer).await);
    set_findings(&superuser, 3).await;
    assert!(
        passes(&observer).await,
        "run again although its result was cached"
    );
    assert_eq!(
        check_result(&observer, "ages").await["status"],
        "BLOCK",
        "fn_dot_preflight does not use the cache"
    );
    rows(&observer, "SELECT pg_sleep(2.05)").await;
    assert!(!passes(&observer).await, "an expired result was used");
}

#[apply(on_each_version)]
async fn expired_check_result_is_refreshed_by_one_caller(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    let other = stage.superuser().await;
    set_findings(&superuser, 0).await;
    register_check(&superuser, "due", REPORT_FINDINGS, "BLOCK", "1 hour").await;
    // The results of the built-in checks must not expire during the test.
    execute(
        &superuser,
        "UPDATE dot.dot_preflight_check SET max_age = '1 hour'",
    )
    .await;
    assert!(passes(&observer).await);
    let aged = |minutes: i32| {
        format!(
            "UPDATE dot.dot_preflight_answer SET answered_at = clock_timestamp() - interval '{minutes} minutes' WHERE check_name = 'due'"
        )
    };
    let is_new = "SELECT answered_at > clock_timestamp() - interval '1 minute' FROM dot.dot_preflight_answer WHERE check_name = 'due'";

    execute(&superuser, &aged(30)).await;
    rows(&observer, &Call::pair().sql()).await;
    assert_eq!(
        value(&superuser, is_new).await,
        false,
        "refreshed too early"
    );
    execute(&superuser, &aged(50)).await;
    execute(
        &other,
        "BEGIN; SELECT FROM dot.dot_preflight_answer WHERE check_name = 'due' FOR UPDATE",
    )
    .await;
    rows(&observer, &Call::pair().sql()).await;
    execute(&other, "ROLLBACK").await;
    assert_eq!(
        value(&superuser, is_new).await,
        false,
        "another session has locked the row"
    );
    rows(&observer, &Call::pair().sql()).await;
    assert_eq!(value(&superuser, is_new).await, true);

    // A finding of the refreshed check blocks at once.
    execute(&superuser, &aged(50)).await;
    set_findings(&superuser, 4).await;
    let refusal = refused(&observer, &Call::pair().sql()).await;
    assert_eq!(refusal.code, "preflight_blocked");
}

#[apply(on_each_backend)]
async fn maximum_age_zero_disables_the_cache(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    set_findings(&superuser, 0).await;
    register_check(&superuser, "never_ages", REPORT_FINDINGS, "BLOCK", "0").await;
    for number in [0, 1, 0, 2] {
        set_findings(&superuser, number).await;
        assert_eq!(passes(&observer).await, number == 0, "{number} findings");
    }
}

#[apply(on_each_backend)]
async fn fixing_a_finding_unblocks_immediately(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    set_findings(&superuser, 1).await;
    register_check(&superuser, "is_mended", REPORT_FINDINGS, "BLOCK", "1 hour").await;
    assert!(!passes(&observer).await);
    set_findings(&superuser, 0).await;
    assert!(passes(&observer).await, "a blocking result was cached");
}

#[apply(on_each_backend)]
async fn changing_a_check_invalidates_its_cached_result(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    set_findings(&superuser, 0).await;
    register_check(&superuser, "changes", REPORT_FINDINGS, "WARN", "1 hour").await;
    set_findings(&superuser, 1).await;
    assert!(passes(&observer).await);
    register_check(&superuser, "changes", REPORT_FINDINGS, "BLOCK", "1 hour").await;
    assert!(
        !passes(&observer).await,
        "the cached result of the warning check was used"
    );
}

#[apply(on_each_version)]
async fn cached_result_counts_only_for_the_check_that_returned_it(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    set_findings(&superuser, 1).await;
    register_check(&superuser, "strict", REPORT_FINDINGS, "WARN", "1 hour").await;
    assert!(passes(&observer).await);
    // Updated without the functions: the result of a warning is not clean, and another function has no result.
    execute(
        &superuser,
        "UPDATE dot.dot_preflight_check SET on_finding = 'BLOCK' WHERE check_name = 'strict'",
    )
    .await;
    assert!(!passes(&observer).await);
    set_findings(&superuser, 0).await;
    assert!(passes(&observer).await);
    execute(&superuser, "CREATE FUNCTION checks.another() RETURNS bigint LANGUAGE sql AS 'SELECT 7::bigint'; UPDATE dot.dot_preflight_check SET count_query = 'checks.another' WHERE check_name = 'strict'").await;
    assert!(!passes(&observer).await);
}

#[apply(on_each_backend)]
async fn the_preflight_works_in_a_read_only_transaction(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let mut reader = stage.client("reader").await;
    execute(
        &superuser,
        "UPDATE dot.dot_preflight_answer SET answered_at = '-infinity'",
    )
    .await;
    let transaction = reader
        .build_transaction()
        .read_only(true)
        .start()
        .await
        .unwrap();
    assert!(
        rows(
            &transaction,
            "SELECT * FROM dot.fn_dot_preflight() WHERE status = 'PASS'"
        )
        .await
        .len()
            >= 3
    );
    rows(&transaction, ASSERT).await;
    assert_eq!(
        value(&transaction, "SELECT dot.fn_process_dot_posture()").await,
        "NO_EXECUTE"
    );
    transaction.commit().await.unwrap();
}

#[apply(on_each_backend)]
async fn recording_is_not_blocked_by_a_cache_write(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    execute(
        &superuser,
        "UPDATE dot.dot_preflight_answer SET answered_at = '-infinity'",
    )
    .await;
    let mut slow = stage.client("observer").await;
    let transaction = slow.transaction().await.unwrap();
    rows(&transaction, ASSERT).await;
    // The results are written and not committed; no session waits for a cache write.
    rows(&observer, &Call::pair().sql()).await;
    transaction.commit().await.unwrap();
}
