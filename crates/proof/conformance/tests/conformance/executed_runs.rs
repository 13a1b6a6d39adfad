//! Executed runs: begun, proven by receipts, concluded, and reaped where their holder died.

use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{CANDIDATE, CORRELATION, PRODUCER, VERIFIER, set_posture};
use crate::common::run_calls::{Begun, DIGEST, begin, begun, ready, run_out};
use crate::common::{
    Backend, Call, Refusal, ask, code, contents, execute, literal, lock_waiters, number, row, rows,
    text,
};

async fn rung(client: &Client) -> Value {
    row(
        client,
        "SELECT candidate_status_v3 FROM dot.v_process_discovery_candidate_status_v3",
    )
    .await["candidate_status_v3"]
        .clone()
}

/// Its effective status, verdict and outcome.
async fn outcome(client: &Client, run: &str) -> Value {
    let query = format!(
        "SELECT status, verdict, evidence_ref ->> 'outcome' AS outcome, ended_at IS NOT NULL AS ended
         FROM dot.v_process_run WHERE process_run_id = {}",
        literal(run)
    );
    row(client, &query).await
}

#[apply(on_each_backend)]
async fn verified_needs_three_separate_transactions(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    for (mode, expected) in [
        ("DRY_RUN", "dry_run_observed"),
        ("REAL_RUN", "verified_candidate"),
    ] {
        let run = begun(&runner, mode).await;
        // The producer's row and the verifier's receipt: one round trip, one transaction.
        let second = format!(
            "WITH part AS MATERIALIZED ({}) SELECT ({})::text AS receipt FROM part",
            run.producer(mode).sql(),
            run.invocation().sql()
        );
        let receipt = row(&runner, &second).await["receipt"]
            .as_str()
            .unwrap()
            .to_owned();
        let third = format!(
            "WITH part AS MATERIALIZED ({}) SELECT ({})::text AS run FROM part",
            run.verifier(mode, &receipt, "pass").sql(),
            run.conclusion("completed").text("p_verdict", "pass").sql()
        );
        rows(&runner, &third).await;
        assert_eq!(
            outcome(&runner, &run.run).await,
            json!({"status": "completed", "verdict": "pass", "outcome": null, "ended": true})
        );
        assert_eq!(rung(&runner).await, expected);
        let free = "SELECT count(*) FROM dot.v_dot_lease WHERE state = 'free'";
        assert_eq!(number(&runner, free).await, 1, "the lease is given back");
    }
    let copied = "SELECT input_digest FROM dot.dot_invocation WHERE component_role = 'verifier' AND mode = 'REAL_RUN'";
    assert_eq!(
        row(&superuser, copied).await,
        json!({ "input_digest": DIGEST })
    );
}

#[apply(on_each_version)]
async fn a_run_is_begun_only_where_everything_allows_it(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    let before = contents(&superuser).await;
    for (call, expected) in [
        (begin("SIMULATED_DRY_RUN"), "mode_invalid"),
        (begin("REAL_RUN").with("p_mode", "NULL"), "mode_invalid"),
        (begin("PLAN_ONLY"), "mode_not_allowed"),
        (begin("REAL_RUN").text("p_actor", " "), "actor_required"),
        (begin("REAL_RUN").text("p_runner", ""), "holder_required"),
        (
            begin("REAL_RUN").with("p_lease_ttl_seconds", "0"),
            "ttl_invalid",
        ),
        (
            begin("REAL_RUN").text("p_dot_code", "DOT_NO"),
            "unknown_dot",
        ),
        (
            begin("REAL_RUN").text("p_dot_code", VERIFIER),
            "not_a_producer",
        ),
        (
            begin("REAL_RUN").text("p_dot_code", "DOT_COPY"),
            "contract_missing",
        ),
    ] {
        assert_eq!(code(&runner, &call.sql()).await, expected, "{}", call.sql());
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a refused begin");
    set_posture(&operator, "DRY_RUN_ONLY").await;
    assert_eq!(
        code(&runner, &begin("REAL_RUN").sql()).await,
        "real_run_disabled"
    );
    let dry = begun(&runner, "DRY_RUN").await;
    assert_eq!(code(&runner, &begin("DRY_RUN").sql()).await, "lease_held");
    rows(&runner, &dry.conclusion("cancelled").sql()).await;
    set_posture(&operator, "NO_EXECUTE").await;
    assert_eq!(code(&runner, &begin("DRY_RUN").sql()).await, "no_execute");
}

#[apply(on_each_version)]
async fn only_a_runner_executes(backend: Backend) {
    let (stage, runner, _operator, _superuser) = ready(backend).await;
    let run = begun(&runner, "REAL_RUN").await;
    let reap = Call::new("fn_process_run_reap").text("p_actor", "a");
    for role in ["reader", "observer", "operator", "relay", "archiver"] {
        let client = stage.client(role).await;
        for call in [
            begin("REAL_RUN"),
            run.invocation(),
            run.conclusion("completed"),
            reap.clone(),
        ] {
            let error = ask(&client, &call.sql()).await.unwrap_err();
            assert_eq!(error.code().unwrap().code(), "42501", "{role}");
        }
    }
}

#[apply(on_each_backend)]
async fn used_key_returns_no_token(backend: Backend) {
    let (_stage, runner, _operator, _superuser) = ready(backend).await;
    let keyed = begin("REAL_RUN").text("p_idempotency_key", "key").sql();
    let run = Begun::of(&row(&runner, &keyed).await);
    for _ in 0..2 {
        assert_eq!(
            row(&runner, &keyed).await,
            json!({"process_run_id": run.run, "lease_token": null, "producer_invocation_id": null, "created": false})
        );
        // Again once it is concluded.
        let _ = ask(&runner, &run.conclusion("failed").sql()).await;
    }
    let other = begin("DRY_RUN").text("p_idempotency_key", "key").sql();
    assert_eq!(code(&runner, &other).await, "idempotency_conflict");
}

#[apply(on_each_version)]
async fn verifier_input_is_committed_producer_digest(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let run = begun(&runner, "REAL_RUN").await;
    assert_eq!(
        code(&runner, &run.invocation().sql()).await,
        "invocation_mismatch",
        "nothing to verify yet"
    );
    let stranger = run.invocation().text("p_lease_token", &run.run);
    rows(&runner, &run.producer("REAL_RUN").sql()).await;
    assert_eq!(code(&runner, &stranger.sql()).await, "lease_lost");
    assert_eq!(
        code(
            &runner,
            &run.invocation().text("p_dot_code", PRODUCER).sql()
        )
        .await,
        "id_in_use",
        "a second try is another run"
    );
    let receipt = text(&runner, &run.invocation().sql()).await;
    assert_eq!(code(&runner, &run.invocation().sql()).await, "id_in_use");
    let before = contents(&superuser).await;
    // No verdict but the verifier's, and nothing is completed while a call is open.
    for (call, expected) in [
        (run.conclusion("completed"), "status_invalid"),
        (
            run.conclusion("failed").text("p_verdict", "pass"),
            "verdict_invalid",
        ),
        (run.conclusion("orphan"), "status_invalid"),
        (run.conclusion("verified"), "status_invalid"),
        (
            run.conclusion("failed").text("p_verdict", "fine"),
            "verdict_invalid",
        ),
        (
            run.conclusion("failed").text("p_lease_token", &run.run),
            "lease_lost",
        ),
        (
            run.conclusion("failed").text("p_actor", ""),
            "actor_required",
        ),
        (
            run.conclusion("failed")
                .text("p_process_run_id", &run.token),
            "run_unknown",
        ),
    ] {
        assert_eq!(code(&runner, &call.sql()).await, expected, "{}", call.sql());
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a refused conclusion");
    rows(&runner, &run.verifier("REAL_RUN", &receipt, "fail").sql()).await;
    assert_eq!(
        code(
            &runner,
            &run.conclusion("completed").text("p_verdict", "pass").sql()
        )
        .await,
        "verdict_invalid",
        "the verifier said fail"
    );
    rows(&runner, &run.conclusion("completed").sql()).await;
    assert_eq!(
        outcome(&runner, &run.run).await,
        json!({"status": "completed", "verdict": "fail", "outcome": null, "ended": true})
    );
    assert_eq!(rung(&runner).await, "real_run_observed");
    assert_eq!(
        code(&runner, &run.conclusion("completed").sql()).await,
        "run_concluded"
    );
}

#[apply(on_each_version)]
async fn a_producer_that_failed_is_not_verified(backend: Backend) {
    let (_stage, runner, _operator, _superuser) = ready(backend).await;
    let run = begun(&runner, "REAL_RUN").await;
    let failed = run.producer("REAL_RUN").text("p_status", "failed");
    rows(&runner, &failed.sql()).await;
    assert_eq!(
        code(&runner, &run.invocation().sql()).await,
        "invocation_mismatch"
    );
}

#[apply(on_each_version)]
async fn mock_is_recorded_as_simulated_without_promotion(backend: Backend) {
    let (_stage, runner, _operator, _superuser) = ready(backend).await;
    let run = begun(&runner, "REAL_RUN").await;
    rows(&runner, &run.producer("SIMULATED_DRY_RUN").sql()).await;
    let receipt = text(&runner, &run.invocation().sql()).await;
    rows(
        &runner,
        &run.verifier("SIMULATED_DRY_RUN", &receipt, "pass").sql(),
    )
    .await;
    rows(&runner, &run.conclusion("completed").sql()).await;
    assert_eq!(rung(&runner).await, "simulated_observed");
}

#[apply(on_each_backend)]
async fn taking_expired_lease_reaps_its_run(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let takers = [
        begin("DRY_RUN").sql(),
        Call::pair().sql(),
        Call::acquire(60).sql(),
        Call::new("fn_process_run_reap")
            .text("p_actor", "reaper")
            .sql(),
    ];
    for taker in takers {
        execute(
            &superuser,
            "UPDATE dot.dot_iu_runtime_lease SET released_at = clock_timestamp()",
        )
        .await;
        let run = begun(&runner, "REAL_RUN").await;
        run_out(&superuser).await;
        rows(&runner, &taker).await;
        assert_eq!(
            outcome(&runner, &run.run).await,
            json!({"status": "stuck", "verdict": null, "outcome": "unknown", "ended": true}),
            "{taker}"
        );
        // The zombie wakes up.
        for call in [run.producer("REAL_RUN"), run.conclusion("completed")] {
            assert_eq!(code(&runner, &call.sql()).await, "run_concluded", "{taker}");
        }
    }
}

#[apply(on_each_version)]
async fn run_without_open_receipt_is_reaped_as_stuck_not_unknown(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let run = begun(&runner, "REAL_RUN").await;
    rows(&runner, &run.producer("REAL_RUN").sql()).await;
    run_out(&superuser).await;
    let reap = Call::new("fn_process_run_reap")
        .text("p_actor", "reaper")
        .sql();
    assert_eq!(
        rows(&runner, &reap).await,
        [json!({ "fn_process_run_reap": run.run })]
    );
    assert_eq!(rows(&runner, &reap).await, [] as [Value; 0]);
    assert_eq!(
        outcome(&runner, &run.run).await,
        json!({"status": "stuck", "verdict": null, "outcome": "not_concluded", "ended": true})
    );
}

#[apply(on_each_version)]
async fn expired_token_without_takeover_still_concludes(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    let run = begun(&runner, "REAL_RUN").await;
    run_out(&superuser).await;
    assert_eq!(
        code(&runner, &run.producer("REAL_RUN").sql()).await,
        "lease_lost",
        "a component needs the live lease"
    );
    rows(&runner, &run.conclusion("stuck").sql()).await;
    // A forced release does not, and the next acquirer of the lease concludes the run.
    let run = begun(&runner, "REAL_RUN").await;
    let force = Call::new("fn_dot_lease_force_release")
        .text("p_lease_name", "dot_exec:DOT_BACKUP")
        .text("p_actor", "operator")
        .text("p_reason", "hangs");
    rows(&operator, &force.sql()).await;
    assert_eq!(
        code(&runner, &run.conclusion("completed").sql()).await,
        "lease_lost"
    );
    rows(&runner, &Call::pair().sql()).await;
    assert_eq!(outcome(&runner, &run.run).await["status"], "stuck");
}

#[apply(on_each_backend)]
async fn a_receipt_and_a_closing_gate_do_not_overlap(backend: Backend) {
    let (stage, runner, operator, superuser) = ready(backend).await;
    let mut receiver = stage.client("runner").await;
    let close = Call::gate("process_dot_runtime.real_run_enabled", "false").sql();

    // The close is first, and holds the lock of its commit: the receipt waits, and is refused.
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

    // The receipt is first, and its transaction idles: the close goes through after a second, and the receipt is void.
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

    // The receipt is first, and committed: the close sees it, and what it allowed is recorded.
    let run = begun(&runner, "REAL_RUN").await;
    rows(&operator, &close).await;
    rows(&runner, &run.producer("REAL_RUN").sql()).await;
    assert_eq!(
        code(&runner, &run.invocation().sql()).await,
        "real_run_disabled",
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
    // A run each: only its first conclusion comes after the snapshot.
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
        // Runs out by itself: a lease that was written to would tell an older snapshot already.
        let short = begin("REAL_RUN").with("p_lease_ttl_seconds", "4");
        let run = Begun::of(&row(&runner, &short.sql()).await);
        for (old, unseen) in older
            .iter()
            .zip([run.producer("REAL_RUN"), run.invocation()])
        {
            execute(old, snapshot).await;
            rows(&runner, &unseen.sql()).await;
        }
        execute(&runner, "SELECT pg_sleep(4.1)").await;
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
async fn pass_needs_the_digest_that_the_producer_committed(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    for nothing in ["NULL", "''", "' '"] {
        let run = begun(&runner, "REAL_RUN").await;
        let producer = run.producer("REAL_RUN").with("p_output_digest", nothing);
        rows(&runner, &producer.sql()).await;
        let receipt = text(&runner, &run.invocation().sql()).await;
        let before = contents(&superuser).await;
        let pass = run.verifier("REAL_RUN", &receipt, "pass").sql();
        assert_eq!(code(&runner, &pass).await, "verdict_invalid");
        contents(&superuser)
            .await
            .assert_same(&before, "a pass of nothing");
        let fail = run.verifier("REAL_RUN", &receipt, "fail").sql();
        rows(&runner, &fail).await;
        rows(&runner, &run.conclusion("failed").sql()).await;
    }
    // Nor does a verifier pass anything that says of itself that it failed.
    let run = begun(&runner, "REAL_RUN").await;
    rows(&runner, &run.producer("REAL_RUN").sql()).await;
    let receipt = text(&runner, &run.invocation().sql()).await;
    for status in [
        "failed",
        "cancelled",
        "stuck",
        "orphan",
        "observed",
        "started",
        "step_started",
        "completed",
    ] {
        let pass = run
            .verifier("REAL_RUN", &receipt, "pass")
            .text("p_status", status);
        assert_eq!(code(&runner, &pass.sql()).await, "verdict_invalid");
    }
    assert_eq!(rung(&runner).await, "real_run_observed");
}

#[apply(on_each_version)]
async fn a_run_whose_producer_failed_is_not_completed(backend: Backend) {
    let (_stage, runner, _operator, _superuser) = ready(backend).await;
    for status in ["failed", "cancelled"] {
        let run = begun(&runner, "REAL_RUN").await;
        let producer = run.producer("REAL_RUN").text("p_status", status);
        rows(&runner, &producer.sql()).await;
        let completed = run.conclusion("completed").sql();
        assert_eq!(code(&runner, &completed).await, "status_invalid");
        rows(&runner, &run.conclusion(status).sql()).await;
    }
}

#[apply(on_each_version)]
async fn only_receipt_opener_records_component(backend: Backend) {
    let (stage, runner, _operator, superuser) = ready(backend).await;
    // The observer got hold of the lease's token and of the receipt.
    let observer = stage.client("observer").await;
    let run = begun(&runner, "REAL_RUN").await;
    let before = contents(&superuser).await;
    for claim in ["REAL_RUN", "SIMULATED_DRY_RUN"] {
        let stolen = run.producer(claim).sql();
        assert_eq!(code(&observer, &stolen).await, "invocation_mismatch");
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a stolen receipt");
    rows(&runner, &run.producer("REAL_RUN").sql()).await;
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
        // One that is new enough is as good as any.
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

/// A receipt that a crash may take back would be worth nothing: the tool ran behind it.
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

/// How a transaction would be committed that made this call, in a session that does not wait for the disk. It is rolled
/// back.
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
