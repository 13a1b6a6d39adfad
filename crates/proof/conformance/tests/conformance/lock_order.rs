//! Every function takes its locks in one order: two calls at once may wait for each other, and never in a circle.

use rstest_reuse::apply;
use serde_json::json;
use tokio_postgres::Client;

use crate::common::backend::on_each_version;
use crate::common::fixtures::{CANDIDATE, CORRELATION, GATES, PRODUCER, import, tools};
use crate::common::run_calls::{begin, ready};
use crate::common::{Backend, Call, execute, literal, number};

/// How often each pair of operations is tried.
const ROUNDS: usize = 3;

/// What is called, by its name. A refusal is as good as an answer: only the locks count.
fn operations() -> Vec<(&'static str, String)> {
    let call = |call: Call| format!("{};", call.sql());
    let request = Call::new("fn_dot_run_request")
        .text("p_dot_code", PRODUCER)
        .text("p_process_candidate_code", CANDIDATE)
        .text("p_correlation_id", CORRELATION)
        .text("p_actor", "tester")
        .text("p_mode", "REAL_RUN");
    let claim = Call::new("fn_dot_run_request_claim")
        .text("p_runner", "worker 1")
        .with("p_ttl_seconds", "1");
    let contract =
        json!({"dot_code": PRODUCER, "mode": "REAL_RUN", "endpoint_ref": "command:other"});
    let mut renamed = tools();
    renamed[0]["name"] = json!("another name");
    vec![
        ("pair", call(Call::pair())),
        ("pair under a key", call(Call::pair().with("p_idempotency_key", "'k' || round(random() * 3)"))),
        (
            "run",
            format!(
                "DO $do$ DECLARE r record; BEGIN SELECT * INTO r FROM ({}) b;
                 PERFORM dot.fn_process_run_conclude(r.process_run_id, r.lease_token, 'tester', 'cancelled'); END $do$",
                begin("REAL_RUN").sql()
            ),
        ),
        ("run left open", call(begin("REAL_RUN").with("p_lease_ttl_seconds", "1"))),
        ("reap", "SELECT dot.fn_process_run_reap('tester');".to_owned()),
        ("gate closed", call(Call::gate(GATES[3], "false"))),
        ("gate opened", call(Call::gate(GATES[3], "true"))),
        ("import", call(import(&tools()))),
        ("import of a change", call(import(&renamed))),
        (
            "contract set",
            call(Call::new("fn_dot_contract_set")
                .with("p_contract", format!("{}::jsonb", literal(&contract.to_string())))
                .text("p_actor", "tester")),
        ),
        ("request", call(request)),
        ("claim", call(claim)),
        (
            "requests cancelled",
            "SELECT dot.fn_dot_run_request_cancel(r.request_id, 'tester', 'a test') FROM dot.v_dot_run_request r
             WHERE r.state IN ('waiting', 'claimed');"
                .to_owned(),
        ),
        ("lease acquired", call(Call::acquire(1))),
        (
            "lease taken away",
            format!("SELECT dot.fn_dot_lease_force_release('dot_exec:{PRODUCER}', 'tester', 'a test');"),
        ),
        (
            "backfill",
            call(Call::backfill(&json!([{"dot_code": PRODUCER, "process_candidate_code": CANDIDATE,
                "correlation_id": CORRELATION, "idempotency_key": "old"}]))),
        ),
        ("preflight", "SELECT dot.fn_assert_safe_for_dot_action();".to_owned()),
    ]
}

async fn deadlocks(superuser: &Client) -> i64 {
    execute(
        superuser,
        "SELECT pg_stat_force_next_flush(); SELECT pg_stat_clear_snapshot()",
    )
    .await;
    let query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    number(superuser, query).await
}

/// With a deadlock_timeout of 10 ms a circle is found at once, also where a function turns it into a refusal.
#[apply(on_each_version)]
async fn no_two_operations_deadlock(backend: Backend) {
    let (stage, _runner, _operator, superuser) = ready(backend).await;
    let (one, other) = (stage.superuser().await, stage.superuser().await);
    for client in [&one, &other] {
        execute(client, "SET deadlock_timeout = '10ms'").await;
    }
    let operations = operations();
    for (index, (first, sql)) in operations.iter().enumerate() {
        for (second, other_sql) in &operations[index..] {
            for _ in 0..ROUNDS {
                let _answers = tokio::join!(one.batch_execute(sql), other.batch_execute(other_sql));
            }
            execute(&one, "SELECT pg_stat_force_next_flush()").await;
            execute(&other, "SELECT pg_stat_force_next_flush()").await;
            assert_eq!(deadlocks(&superuser).await, 0, "{first}, and {second}");
        }
    }
}
