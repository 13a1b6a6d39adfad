//! Concurrent gate changes and conclusions, and snapshots that are older than these.

use rstest_reuse::apply;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{PRODUCER, set_posture};
use crate::common::run_calls::{Begun, begin, begun, ready};
use crate::common::{
    Backend, Call, Refusal, ask, code, contents, execute, lock_waiters, number, row, rows, until,
};

#[apply(on_each_backend)]
async fn receipt_and_gate_closing_serialize(backend: Backend) {
    let (stage, runner, operator, superuser) = ready(backend).await;
    let mut receiver = stage.client("runner").await;
    let close = Call::gate("process_dot_runtime.real_run_enabled", "false").sql();

    // The gate closes first and holds the lock of its commit: the receipt waits and is refused.
    let mut closer = stage.client("operator").await;
    let closing = closer.transaction().await.unwrap();
    rows(&closing, &close).await;
    execute(&closing, "SET CONSTRAINTS ALL IMMEDIATE").await;
    let real = begin("REAL_RUN").sql();
    let (refused, ()) = tokio::join!(ask(&runner, &real), async {
        lock_waiters(&superuser, 1).await;
        closing.commit().await.unwrap();
    });
    assert_eq!(Refusal::of(&refused.unwrap_err()).code, "real_run_disabled");
    let nothing = "SELECT count(*) FROM dot.v_process_run";
    assert_eq!(number(&runner, nothing).await, 0);

    // The receipt is first and stays uncommitted: the gate closes after a second, and the receipt is void.
    set_posture(&operator, "REAL_RUN").await;
    let in_flight = receiver.transaction().await.unwrap();
    let run = begun(&in_flight, "REAL_RUN").await;
    rows(&operator, &close).await;
    in_flight.commit().await.unwrap();
    set_posture(&operator, "REAL_RUN").await;
    assert_eq!(
        code(&runner, &run.producer("REAL_RUN").sql()).await,
        "invocation_mismatch",
        "a void receipt"
    );
    rows(&runner, &run.conclusion("cancelled").sql()).await;

    // The receipt is first and committed: the gate closes, and the component is recorded.
    let run = begun(&runner, "REAL_RUN").await;
    rows(&operator, &close).await;
    rows(&runner, &run.producer("REAL_RUN").sql()).await;
    assert_eq!(
        code(&runner, &run.invocation().sql()).await,
        "run_stopped",
        "but nothing more is begun"
    );
}

#[apply(on_each_version)]
async fn older_snapshot_writes_no_row_after_a_conclusion(backend: Backend) {
    let (stage, runner, _operator, _superuser) = ready(backend).await;
    let mut old = stage.client("runner").await;
    let late: [fn(&Begun) -> Call; 3] = [
        |run| run.producer("REAL_RUN"),
        |run| run.conclusion("failed"),
        Begun::invocation,
    ];
    // One run per call, because only the first conclusion of a run comes after the snapshot.
    for call in late {
        let run = begun(&runner, "REAL_RUN").await;
        let snapshot = old
            .build_transaction()
            .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
            .start()
            .await
            .unwrap();
        rows(&snapshot, "SELECT count(*) FROM dot.v_process_run").await;
        rows(&runner, &run.conclusion("cancelled").sql()).await;
        let error = ask(&snapshot, &call(&run).sql()).await.unwrap_err();
        let said = error.as_db_error().unwrap();
        assert!(
            said.code().code() == "40001" || said.constraint() == Some("run_concluded"),
            "{said:?}"
        );
        snapshot.rollback().await.unwrap();
    }
}

const LEASE_EXPIRED: &str = "SELECT count(*) FROM dot.dot_iu_runtime_lease
    WHERE released_at IS NULL AND expires_at < clock_timestamp()";

#[apply(on_each_version)]
async fn conclude_needs_snapshot_of_all_components(backend: Backend) {
    let (stage, runner, _operator, superuser) = ready(backend).await;
    let older = stage.clients("runner", 2).await;
    let snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM dot.v_process_run";
    let concludes: [fn(&Begun) -> Call; 2] = [
        |run| run.conclusion("failed"),
        |_| Call::new("fn_process_run_reap").text("p_actor", "reaper"),
    ];
    for (concluded, conclude) in (1..).zip(concludes) {
        // The lease expires by time. An update of the lease row would already fail in the older snapshot.
        let short = begin("REAL_RUN").with("p_lease_ttl_seconds", "4");
        let run = Begun::of(&row(&runner, &short.sql()).await);
        for (old, unseen) in older
            .iter()
            .zip([run.producer("REAL_RUN"), run.invocation()])
        {
            execute(old, snapshot).await;
            rows(&runner, &unseen.sql()).await;
        }
        until(&superuser, LEASE_EXPIRED, 1).await;
        for old in &older {
            let error = ask(old, &conclude(&run).sql()).await.unwrap_err();
            assert_eq!(error.code().unwrap().code(), "40001", "{error:?}");
            execute(old, "ROLLBACK").await;
        }
        execute(&runner, snapshot).await;
        rows(&runner, &conclude(&run).sql()).await;
        execute(&runner, "COMMIT").await;
        let counted = "SELECT sum(component_count)::bigint FROM dot.v_process_observation_rollup";
        assert_eq!(number(&superuser, counted).await, concluded);
    }
}

#[apply(on_each_version)]
async fn snapshot_older_than_a_gate_closing_neither_begins_nor_proves_a_run(backend: Backend) {
    let (stage, runner, operator, superuser) = ready(backend).await;
    let mut old = stage.client("runner").await;
    let close = Call::gate("process_dot_runtime.real_run_enabled", "false").sql();
    let proofs: [fn(&Begun) -> Call; 3] = [
        |_| begin("REAL_RUN").text("p_dot_code", PRODUCER),
        |run| run.producer("REAL_RUN"),
        Begun::invocation,
    ];
    for isolation in [
        tokio_postgres::IsolationLevel::RepeatableRead,
        tokio_postgres::IsolationLevel::Serializable,
    ] {
        for (step, proof) in proofs.into_iter().enumerate() {
            set_posture(&operator, "REAL_RUN").await;
            let run = begun(&runner, "REAL_RUN").await;
            match step {
                0 => drop(rows(&runner, &run.conclusion("cancelled").sql()).await),
                2 => drop(rows(&runner, &run.producer("REAL_RUN").sql()).await),
                _ => {}
            }
            let snapshot = old
                .build_transaction()
                .isolation_level(isolation)
                .start()
                .await
                .unwrap();
            rows(&snapshot, "SELECT count(*) FROM dot.v_process_run").await;
            rows(&operator, &close).await;
            let before = contents(&superuser).await;
            let error = ask(&snapshot, &proof(&run).sql()).await.unwrap_err();
            assert_eq!(error.code().unwrap().code(), "40001", "{error:?}");
            snapshot.rollback().await.unwrap();
            contents(&superuser)
                .await
                .assert_same(&before, "an older snapshot");
            let _ = ask(&runner, &run.conclusion("cancelled").sql()).await;
        }
        // A snapshot taken after the gate opened begins a run.
        set_posture(&operator, "REAL_RUN").await;
        let snapshot = old
            .build_transaction()
            .isolation_level(isolation)
            .start()
            .await
            .unwrap();
        let run = begun(&snapshot, "REAL_RUN").await;
        snapshot.commit().await.unwrap();
        rows(&runner, &run.conclusion("cancelled").sql()).await;
    }
    let gates = "SELECT count(*) FROM dot.v_dot_gate WHERE updated_by = 'never committed'";
    assert_eq!(number(&superuser, gates).await, 0);
}
