//! Durability: the contract's functions commit synchronously whatever the session has set.

use rstest_reuse::apply;
use tokio_postgres::Client;

use crate::common::backend::on_each_version;
use crate::common::fixtures::{CANDIDATE, CORRELATION, PRODUCER};
use crate::common::run_calls::{begin, begun, ready};
use crate::common::{Backend, Call, rows};

/// A crash must not lose an acknowledged receipt, because its tool may have run.
#[apply(on_each_version)]
async fn acknowledged_commit_ignores_synchronous_commit_off(backend: Backend) {
    let (_stage, mut runner, mut operator, _superuser) = ready(backend).await;
    let gate = "SELECT dot.fn_dot_gate_set('process_dot_runtime.execute_enabled', 'true', 'tester', 'a test')";
    assert_eq!(commit_after(&mut operator, gate).await, "on");
    let pair = Call::new("fn_process_pair_observe")
        .text("p_dot_code", PRODUCER)
        .text("p_process_candidate_code", CANDIDATE)
        .text("p_correlation_id", CORRELATION)
        .text("p_actor", "tester");
    assert_eq!(commit_after(&mut runner, &pair.sql()).await, "on");
    assert_eq!(
        commit_after(&mut runner, &begin("REAL_RUN").sql()).await,
        "on"
    );
    let run = begun(&runner, "REAL_RUN").await;
    assert_eq!(
        commit_after(&mut runner, &run.producer("REAL_RUN").sql()).await,
        "on"
    );
    rows(&runner, &run.producer("REAL_RUN").sql()).await;
    assert_eq!(
        commit_after(&mut runner, &run.invocation().sql()).await,
        "on"
    );
    assert_eq!(
        commit_after(&mut runner, &run.conclusion("cancelled").sql()).await,
        "on"
    );
}

/// The value of `synchronous_commit` after this call, in a session that had switched it off. The call is rolled back.
async fn commit_after(client: &mut Client, call: &str) -> String {
    client
        .batch_execute("SET synchronous_commit = off")
        .await
        .unwrap();
    let transaction = client.transaction().await.unwrap();
    rows(&transaction, call).await;
    let setting = transaction
        .query_one("SHOW synchronous_commit", &[])
        .await
        .unwrap()
        .get(0);
    transaction.rollback().await.unwrap();
    setting
}
