//! Every wait of the contract's functions is bounded and ends in a refusal that names its cause.

use rstest_reuse::apply;
use serde_json::{Value, json};

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{CANDIDATE, CORRELATION, PRODUCER, import, tools};
use crate::common::run_calls::ready;
use crate::common::{
    Backend, Call, TestContext, ask, code, execute, literal, lock_waiters, number, row, rows, text,
    value,
};

/// The functions that work with their owner's rights and write or lock, by themselves or by what they call, and have no
/// `lock_timeout` in their configuration.
const UNBOUNDED: &str = r"
    WITH RECURSIVE code AS (
      SELECT p.oid, p.proname, p.prosecdef, p.proconfig, regexp_replace(p.prosrc, '--[^\n]*', '', 'g') AS source
      FROM pg_proc p WHERE p.pronamespace = 'dot'::regnamespace
    ), writing AS (
      SELECT c.oid, c.proname FROM code c
      WHERE c.source ~ '\m(INSERT INTO|UPDATE [a-z_]+|DELETE FROM|LOCK TABLE|FOR (NO KEY )?UPDATE|FOR (KEY )?SHARE)\M'
      UNION
      SELECT c.oid, c.proname FROM writing w JOIN code c ON c.source ~ ('\m' || w.proname || '\M') AND c.oid <> w.oid
    )
    SELECT c.proname, EXISTS (SELECT FROM unnest(c.proconfig) s WHERE s ~ '^lock_timeout=[1-9]') AS is_bounded
    FROM code c WHERE c.prosecdef AND c.oid IN (SELECT w.oid FROM writing w) ORDER BY c.proname";

#[apply(on_each_version)]
async fn each_function_that_writes_with_its_owners_rights_has_a_lock_timeout(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let functions = rows(&stage.superuser().await, UNBOUNDED).await;
    assert!(functions.len() > 25, "{functions:?}");
    let unbounded: Vec<&Value> = functions
        .iter()
        .filter(|function| function["is_bounded"] == false)
        .map(|function| &function["proname"])
        .collect();
    assert!(unbounded.is_empty(), "without a limit: {unbounded:?}");
}

/// A request for a real run of the pair.
fn requesting() -> Call {
    Call::new("fn_dot_run_request")
        .text("p_dot_code", PRODUCER)
        .text("p_process_candidate_code", CANDIDATE)
        .text("p_correlation_id", CORRELATION)
        .text("p_actor", "asker")
        .text("p_mode", "REAL_RUN")
}

/// A claim of one request for a minute.
fn claiming() -> Call {
    Call::new("fn_dot_run_request_claim")
        .text("p_runner", "worker 1")
        .with("p_ttl_seconds", "60")
}

fn asserted(more: &[(&str, &str)]) -> Call {
    let mut entry = json!({"dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "correlation_id": CORRELATION});
    for (name, text) in more {
        entry[*name] = json!(text);
    }
    Call::backfill(&json!([entry]))
}

#[apply(on_each_backend)]
async fn backfill_behind_an_open_transaction_is_refused_as_busy(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let mut idler = stage.client("observer").await;
    let observer = stage.client("observer").await;
    let run = "00000000-0000-7000-8000-0000000000aa";
    for (first, second) in [
        (
            Call::run().text("p_idempotency_key", "tomorrow"),
            asserted(&[("idempotency_key", "tomorrow")]),
        ),
        (
            Call::run().text("p_process_run_id", run),
            asserted(&[("process_run_id", run)]),
        ),
        (asserted(&[]), asserted(&[])),
    ] {
        let idle = idler.transaction().await.unwrap();
        rows(&idle, &first.sql()).await;
        assert_eq!(code(&observer, &second.sql()).await, "busy");
        idle.rollback().await.unwrap();
        rows(&observer, &second.sql()).await;
    }
}

#[apply(on_each_backend)]
async fn request_under_a_key_in_flight_is_refused_as_busy(backend: Backend) {
    let (stage, runner, _operator, _superuser) = ready(backend).await;
    let request = requesting().text("p_idempotency_key", "key").sql();
    let mut idler = stage.client("runner").await;
    let idle = idler.transaction().await.unwrap();
    rows(&idle, &request).await;
    assert_eq!(code(&runner, &request).await, "busy");
    idle.rollback().await.unwrap();
    rows(&runner, &request).await;
}

/// The hundred leases that are no pair's are counted one transaction after the other.
#[apply(on_each_backend)]
async fn leases_of_one_login_are_counted_across_its_transactions(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let mut first = stage.client("observer").await;
    let second = stage.client("observer").await;
    let acquire = |from: i32, to: i32| {
        format!(
            "SELECT count(dot.fn_dot_iu_runtime_lease_acquire('other:' || n, 'holder', 60)) FROM generate_series({from}, {to}) n"
        )
    };
    let open = first.transaction().await.unwrap();
    assert_eq!(number(&open, &acquire(1, 60)).await, 60);
    assert_eq!(number(&second, &acquire(61, 61)).await, 0);
    open.commit().await.unwrap();
    assert_eq!(code(&second, &acquire(62, 102)).await, "lease_limit");
    assert_eq!(number(&second, &acquire(62, 101)).await, 40);
}

/// A component's key that an open transaction took before the DOT was registered which it names.
#[apply(on_each_backend)]
async fn pair_behind_a_component_key_in_flight_is_refused_as_busy(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let mut idler = stage.client("observer").await;
    let (observer, operator) = (
        stage.client("observer").await,
        stage.client("operator").await,
    );
    let run = text(&observer, &Call::run().sql()).await;
    let component = Call::component(&run).text("p_idempotency_key", "victim:DOT_NEW");
    let idle = idler.transaction().await.unwrap();
    rows(&idle, &component.sql()).await;
    let mut tools = tools();
    let member = |code: &str, tier: &str, pair: &str, role: &str| json!({"dot_code": code, "name": code, "tier": tier, "paired_dot": pair, "pair_role": role});
    let all = tools.as_array_mut().unwrap();
    all.push(member("DOT_NEW", "B", "DOT_NEW_VERIFY", "producer"));
    all.push(member("DOT_NEW_VERIFY", "A", "DOT_NEW", "verifier"));
    rows(&operator, &import(&tools).sql()).await;
    let pair = Call::pair()
        .text("p_dot_code", "DOT_NEW")
        .text("p_idempotency_key", "victim")
        .sql();
    assert_eq!(code(&observer, &pair).await, "busy");
    idle.rollback().await.unwrap();
    rows(&observer, &pair).await;
}

/// A begin that waits for its request in a circle of locks.
#[apply(on_each_version)]
async fn begin_in_a_deadlock_over_its_request_is_refused_as_busy(backend: Backend) {
    let (stage, runner, operator, _superuser) = ready(backend).await;
    let request = requesting();
    rows(&operator, &request.sql()).await;
    let claim = claiming();
    let claimed = row(&runner, &claim.sql()).await;
    let field = |name: &str| claimed[name].as_str().unwrap().to_owned();
    let renew = Call::new("fn_dot_run_request_renew")
        .text("p_request_id", &field("request_id"))
        .text("p_claim_token", &field("claim_token"))
        .with("p_ttl_seconds", "60");
    let begin =
        crate::common::run_calls::begin("REAL_RUN").text("p_idempotency_key", &field("run_key"));
    let (mut one, mut other) = (stage.client("runner").await, stage.client("runner").await);
    let superuser = stage.superuser().await;
    let holds_lease = other.transaction().await.unwrap();
    rows(&holds_lease, &Call::pair().sql()).await;
    let holds_request = one.transaction().await.unwrap();
    rows(&holds_request, &renew.sql()).await;
    let pair = Call::pair().sql();
    let (waiting, refused) = tokio::join!(ask(&holds_request, &pair), async {
        lock_waiters(&superuser, 1).await;
        // The session that completes the cycle detects it: the first one ran its check after one second of waiting
        // (deadlock_timeout).
        tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
        code(&holds_lease, &begin.sql()).await
    });
    // One of the two is refused in any case, and neither by a bare state.
    assert_eq!(refused, "busy");
    drop(waiting);
}

/// Requests whose claims ran out, while the pair is busy: a claim that gives nothing keeps none of them locked.
#[apply(on_each_version)]
async fn empty_claim_holds_no_lock_on_expired_requests(backend: Backend) {
    let (stage, runner, operator, superuser) = ready(backend).await;
    let request = requesting();
    let request_id = text(&operator, &request.sql()).await;
    let claim = claiming();
    rows(&runner, &claim.sql()).await;
    execute(
        &superuser,
        "UPDATE dot.dot_run_request SET claimed_until = clock_timestamp() - interval '1 ms'",
    )
    .await;
    crate::common::run_calls::begun(&runner, "REAL_RUN").await;
    let mut idler = stage.client("runner").await;
    let idle = idler.transaction().await.unwrap();
    assert!(rows(&idle, &claim.sql()).await.is_empty());
    let cancel = Call::new("fn_dot_run_request_cancel")
        .text("p_request_id", &request_id)
        .text("p_actor", "asker")
        .text("p_reason", "not needed");
    assert_eq!(value(&operator, &cancel.sql()).await, true);
    idle.rollback().await.unwrap();
}

/// Begins nothing under another login's claim: that worker would wait for a run that it may not end.
#[apply(on_each_version)]
async fn only_the_login_that_claimed_begins_the_requests_run(backend: Backend) {
    let (stage, runner, operator, superuser) = ready(backend).await;
    let name = format!("{}_other_login", stage.database().name());
    let create = format!("CREATE ROLE \"{name}\" LOGIN IN ROLE dot_runner");
    crate::common::execute(&superuser, &create).await;
    let other = stage.database().client_as(&name).await;
    let request = requesting();
    rows(&operator, &request.sql()).await;
    let claim = claiming();
    let claimed = row(&runner, &claim.sql()).await;
    let begin = crate::common::run_calls::begin("REAL_RUN")
        .with(
            "p_idempotency_key",
            literal(claimed["run_key"].as_str().unwrap()),
        )
        .sql();
    assert_eq!(code(&other, &begin).await, "login_mismatch");
    assert_eq!(row(&runner, &begin).await["created"], true);
    drop(other);
    crate::common::execute(&superuser, &format!("DROP ROLE \"{name}\"")).await;
}

/// An operator's switch of an event type goes on past a transaction that writes events and stays open.
#[apply(on_each_backend)]
async fn switching_an_event_type_does_not_depend_on_an_idle_transaction(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    let mut idler = stage.client("observer").await;
    let observer = stage.client("observer").await;
    let switch = |active: bool| {
        Call::new("fn_event_type_set_active")
            .text("p_event_type", "process.run.completed")
            .with("p_active", active.to_string())
            .text("p_actor", "operator")
            .text("p_reason", "a test")
            .sql()
    };
    rows(&operator, &switch(true)).await;
    let idle = idler.transaction().await.unwrap();
    assert_eq!(row(&idle, &Call::pair().sql()).await["events_emitted"], 1);
    assert_eq!(value(&operator, &switch(false)).await, true);
    // Later writers write no event; the one in flight is older than the switch.
    let other = Call::pair().text("p_dot_code", crate::common::fixtures::OTHER_PRODUCER);
    assert_eq!(row(&observer, &other.sql()).await["events_emitted"], 0);
    idle.commit().await.unwrap();
    let seen = "SELECT string_agg(saw_every_event::text, ' ' ORDER BY changed_at) FROM dot.event_type_history";
    assert_eq!(text(&superuser, seen).await, "true false");
    let late = "SELECT count(*) FROM dot.event_outbox o JOIN dot.event_type_history h ON NOT h.active AND o.occurred_at >= h.changed_at";
    assert_eq!(number(&superuser, late).await, 0);
    assert_eq!(
        number(&superuser, "SELECT count(*) FROM dot.event_outbox").await,
        1
    );
}

/// Between its update and its commit a switch that gave up waiting is waited for, and one that was rolled back is not.
#[apply(on_each_version)]
async fn event_waits_for_a_switch_that_is_not_committed(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (mut operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    let mut idler = stage.client("observer").await;
    let observer = stage.client("observer").await;
    let switch = |active: bool| {
        format!(
            "SELECT dot.fn_event_type_set_active('process.run.completed', {active}, 'operator', 'a test')"
        )
    };
    rows(&operator, &switch(true)).await;
    let idle = idler.transaction().await.unwrap();
    rows(&idle, &Call::pair().sql()).await;
    let other = Call::pair()
        .text("p_dot_code", crate::common::fixtures::OTHER_PRODUCER)
        .sql();
    for commit in [false, true] {
        let switching = operator.transaction().await.unwrap();
        assert_eq!(value(&switching, &switch(false)).await, true);
        let (recorded, ()) = tokio::join!(row(&observer, &other), async {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            if commit {
                switching.commit().await.unwrap();
            } else {
                switching.rollback().await.unwrap();
            }
        });
        assert_eq!(recorded["events_emitted"], i32::from(!commit));
    }
    // The xmax of a switch that was rolled back blocks no session.
    idle.rollback().await.unwrap();
    let late = "SELECT count(*) FROM dot.event_outbox o JOIN dot.event_type_history h ON NOT h.active AND o.occurred_at >= h.changed_at";
    assert_eq!(number(&superuser, late).await, 0);
}
