//! Expired claims: another worker takes the request over, and its run is begun once.

use rstest_reuse::apply;
use serde_json::{Value, json};

use super::calls::{asking, cancelling, claimed, claiming, claims_run_out, is, run, says, state};
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::run_calls::{Begun, ready};
use crate::common::{Backend, code, lock_waiters, number, row, rows, text};

#[apply(on_each_backend)]
async fn expired_claim_is_taken_over_and_old_worker_is_fenced(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let request = text(&runner, &asking().sql()).await;
    let zombie = claimed(&runner).await;
    claims_run_out(&superuser).await;
    assert!(!says(&runner, &zombie.renew()).await);
    let heir = claimed(&runner).await;
    assert_eq!(heir.request, request);
    assert_ne!(heir.token, zombie.token);
    assert!(!says(&runner, &zombie.renew()).await);
    assert!(!says(&runner, &zombie.refuse("no_execute").sql()).await);
    // The zombie wakes up first: its run is the request's, and the heir does not run it again.
    let begun = Begun::of(&row(&runner, &zombie.begin().sql()).await);
    let second = row(&runner, &heir.begin().sql()).await;
    assert_eq!(second["created"], false);
    assert_eq!(second["process_run_id"], begun.run.as_str());
    let finish = heir.finish().text("p_process_run_id", &begun.run).sql();
    assert_eq!(
        code(&runner, &finish).await,
        "status_invalid",
        "it is under way"
    );
    let wait = heir.refuse("lease_held").with("p_retry_after_seconds", "0");
    assert!(says(&runner, &wait.sql()).await);
    assert_eq!(
        rows(&runner, &claiming().sql()).await,
        [] as [Value; 0],
        "nobody runs it again"
    );
    rows(&runner, &begun.conclusion("failed").sql()).await;
    rows(&runner, &claiming().sql()).await;
    assert_eq!(
        state(&runner, &request).await,
        is("finished", Some("concluded"), None, Some("failed"))
    );
    let runs = "SELECT count(*) FROM dot.v_process_run";
    assert_eq!(number(&runner, runs).await, 1);
}

#[apply(on_each_backend)]
async fn concurrent_begin_lets_one_worker_win(backend: Backend) {
    let (stage, runner, _operator, superuser) = ready(backend).await;
    text(&runner, &asking().sql()).await;
    let claim = claimed(&runner).await;
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
    let request = text(&runner, &asking().sql()).await;
    let claim = claimed(&runner).await;
    row(&runner, &claim.begin().sql()).await;
    claims_run_out(&superuser).await;
    assert_eq!(rows(&runner, &claiming().sql()).await, [] as [Value; 0]);
    assert_eq!(
        state(&runner, &request).await,
        is("claimed", None, None, Some("started"))
    );
    // Requests queued after it are not blocked, and the next acquirer of the lease concludes the dead run.
    crate::common::run_calls::run_out(&superuser).await;
    let behind = text(&runner, &asking().sql()).await;
    let next = claimed(&runner).await;
    assert_eq!(next.request, behind);
    run(&runner, &next).await;
    rows(&runner, &claiming().sql()).await;
    assert_eq!(
        state(&runner, &request).await,
        is("finished", Some("concluded"), None, Some("stuck"))
    );
    assert!(!says(&runner, &cancelling(&request).sql()).await);
}

#[apply(on_each_version)]
async fn request_is_abandoned_after_five_claims(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let request = text(&runner, &asking().sql()).await;
    for _ in 0..5 {
        claimed(&runner).await;
        claims_run_out(&superuser).await;
    }
    assert_eq!(rows(&runner, &claiming().sql()).await, [] as [Value; 0]);
    assert_eq!(
        state(&runner, &request).await,
        is("finished", Some("abandoned"), None, None)
    );
}
