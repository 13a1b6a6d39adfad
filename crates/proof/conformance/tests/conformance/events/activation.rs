//! Activation and deactivation of an event type, with concurrent recordings.

use futures_util::future::join_all;
use rstest_reuse::apply;
use serde_json::json;

use super::calls::switch;
use crate::common::backend::on_each_backend;
use crate::common::{Backend, Call, TestContext, lock_waiters, number, row, rows, value};

#[apply(on_each_backend)]
async fn switching_returns_whether_it_changed_and_is_in_the_history(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    for (active, changed) in [(false, false), (true, true), (true, false), (false, true)] {
        assert_eq!(
            value(&operator, &switch("process.run.failed", active)).await,
            changed
        );
    }
    let history = rows(&superuser, "SELECT event_type, active, actor, reason, recorded_by FROM dot.event_type_history ORDER BY changed_at").await;
    let change = |active: bool| json!({"event_type": "process.run.failed", "active": active, "actor": "operator", "reason": "a test", "recorded_by": "dot_operator"});
    assert_eq!(history, [change(true), change(false)]);
}

#[apply(on_each_backend)]
async fn deactivating_waits_for_the_events_in_flight(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    let mut observer = stage.client("observer").await;
    rows(&operator, &switch("process.run.completed", true)).await;
    let in_flight = observer.transaction().await.unwrap();
    assert_eq!(
        row(&in_flight, &Call::pair().sql()).await["events_emitted"],
        1
    );
    let off = switch("process.run.completed", false);
    tokio::join!(rows(&operator, &off), async {
        lock_waiters(&superuser, 1).await;
        in_flight.commit().await.unwrap();
    });
    let late = number(&superuser, "SELECT count(*) FROM dot.event_outbox o, dot.event_type_history h WHERE NOT h.active AND o.occurred_at > h.changed_at").await;
    assert_eq!(
        late, 0,
        "the history says that the type was off when the event occurred"
    );
}

#[apply(on_each_backend)]
async fn transaction_older_than_a_deactivation_emits_no_event_after_it(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    let mut observer = stage.client("observer").await;
    rows(&operator, &switch("process.run.completed", true)).await;
    let old = observer.transaction().await.unwrap();
    rows(&old, "SELECT now()").await;
    rows(&operator, &switch("process.run.completed", false)).await;
    assert_eq!(row(&old, &Call::pair().sql()).await["events_emitted"], 0);
    old.commit().await.unwrap();
}

#[apply(on_each_backend)]
async fn every_event_is_inside_an_active_period_of_its_type(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    let writers = stage.clients("observer", 6).await;
    let writing = join_all(writers.iter().map(|writer| async move {
        for _ in 0..25 {
            rows(writer, &Call::run().text("p_status", "completed").sql()).await;
        }
    }));
    let switching = async {
        for round in 0..12 {
            rows(&operator, &switch("process.run.completed", round % 2 == 0)).await;
        }
    };
    tokio::join!(writing, switching);
    let strays = number(
        &superuser,
        "SELECT count(*) FROM dot.event_outbox o WHERE NOT coalesce((
           SELECT h.active FROM dot.event_type_history h WHERE h.event_type = o.event_type AND h.changed_at <= o.occurred_at
           ORDER BY h.changed_at DESC LIMIT 1), false)",
    )
    .await;
    assert_eq!(strays, 0);
}
