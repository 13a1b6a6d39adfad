//! Expired claims: another worker takes the request over, and its run is begun once.

use rstest_reuse::apply;
use serde_json::{Value, json};

use super::calls::{
    cancel_call, claim_call, claim_next, execute_run, expected_state, expire_claims, request_call,
    request_state, returns_true,
};
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::run_calls::{Begun, ready};
use crate::common::{Backend, code, lock_waiters, number, row, rows, text};

#[apply(on_each_backend)]
async fn expired_claim_is_taken_over_and_old_worker_is_fenced(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let request = text(&runner, &request_call().sql()).await;
    let old_claim = claim_next(&runner).await;
    expire_claims(&superuser).await;
    assert!(!returns_true(&runner, &old_claim.renew()).await);
    let new_claim = claim_next(&runner).await;
    assert_eq!(new_claim.request, request);
    assert_ne!(new_claim.token, old_claim.token);
    assert!(!returns_true(&runner, &old_claim.renew()).await);
    assert!(!returns_true(&runner, &old_claim.refuse("no_execute").sql()).await);
    // The old worker begins first: its run is the request's run, and the new worker gets that run.
    let begun = Begun::of(&row(&runner, &old_claim.begin().sql()).await);
    let second = row(&runner, &new_claim.begin().sql()).await;
    assert_eq!(second["created"], false);
    assert_eq!(second["process_run_id"], begun.run.as_str());
    let finish = new_claim
        .finish()
        .text("p_process_run_id", &begun.run)
        .sql();
    assert_eq!(
        code(&runner, &finish).await,
        "status_invalid",
        "it is under way"
    );
    let wait = new_claim
        .refuse("lease_held")
        .with("p_retry_after_seconds", "0");
    assert!(returns_true(&runner, &wait.sql()).await);
    assert_eq!(
        rows(&runner, &claim_call().sql()).await,
        [] as [Value; 0],
        "the run is begun once"
    );
    rows(&runner, &begun.conclusion("failed").sql()).await;
    rows(&runner, &claim_call().sql()).await;
    assert_eq!(
        request_state(&runner, &request).await,
        expected_state("finished", Some("concluded"), None, Some("failed"))
    );
    let runs = "SELECT count(*) FROM dot.v_process_run";
    assert_eq!(number(&runner, runs).await, 1);
}

#[apply(on_each_backend)]
async fn concurrent_begin_lets_one_worker_win(backend: Backend) {
    let (stage, runner, _operator, superuser) = ready(backend).await;
    text(&runner, &request_call().sql()).await;
    let claim = claim_next(&runner).await;
    let mut other = stage.client("runner").await;
    let in_flight = other.transaction().await.unwrap();
    let first = row(&in_flight, &claim.begin().sql()).await;
    let again = claim.begin().sql();
    let (second, ()) = tokio::join!(row(&runner, &again), async {
        lock_waiters(&superuser, 1).await;
        in_flight.commit().await.unwrap();
    });
    assert_eq!(
        (&first["created"], &second["created"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(first["process_run_id"], second["process_run_id"]);
}

#[apply(on_each_version)]
async fn reaping_a_dead_workers_run_ends_its_request(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let request = text(&runner, &request_call().sql()).await;
    let claim = claim_next(&runner).await;
    row(&runner, &claim.begin().sql()).await;
    expire_claims(&superuser).await;
    assert_eq!(rows(&runner, &claim_call().sql()).await, [] as [Value; 0]);
    assert_eq!(
        request_state(&runner, &request).await,
        expected_state("claimed", None, None, Some("started"))
    );
    // Requests queued after it are not blocked, and the next acquirer of the lease concludes the run.
    crate::common::run_calls::run_out(&superuser).await;
    let behind = text(&runner, &request_call().sql()).await;
    let next = claim_next(&runner).await;
    assert_eq!(next.request, behind);
    execute_run(&runner, &next).await;
    rows(&runner, &claim_call().sql()).await;
    assert_eq!(
        request_state(&runner, &request).await,
        expected_state("finished", Some("concluded"), None, Some("stuck"))
    );
    assert!(!returns_true(&runner, &cancel_call(&request).sql()).await);
}

#[apply(on_each_version)]
async fn request_is_abandoned_after_five_claims(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let request = text(&runner, &request_call().sql()).await;
    for _ in 0..5 {
        claim_next(&runner).await;
        expire_claims(&superuser).await;
    }
    assert_eq!(rows(&runner, &claim_call().sql()).await, [] as [Value; 0]);
    assert_eq!(
        request_state(&runner, &request).await,
        expected_state("finished", Some("abandoned"), None, None)
    );
}
