//! A repeated key returns the first call's ids and writes no row; with other arguments it is refused.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{
    CANDIDATE, CORRELATION, LONE, OTHER_PRODUCER, PRODUCER, VERIFIER, register_check, set_posture,
};
use crate::common::{
    Backend, Call, Refusal, TestContext, ask, code, contents, execute, lock_waiters, number,
    refused, row, rows, text,
};

fn keyed_pair() -> Call {
    Call::pair().text("p_idempotency_key", "key")
}

fn keyed_run() -> Call {
    Call::run()
        .text("p_idempotency_key", "key")
        .text("p_dot_code", PRODUCER)
}

/// A component of a run that bears this key, as a superuser writes it.
pub(crate) fn component_with_key(run: &str, dot_code: &str, role: &str, key: &str) -> String {
    format!(
        "INSERT INTO dot.process_component_observation (component_run_id, process_run_id, component_role,
          process_candidate_code,
           correlation_id, dot_code, status, source_system, idempotency_key, evidence_ref, actor)
         VALUES (gen_random_uuid(), '{run}', '{role}', '{CANDIDATE}', '{CORRELATION}', '{dot_code}', 'observed', 'old',
           '{key}', '{{}}', 'old')"
    )
}

/// The ids alone, without `created`.
fn ids(row: &Value) -> [&Value; 3] {
    [
        "process_run_id",
        "producer_component_run_id",
        "verifier_component_run_id",
    ]
    .map(|column| &row[column])
}

#[apply(on_each_backend)]
async fn pair_rerun_returns_the_first_ids_and_writes_no_row(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let first = row(
        &observer,
        &keyed_pair()
            .text("p_output_ref", "out")
            .text("p_error_ref", "err")
            .sql(),
    )
    .await;
    let before = contents(&superuser).await;
    // What does not make it another call: who asks, the refs, the status, the ids, the lease's time to live.
    for again in [
        keyed_pair(),
        keyed_pair().text("p_actor", "somebody else"),
        keyed_pair()
            .text("p_output_ref", "another")
            .text("p_wrapper_status", "failed"),
        keyed_pair()
            .with("p_process_run_id", "gen_random_uuid()")
            .with("p_lease_ttl_seconds", "7"),
        keyed_pair()
            .text("p_wrapper_status", "prepared")
            .text("p_evidence_type", "REAL_RUN"),
    ] {
        let rerun = row(&observer, &again.sql()).await;
        assert_eq!(ids(&rerun), ids(&first), "{}", again.sql());
        assert_eq!(
            (&rerun["created"], &rerun["events_emitted"]),
            (&json!(false), &json!(0))
        );
        assert_eq!(
            (
                &rerun["status"],
                &rerun["evidence_type"],
                &rerun["output_ref"],
                &rerun["error_ref"]
            ),
            (
                &first["status"],
                &first["evidence_type"],
                &json!("out"),
                &json!("err")
            )
        );
    }
    contents(&superuser).await.assert_same(&before, "a rerun");
}

#[apply(on_each_backend)]
async fn pair_key_reused_with_other_arguments_is_a_conflict(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    rows(&observer, &keyed_pair().sql()).await;
    let before = contents(&superuser).await;
    for (other, differs) in [
        (
            keyed_pair().text("p_process_candidate_code", "another"),
            "process_candidate_code",
        ),
        (keyed_pair().text("p_dot_code", OTHER_PRODUCER), "dot_code"),
        (
            keyed_pair().text("p_correlation_id", "another"),
            "correlation_id",
        ),
    ] {
        let refusal = refused(&observer, &other.sql()).await;
        assert_eq!(
            (refusal.code.as_str(), refusal.sqlstate.as_str()),
            ("idempotency_conflict", "23505")
        );
        assert_eq!(refusal.detail["differs"], json!([differs]));
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a conflict");
}

#[apply(on_each_backend)]
async fn idempotency_compares_the_effective_evidence_type(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator) = (
        stage.client("observer").await,
        stage.client("operator").await,
    );
    set_posture(&operator, "REAL_RUN").await;
    let simulated = text(&observer, &keyed_run().sql()).await;
    for evidence_type in ["DRY_RUN", "REAL_RUN"] {
        assert_eq!(
            code(
                &observer,
                &keyed_run().text("p_evidence_type", evidence_type).sql()
            )
            .await,
            "idempotency_conflict"
        );
        assert_eq!(
            code(
                &observer,
                &keyed_pair()
                    .text("p_evidence_type", evidence_type)
                    .with("p_dry_run", "false")
                    .sql()
            )
            .await,
            "idempotency_conflict"
        );
        let prepared = keyed_pair()
            .text("p_evidence_type", evidence_type)
            .with("p_dry_run", "false")
            .text("p_wrapper_status", "prepared");
        assert_eq!(
            row(&observer, &prepared.sql()).await["process_run_id"],
            simulated.as_str(),
            "prepared is simulated"
        );
    }
}

#[apply(on_each_backend)]
async fn a_header_is_recorded_once_a_key(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let first = text(&observer, &keyed_run().sql()).await;
    let before = contents(&superuser).await;
    assert_eq!(
        text(
            &observer,
            &keyed_run()
                .text("p_status", "completed")
                .with("p_process_run_id", "gen_random_uuid()")
                .sql()
        )
        .await,
        first
    );
    for other in [
        keyed_run().text("p_process_candidate_code", "another"),
        keyed_run().text("p_correlation_id", "another"),
        keyed_run().text("p_dot_code", LONE),
        keyed_run().with("p_dot_code", "NULL"),
    ] {
        assert_eq!(
            code(&observer, &other.sql()).await,
            "idempotency_conflict",
            "{}",
            other.sql()
        );
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a rerun or conflict");
}

#[apply(on_each_backend)]
async fn a_component_is_recorded_once_a_key(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let run = text(&observer, &Call::run().text("p_dot_code", PRODUCER).sql()).await;
    let other_run = text(&observer, &Call::run().text("p_dot_code", PRODUCER).sql()).await;
    let keyed = Call::component(&run).text("p_idempotency_key", "key");
    let first = text(&observer, &keyed.sql()).await;
    let before = contents(&superuser).await;
    assert_eq!(
        text(
            &observer,
            &keyed
                .clone()
                .text("p_status", "failed")
                .with("p_component_run_id", "gen_random_uuid()")
                .sql()
        )
        .await,
        first
    );
    for other in [
        keyed.clone().text("p_process_run_id", &other_run),
        keyed
            .clone()
            .text("p_dot_code", VERIFIER)
            .text("p_component_role", "verifier"),
    ] {
        assert_eq!(
            code(&observer, &other.sql()).await,
            "idempotency_conflict",
            "{}",
            other.sql()
        );
    }
    let operator = stage.client("operator").await;
    for evidence_type in ["DRY_RUN", "REAL_RUN"] {
        assert_eq!(
            code(
                &observer,
                &keyed.clone().text("p_evidence_type", evidence_type).sql()
            )
            .await,
            "idempotency_conflict"
        );
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a rerun or conflict");
    set_posture(&operator, "NO_EXECUTE").await;
}

#[apply(on_each_backend)]
async fn a_retry_gets_the_first_ids_while_the_lease_is_held_and_the_preflight_blocks(
    backend: Backend,
) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let first = row(&observer, &keyed_pair().sql()).await;
    let header = text(
        &observer,
        &keyed_run().text("p_idempotency_key", "header").sql(),
    )
    .await;
    rows(&observer, &Call::acquire(3600).sql()).await;
    register_check(&superuser, "blocks", "BEGIN RETURN 1; END", "BLOCK", "0").await;
    assert_eq!(
        code(&observer, &Call::pair().sql()).await,
        "preflight_blocked"
    );
    assert_eq!(ids(&row(&observer, &keyed_pair().sql()).await), ids(&first));
    assert_eq!(
        text(
            &observer,
            &keyed_run().text("p_idempotency_key", "header").sql()
        )
        .await,
        header
    );
    execute(
        &superuser,
        "DELETE FROM dot.dot_preflight_check WHERE check_name = 'blocks'",
    )
    .await;
    assert_eq!(code(&observer, &Call::pair().sql()).await, "lease_held");
    assert_eq!(ids(&row(&observer, &keyed_pair().sql()).await), ids(&first));
}

#[apply(on_each_backend)]
async fn a_minted_id_that_exists_is_in_use(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let id = "11111111-1111-4111-8111-111111111111";
    let minted = Call::pair().text("p_process_run_id", id);
    rows(&observer, &minted.sql()).await;
    let component = row(
        &observer,
        "SELECT producer_component_run_id AS id FROM dot.v_process_run",
    )
    .await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let another_run = text(&observer, &Call::run().sql()).await;
    let before = contents(&superuser).await;
    for again in [
        minted.clone(),
        minted.clone().text("p_idempotency_key", "a new key"),
        minted.clone().text("p_dot_code", OTHER_PRODUCER),
        Call::run().text("p_process_run_id", id),
        Call::run()
            .text("p_process_run_id", id)
            .text("p_idempotency_key", "a new key"),
        Call::component(&another_run).text("p_component_run_id", &component),
        Call::component(&another_run)
            .text("p_component_run_id", &component)
            .text("p_idempotency_key", "a new key"),
    ] {
        let refusal = refused(&observer, &again.sql()).await;
        assert_eq!(
            (refusal.code.as_str(), refusal.sqlstate.as_str()),
            ("id_in_use", "23505"),
            "{}",
            again.sql()
        );
    }
    contents(&superuser)
        .await
        .assert_same(&before, "an id in use");
}

#[apply(on_each_backend)]
async fn a_minted_id_is_repeated_with_its_key(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let minted = keyed_pair()
        .text("p_process_run_id", "11111111-1111-4111-8111-111111111111")
        .sql();
    let first = row(&observer, &minted).await;
    let again = row(&observer, &minted).await;
    assert_eq!(
        (ids(&again), &again["created"]),
        (ids(&first), &json!(false))
    );
}

#[apply(on_each_backend)]
async fn sixteen_connections_with_one_key_create_one_pair(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let clients = stage.clients("observer", 16).await;
    let call = keyed_pair().sql();
    let returned: Vec<Value> = join_all(clients.iter().map(|client| row(client, &call))).await;
    assert_eq!(
        returned.iter().filter(|row| row["created"] == true).count(),
        1,
        "{returned:?}"
    );
    let distinct: BTreeSet<String> = returned
        .iter()
        .map(|row| format!("{:?}", ids(row)))
        .collect();
    assert_eq!(distinct.len(), 1, "{distinct:?}");
    assert_eq!(
        number(&clients[0], "SELECT count(*) FROM dot.v_process_component").await,
        2
    );
}

/// The outcomes of sixteen calls at once, of which the key of all is the same and the rest is not.
async fn race(clients: &[Client], call: impl Fn(usize) -> String) -> (Vec<Value>, Vec<String>) {
    let outcomes = join_all(clients.iter().enumerate().map(|(number, client)| {
        let call = call(number);
        async move { ask(client, &call).await }
    }))
    .await;
    let (mut returned, mut refusals) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(mut rows) => returned.push(rows.remove(0)),
            Err(error) => refusals.push(Refusal::of(&error).code),
        }
    }
    (returned, refusals)
}

#[apply(on_each_backend)]
async fn sixteen_connections_with_one_key_for_four_things_create_one_and_refuse_the_others(
    backend: Backend,
) {
    let stage = TestContext::new(backend).await;
    let clients = stage.clients("observer", 16).await;
    for (round, dot_codes) in [[PRODUCER, PRODUCER], [PRODUCER, OTHER_PRODUCER]]
        .into_iter()
        .enumerate()
    {
        let (returned, refusals) = race(&clients, |number| {
            keyed_pair()
                .text("p_idempotency_key", &format!("key {round}"))
                .text("p_dot_code", dot_codes[number % 2])
                .text("p_correlation_id", &format!("correlation {}", number % 4))
                .sql()
        })
        .await;
        assert_eq!(
            returned.iter().filter(|row| row["created"] == true).count(),
            1,
            "{returned:?}"
        );
        let distinct: BTreeSet<String> = returned
            .iter()
            .map(|row| format!("{:?}", ids(row)))
            .collect();
        assert_eq!(
            (returned.len(), distinct.len()),
            (4, 1),
            "only the callers of the first thing get its ids: {returned:?}"
        );
        assert_eq!(refusals, vec!["idempotency_conflict"; 12]);
    }
    assert_eq!(
        number(&clients[0], "SELECT count(*) FROM dot.v_process_run").await,
        2
    );
}

#[apply(on_each_backend)]
async fn sixteen_connections_with_one_key_create_one_header(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let clients = stage.clients("observer", 16).await;
    let (returned, refusals) = race(&clients, |number| {
        keyed_run()
            .text(
                "p_correlation_id",
                if number % 2 == 0 {
                    CORRELATION
                } else {
                    "another"
                },
            )
            .sql()
    })
    .await;
    let distinct: BTreeSet<String> = returned.iter().map(Value::to_string).collect();
    assert_eq!((returned.len(), distinct.len()), (8, 1), "{returned:?}");
    assert_eq!(refusals, vec!["idempotency_conflict"; 8]);
    assert_eq!(
        number(&clients[0], "SELECT count(*) FROM dot.v_process_run").await,
        1
    );
}

#[apply(on_each_backend)]
async fn sixteen_connections_with_one_key_create_one_component(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let clients = stage.clients("observer", 16).await;
    let mut runs = Vec::new();
    for _ in 0..2 {
        runs.push(text(&clients[0], &Call::run().text("p_dot_code", PRODUCER).sql()).await);
    }
    let (returned, refusals) = race(&clients, |number| {
        Call::component(&runs[number % 2])
            .text("p_idempotency_key", "key")
            .sql()
    })
    .await;
    let distinct: BTreeSet<String> = returned.iter().map(Value::to_string).collect();
    assert_eq!((returned.len(), distinct.len()), (8, 1), "{returned:?}");
    assert_eq!(refusals, vec!["idempotency_conflict"; 8]);
    assert_eq!(
        number(&clients[0], "SELECT count(*) FROM dot.v_process_component").await,
        1
    );
}

#[apply(on_each_backend)]
async fn sixteen_connections_with_one_minted_id_and_no_key_create_one_run(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let clients = stage.clients("observer", 16).await;
    let id = "11111111-1111-4111-8111-111111111111";
    let (returned, refusals) = race(&clients, |number| {
        let call = if number % 2 == 0 {
            Call::pair()
        } else {
            Call::pair().text("p_dot_code", OTHER_PRODUCER)
        };
        call.text("p_process_run_id", id).sql()
    })
    .await;
    assert_eq!(returned.len(), 1, "{returned:?}");
    assert_eq!(refusals, vec!["id_in_use"; 15]);
}

#[apply(on_each_backend)]
async fn concurrent_same_key_waits(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let (mut first, second) = (
        stage.client("observer").await,
        stage.client("observer").await,
    );
    let run = text(&second, &Call::run().text("p_dot_code", PRODUCER).sql()).await;
    for (call, column) in [
        (
            keyed_pair().text("p_idempotency_key", "pair").sql(),
            "process_run_id",
        ),
        (
            keyed_run().text("p_idempotency_key", "run").sql(),
            "fn_process_run_observe",
        ),
        (
            Call::component(&run)
                .text("p_idempotency_key", "component")
                .sql(),
            "fn_process_component_observe",
        ),
    ] {
        let in_flight = first.transaction().await.unwrap();
        let mine = row(&in_flight, &call).await;
        let (twin, ()) = tokio::join!(row(&second, &call), async {
            lock_waiters(&superuser, 1).await;
            in_flight.commit().await.unwrap();
        });
        assert_eq!(twin[column], mine[column], "{call}");
    }
}

#[apply(on_each_backend)]
async fn pair_waiting_for_its_header_returns_it_and_adds_no_count(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let (mut first, second) = (
        stage.client("observer").await,
        stage.client("observer").await,
    );
    rows(&second, &Call::pair().sql()).await;
    // A header takes no lease, so that only its key keeps the two apart, when both are about to write.
    let in_flight = first.transaction().await.unwrap();
    let header = Call::run()
        .text("p_dot_code", PRODUCER)
        .text("p_idempotency_key", "one key")
        .sql();
    let mine = row(&in_flight, &header).await;
    let pair = Call::pair().text("p_idempotency_key", "one key").sql();
    let (twin, ()) = tokio::join!(row(&second, &pair), async {
        lock_waiters(&superuser, 1).await;
        in_flight.commit().await.unwrap();
    });
    assert_eq!(twin["process_run_id"], mine["fn_process_run_observe"]);
    assert_eq!(twin["created"], false);
    let counts = row(&second, "SELECT run_count, simulated_count, component_count FROM dot.v_process_discovery_runtime_observed").await;
    assert_eq!(
        counts,
        json!({"run_count": 2, "simulated_count": 1, "component_count": 2})
    );
}

#[apply(on_each_backend)]
async fn rolled_back_call_frees_key(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let (mut first, second) = (
        stage.client("observer").await,
        stage.client("observer").await,
    );
    for call in [
        keyed_pair().text("p_idempotency_key", "pair").sql(),
        keyed_run().text("p_idempotency_key", "run").sql(),
    ] {
        let in_flight = first.transaction().await.unwrap();
        let mine = row(&in_flight, &call).await;
        let (twin, ()) = tokio::join!(row(&second, &call), async {
            lock_waiters(&superuser, 1).await;
            in_flight.rollback().await.unwrap();
        });
        assert_ne!(twin, mine, "{call}");
    }
    assert_eq!(
        number(&superuser, "SELECT count(*) FROM dot.v_process_run").await,
        2
    );
}

#[apply(on_each_backend)]
async fn conflict_with_a_call_in_flight_is_reported_after_its_commit(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let (mut first, second) = (
        stage.client("observer").await,
        stage.client("observer").await,
    );
    // Another DOT, so that no lease keeps the two apart.
    let in_flight = first.transaction().await.unwrap();
    rows(&in_flight, &keyed_pair().sql()).await;
    let other = keyed_pair().text("p_dot_code", OTHER_PRODUCER).sql();
    let (outcome, ()) = tokio::join!(ask(&second, &other), async {
        lock_waiters(&superuser, 1).await;
        in_flight.commit().await.unwrap();
    });
    assert_eq!(
        Refusal::of(&outcome.unwrap_err()).code,
        "idempotency_conflict"
    );
}

#[apply(on_each_version)]
async fn a_derived_key_that_is_taken_by_a_component_in_flight_is_a_conflict(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    // No function writes such a key now; an older release did.
    let (mut first, second) = (stage.superuser().await, stage.client("observer").await);
    for dot_code in [PRODUCER, VERIFIER] {
        let run = text(&second, &Call::run().text("p_dot_code", PRODUCER).sql()).await;
        let role = if dot_code == PRODUCER {
            "producer"
        } else {
            "verifier"
        };
        let in_flight = first.transaction().await.unwrap();
        execute(
            &in_flight,
            &component_with_key(&run, dot_code, role, &format!("{dot_code}:{dot_code}")),
        )
        .await;
        let pair = keyed_pair().text("p_idempotency_key", dot_code).sql();
        let (outcome, ()) = tokio::join!(ask(&second, &pair), async {
            lock_waiters(&superuser, 1).await;
            in_flight.commit().await.unwrap();
        });
        assert_eq!(
            Refusal::of(&outcome.unwrap_err()).code,
            "idempotency_conflict"
        );
    }
    assert_eq!(
        number(
            &superuser,
            "SELECT count(*) FROM dot.v_process_run WHERE idempotency_key IS NOT NULL"
        )
        .await,
        0,
        "a part of the pair stayed"
    );
}

#[apply(on_each_backend)]
async fn without_a_key_each_call_is_a_run_of_its_own(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    for blank in ["NULL", "''", "' '", "U&'\\00a0'"] {
        for _ in 0..2 {
            assert_eq!(
                row(
                    &observer,
                    &Call::pair().with("p_idempotency_key", blank).sql()
                )
                .await["created"],
                true,
                "{blank}"
            );
        }
    }
    assert_eq!(
        number(
            &observer,
            "SELECT count(*) FROM dot.v_process_run WHERE idempotency_key IS NULL"
        )
        .await,
        8
    );
}

/// Keys of the forms that the contract derives, whether or not there is a request or a backfill that they are of.
const RESERVED: [&str; 4] = [
    "request:",
    "request:00000000-0000-7000-8000-000000000000",
    "backfill:",
    "backfill:of anything",
];

#[apply(on_each_backend)]
async fn recording_functions_refuse_keys_of_reserved_forms(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let run = text(&observer, &Call::run().text("p_dot_code", PRODUCER).sql()).await;
    let before = contents(&superuser).await;
    for key in RESERVED {
        let row = json!([{"dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "correlation_id": "c", "idempotency_key": key}]);
        for call in [
            Call::pair().text("p_idempotency_key", key),
            Call::pair()
                .text("p_idempotency_key", key)
                .text("p_wrapper_status", "failed"),
            Call::run().text("p_idempotency_key", key),
            Call::component(&run).text("p_idempotency_key", key),
            Call::component(&run).text("p_idempotency_key", &format!("{key}:{PRODUCER}")),
            Call::backfill(&row),
        ] {
            assert_eq!(
                code(&observer, &call.sql()).await,
                "key_reserved",
                "{}",
                call.sql()
            );
        }
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a reserved key");
    for key in ["request", "requests:1", "Request:1", "my request:1"] {
        rows(&observer, &Call::run().text("p_idempotency_key", key).sql()).await;
    }
}

#[apply(on_each_backend)]
async fn component_observe_refuses_a_derived_key_of_another_header(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let keyed = text(&observer, &keyed_run().sql()).await;
    let unkeyed = text(&observer, &Call::run().text("p_dot_code", PRODUCER).sql()).await;
    let before = contents(&superuser).await;
    for (run, key) in [
        (&unkeyed, format!("tomorrow:{PRODUCER}")),
        (&unkeyed, format!("key:{PRODUCER}")),
        (&unkeyed, format!(":{OTHER_PRODUCER}")),
        (&unkeyed, format!("a:b:{VERIFIER}")),
        (&keyed, format!("tomorrow:{PRODUCER}")),
        (&keyed, format!("key:{VERIFIER}")),
    ] {
        let call = Call::component(run).text("p_idempotency_key", &key).sql();
        assert_eq!(code(&observer, &call).await, "key_reserved", "{call}");
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a derived key of another header");
    for (run, key) in [
        (&keyed, format!("key:{PRODUCER}")),
        (&unkeyed, "cron:2026-01-01".to_owned()),
    ] {
        let call = Call::component(run).text("p_idempotency_key", &key).sql();
        let first = text(&observer, &call).await;
        assert_eq!(text(&observer, &call).await, first);
    }
}

#[apply(on_each_backend)]
async fn a_key_that_another_login_used_is_a_conflict_that_names_it(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, runner, superuser) = (
        stage.client("observer").await,
        stage.client("runner").await,
        stage.superuser().await,
    );
    let run = text(&observer, &Call::run().text("p_dot_code", PRODUCER).sql()).await;
    let calls = [
        keyed_pair(),
        Call::run().text("p_idempotency_key", "of a header"),
        Call::component(&run).text("p_idempotency_key", "of a component"),
        Call::backfill(
            &json!([{"dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "correlation_id": "c", "idempotency_key": "of a row"}]),
        ),
    ];
    for call in &calls {
        rows(&observer, &call.sql()).await;
    }
    let before = contents(&superuser).await;
    for call in &calls {
        let refusal = refused(&runner, &call.sql()).await;
        assert_eq!(refusal.code, "idempotency_conflict", "{}", call.sql());
        assert_eq!(refusal.detail["differs"], json!(["recorded_by"]));
        assert_eq!(refusal.detail["recorded_by"], "dot_observer");
        assert!(refusal.message.contains("dot_observer"), "{refusal:?}");
    }
    let refusal = refused(
        &runner,
        &keyed_pair().text("p_correlation_id", "another").sql(),
    )
    .await;
    assert_eq!(
        refusal.detail["differs"],
        json!(["correlation_id", "recorded_by"])
    );
    contents(&superuser)
        .await
        .assert_same(&before, "another login's key");
}
