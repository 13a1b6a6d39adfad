//! Through pgbouncer in transaction mode, where every call may use another server session.

use std::{collections::HashSet, time::Duration};

use dotwrap_testkit::Pooler;
use dotwrap_wrapper::{ConnectionTarget, Error, RefusalCode};

use crate::support::{
    SLEEPING_SESSIONS, builder, call, code, finish_steps, installed, pair, register_hanging_check,
    row_count, until,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pairs_are_recorded_refused_and_repeated_as_without_a_pooler() {
    let (database, direct) = installed().await;
    for number in 0..8 {
        let tools = pair(&format!("P{number}"), &format!("V{number}"));
        direct.import_tools(&tools, None).await.unwrap();
    }
    let pooler = Pooler::transaction_mode(&database).await;
    let target = ConnectionTarget::parse(&pooler.url_as(database.owner())).unwrap();
    let wrapper = builder(&database).target(target).build().await.unwrap();
    let mut recording = tokio::task::JoinSet::new();
    for number in 0..40 {
        let wrapper = wrapper.clone();
        recording.spawn(async move {
            let mut call = call().idempotency_key(format!("key-{number}"));
            call.dot_code = format!("P{}", number % 8).into();
            let first = wrapper.observe_pair(&call).await.unwrap();
            let again = wrapper.observe_pair(&call).await.unwrap();
            assert!(first.created && !again.created);
            assert_eq!(first.process_run_id, again.process_run_id);
            first.process_run_id
        });
    }
    let runs: HashSet<_> = recording.join_all().await.into_iter().collect();
    assert_eq!(runs.len(), 40);
    assert_eq!(
        code(wrapper.observe_pair(&call().actor("")).await),
        RefusalCode::ActorRequired
    );
    assert_eq!(wrapper.refusals(10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_steps_pass_through_a_pooler() {
    let (database, _direct) = installed().await;
    let pooler = Pooler::transaction_mode(&database).await;
    let target = ConnectionTarget::parse(&pooler.url_as(database.owner())).unwrap();
    let wrapper = builder(&database).target(target).build().await.unwrap();
    let leased = wrapper
        .enter(call())
        .await
        .unwrap()
        .acquire_lease(Duration::from_secs(60))
        .await
        .unwrap();
    assert!(
        wrapper
            .renew_lease(leased.lease(), Duration::from_secs(60))
            .await
            .unwrap()
    );
    let record = finish_steps(leased).await.unwrap().record;
    assert!(wrapper.run(record.process_run_id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_cancelled_through_a_pooler() {
    let (database, direct) = installed().await;
    register_hanging_check(&database, &direct).await;
    let pooler = Pooler::transaction_mode(&database).await;
    let target = ConnectionTarget::parse(&pooler.url_as(database.owner())).unwrap();
    let hurried = builder(&database)
        .target(target)
        .call_timeout(Duration::from_millis(300))
        .build()
        .await
        .unwrap();
    let error = hurried.observe_pair(&call()).await.unwrap_err();
    // Whether the statement had reached the server by then is the pooler's secret.
    assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
    let superuser = database.superuser().await;
    until(&superuser, SLEEPING_SESSIONS, |sleeping| sleeping == 0).await;
    assert_eq!(row_count(&superuser, "process_run_observation").await, 0);
}
