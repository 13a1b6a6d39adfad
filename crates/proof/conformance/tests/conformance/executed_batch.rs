//! Batch functions of executed runs: calls of the common case write the same rows as the single functions, and all
//! other calls are skipped without a trace.

use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{OTHER_PRODUCER, OTHER_VERIFIER, VERIFIER, set_posture};
use crate::common::run_calls::{Begun, begin, ready, run_out};
use crate::common::{Backend, Call, code, contents, execute, literal, row, rows, text};
use crate::executed_combined_calls::{
    CombinedCall, activate_events, run_with_producer, stored_rows, wrong_record_producer_calls,
    wrong_record_verifier_calls,
};

const MODE: &str = "REAL_RUN";
const ID: &str = "gen_random_uuid()";
const NONE: [Value; 0] = [];

/// A beginning with everything that the wrapper says.
fn full_begin() -> Call {
    begin(MODE)
        .with("p_process_run_id", ID)
        .with("p_evidence_ref", r#"'{"a": 1, "no_execute": true}'"#)
        .text("p_input_ref", "file:///in")
        .with("p_lease_ttl_seconds", "60")
}

fn of_other_pair(call: Call) -> Call {
    call.text("p_dot_code", OTHER_PRODUCER)
}

async fn begun_together(runner: &Client, calls: &[&Call]) -> Vec<Value> {
    rows(
        runner,
        &Call::together("fn_process_run_begin_batch", calls).sql(),
    )
    .await
}

async fn handed_over_together(runner: &Client, calls: &[&Call]) -> Vec<Value> {
    let call = Call::together("fn_process_run_record_producer_batch", calls);
    rows(runner, &call.sql()).await
}

async fn finished_together(runner: &Client, calls: &[&Call]) -> Vec<Value> {
    let call = Call::together("fn_process_run_record_verifier_and_conclude_batch", calls);
    rows(runner, &call.sql()).await
}

/// One run from its beginning to its end by the single functions: its lease was taken then, and counts runs of this
/// kind.
async fn by_single_functions(runner: &Client) {
    let run = Begun::of(&row(runner, &full_begin().sql()).await);
    let over = CombinedCall::record_producer(&run).first("p_evidence_ref", "'{}'");
    let receipt = text(runner, &over.combined.sql()).await;
    let finish = finish_of(&run, &receipt);
    rows(runner, &finish.sql()).await;
}

fn hand_over_of(run: &Begun) -> Call {
    CombinedCall::record_producer(run)
        .combined
        .with("p_evidence_ref", "'{}'")
}

fn finish_of(run: &Begun, receipt: &str) -> Call {
    CombinedCall::record_verifier(run, receipt)
        .combined
        .with("p_evidence_ref", "'{}'")
        .with("p_run_evidence_ref", "'{}'")
}

/// The same by the functions that take several.
async fn by_functions_of_several(runner: &Client) {
    let begun = begun_together(runner, &[&full_begin()]).await;
    let run = Begun::of(begun.first().expect("nothing is in the way"));
    let over = handed_over_together(runner, &[&hand_over_of(&run)]).await;
    let receipt = over[0]["verifier_invocation_id"].as_str().unwrap();
    let finished = finished_together(runner, &[&finish_of(&run, receipt)]).await;
    assert_eq!(
        finished,
        [json!({"call_number": 1, "process_run_id": run.run})]
    );
}

/// The second pair, bound as the first one is, with its lease taken once.
async fn second_pair(runner: &Client, operator: &Client) {
    for dot_code in [OTHER_PRODUCER, OTHER_VERIFIER] {
        let contract = json!({"dot_code": dot_code, "mode": MODE, "endpoint_ref": format!("command:{dot_code}")});
        let call = Call::new("fn_dot_contract_set")
            .with(
                "p_contract",
                format!("{}::jsonb", literal(&contract.to_string())),
            )
            .text("p_actor", "operator");
        rows(operator, &call.sql()).await;
    }
    let run = Begun::of(&row(runner, &of_other_pair(full_begin()).sql()).await);
    let conclude = run.conclusion("cancelled");
    rows(runner, &conclude.sql()).await;
}

#[apply(on_each_backend)]
async fn batch_writes_the_same_rows_as_single_calls(backend: Backend) {
    let mut found = Vec::new();
    for is_together in [false, true] {
        let (_stage, runner, operator, superuser) = ready(backend).await;
        activate_events(&operator, &superuser).await;
        by_single_functions(&runner).await;
        if is_together {
            by_functions_of_several(&runner).await;
        } else {
            by_single_functions(&runner).await;
        }
        let headers = "SELECT dot_code, process_candidate_code, correlation_id, status, evidence_type, source_system, lease_name, input_ref, evidence_ref,
            actor, recorded_by, started_at = created_at AS at_once FROM dot.process_run_observation";
        let headers = json!(rows(&superuser, headers).await);
        let out_of_order = "SELECT count(*)::text FROM dot.process_run_conclusion c
            JOIN dot.process_component_observation p ON p.process_run_id = c.process_run_id
            JOIN dot.dot_invocation i ON i.process_run_id = c.process_run_id
            WHERE p.created_at > c.concluded_at OR i.begun_at > c.concluded_at
              OR (p.component_role = 'producer' AND i.component_role = 'verifier' AND i.begun_at < p.created_at)";
        assert_eq!(text(&superuser, out_of_order).await, "0");
        assert_eq!(headers[0], headers[1], "the two runs are told alike");
        found.push((headers, stored_rows(&superuser).await));
    }
    let together = found.pop().unwrap();
    assert_eq!(found.pop().unwrap(), together);
}

#[apply(on_each_version)]
async fn batch_skips_invalid_calls(backend: Backend) {
    let (_stage, runner, operator, _superuser) = ready(backend).await;
    by_single_functions(&runner).await;
    second_pair(&runner, &operator).await;
    let unknown = full_begin().text("p_dot_code", "DOT_NO");
    let other = of_other_pair(full_begin());
    let begun = begun_together(&runner, &[&unknown, &full_begin(), &other]).await;
    let mut places: Vec<_> = begun.iter().map(|row| &row["call_number"]).collect();
    places.sort_by_key(|place| place.as_i64());
    assert_eq!(places, [2, 3]);

    let of_call = |number: i64| {
        let row = begun.iter().find(|row| row["call_number"] == number);
        Begun::of(row.unwrap())
    };
    let (run, other) = (of_call(2), of_call(3));
    let other_over =
        of_other_pair(hand_over_of(&other)).text("p_verifier_dot_code", OTHER_VERIFIER);
    let over = handed_over_together(&runner, &[&hand_over_of(&run), &other_over]).await;
    assert_eq!(over.len(), 2);
    // The second pair's lease never counted a whole run: its first one goes by itself, and turns the lease.
    let receipt = |number: i64| {
        let row = over.iter().find(|row| row["call_number"] == number);
        row.unwrap()["verifier_invocation_id"].as_str().unwrap()
    };
    let other_finish = finish_of(&other, receipt(2))
        .text("p_run_dot_code", OTHER_PRODUCER)
        .text("p_dot_code", OTHER_VERIFIER);
    let finished = finished_together(&runner, &[&other_finish, &finish_of(&run, receipt(1))]).await;
    assert_eq!(
        finished,
        [json!({"call_number": 2, "process_run_id": run.run})]
    );
    rows(&runner, &other_finish.sql()).await;

    let other = begun_together(&runner, &[&of_other_pair(full_begin())]).await;
    let other = Begun::of(&other[0]);
    let other_over =
        of_other_pair(hand_over_of(&other)).text("p_verifier_dot_code", OTHER_VERIFIER);
    let over = handed_over_together(&runner, &[&other_over]).await;
    let other_finish = finish_of(&other, over[0]["verifier_invocation_id"].as_str().unwrap())
        .text("p_run_dot_code", OTHER_PRODUCER)
        .text("p_dot_code", OTHER_VERIFIER);
    assert_eq!(finished_together(&runner, &[&other_finish]).await.len(), 1);
    assert_eq!(begun_together(&runner, &[]).await, NONE);
}

#[apply(on_each_version)]
async fn batch_begins_each_pair_once(backend: Backend) {
    let (stage, runner, operator, superuser) = ready(backend).await;
    by_single_functions(&runner).await;
    second_pair(&runner, &operator).await;
    let before = contents(&superuser).await;
    // One id for two runs: the single function says what is wrong.
    let id = "'00000000-0000-7000-8000-0000000000a1'";
    let (one, other) = (
        full_begin().with("p_process_run_id", id),
        of_other_pair(full_begin()).with("p_process_run_id", id),
    );
    assert_eq!(begun_together(&runner, &[&one, &other]).await, NONE);
    contents(&superuser)
        .await
        .assert_same(&before, "one id for two runs");

    // The id of a run that another transaction is just beginning.
    let mut idler = stage.client("runner").await;
    let idle = idler.transaction().await.unwrap();
    rows(&idle, &one.sql()).await;
    assert_eq!(begun_together(&runner, &[&other]).await, NONE);
    assert_eq!(code(&runner, &other.sql()).await, "busy");
    idle.rollback().await.unwrap();
    // The preflight's answers were too old by then.
    by_single_functions(&runner).await;

    let (first, second) = (full_begin(), full_begin());
    let begun = begun_together(&runner, &[&first, &second]).await;
    assert_eq!(begun.len(), 1, "one run holds the lease");
    assert_eq!(begun_together(&runner, &[&full_begin()]).await, NONE);
    let open = "SELECT count(*)::text FROM dot.dot_invocation i WHERE NOT EXISTS (SELECT FROM dot.process_component_observation c WHERE c.invocation_id = i.invocation_id) AND i.dot_code = 'DOT_BACKUP'";
    assert_eq!(text(&superuser, open).await, "1");
    // One call of a step twice: once.
    let run = Begun::of(&begun[0]);
    let over = hand_over_of(&run);
    assert_eq!(
        handed_over_together(&runner, &[&over, &over]).await.len(),
        1
    );
}

#[apply(on_each_version)]
async fn batch_begin_skips_anything_but_the_common_case(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    by_single_functions(&runner).await;
    let earlier = text(
        &runner,
        "SELECT process_run_id::text FROM dot.v_process_run",
    )
    .await;
    let wrong = |argument, value: &str| full_begin().with(argument, value);
    for call in [
        wrong("p_actor", "' '"),
        wrong("p_actor", "NULL"),
        wrong("p_actor", "repeat('x', 201)"),
        wrong("p_correlation_id", "''"),
        wrong("p_correlation_id", "repeat('x', 501)"),
        wrong("p_process_candidate_code", "U&'\\00a0'"),
        wrong("p_process_candidate_code", "repeat('x', 201)"),
        wrong("p_runner", "' '"),
        wrong("p_mode", "'SIMULATED_DRY_RUN'"),
        wrong("p_mode", "'real_run'"),
        wrong("p_dot_code", &format!("'{VERIFIER}'")),
        wrong("p_dot_code", "'DOT_NO'"),
        wrong("p_dot_code", &format!("'{OTHER_PRODUCER}'")),
        wrong("p_lease_ttl_seconds", "0"),
        wrong("p_lease_ttl_seconds", "86401"),
        wrong("p_evidence_ref", "'[]'"),
        wrong(
            "p_evidence_ref",
            "jsonb_build_object('a', repeat('x', 65537))",
        ),
        wrong("p_input_ref", "repeat('x', 2001)"),
        wrong("p_input_digest", "'sha256:0'"),
        wrong("p_process_run_id", "NULL"),
        wrong("p_process_run_id", &format!("'{earlier}'")),
        wrong("p_idempotency_key", "'a key'"),
    ] {
        assert_eq!(begun_together(&runner, &[&call]).await, NONE, "{call:?}");
    }
    for posture in ["NO_EXECUTE", "DRY_RUN_ONLY"] {
        set_posture(&operator, posture).await;
        assert_eq!(begun_together(&runner, &[&full_begin()]).await, NONE);
    }
    set_posture(&operator, MODE).await;
    for isolation in ["REPEATABLE READ", "SERIALIZABLE"] {
        execute(&runner, &format!("BEGIN ISOLATION LEVEL {isolation}")).await;
        assert_eq!(begun_together(&runner, &[&full_begin()]).await, NONE);
        execute(&runner, "ROLLBACK").await;
    }
    let answers = "UPDATE dot.dot_preflight_check SET max_age = '0'";
    execute(&superuser, answers).await;
    assert_eq!(begun_together(&runner, &[&full_begin()]).await, NONE);
    execute(
        &superuser,
        "UPDATE dot.dot_preflight_check SET max_age = '1 hour'",
    )
    .await;
    let runs = "SELECT count(*)::text FROM dot.process_run_observation";
    assert_eq!(text(&superuser, runs).await, "1");

    let begun = begun_together(&runner, &[&full_begin()]).await;
    assert_eq!(begun.len(), 1, "but for those it is in order");
    // A run that its holder left is for the single function, which reaps it first.
    run_out(&superuser).await;
    assert_eq!(begun_together(&runner, &[&full_begin()]).await, NONE);
    rows(&runner, &full_begin().sql()).await;
}

#[apply(on_each_version)]
async fn batch_step_skips_anything_but_the_common_case(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    by_single_functions(&runner).await;
    let run = Begun::of(&row(&runner, &full_begin().sql()).await);
    let before = contents(&superuser).await;
    for (case, _) in wrong_record_producer_calls(&run) {
        let call = whole(&case.combined);
        assert_eq!(
            handed_over_together(&runner, &[&call]).await,
            NONE,
            "{call:?}"
        );
    }
    let right = hand_over_of(&run);
    let by_superuser = Call::together("fn_process_run_record_producer_batch", &[&right]).sql();
    assert_eq!(rows(&superuser, &by_superuser).await, NONE, "another login");
    contents(&superuser)
        .await
        .assert_same(&before, "hand-overs that were left undone");
    set_posture(&operator, "DRY_RUN_ONLY").await;
    assert_eq!(handed_over_together(&runner, &[&right]).await, NONE);
    set_posture(&operator, MODE).await;
    // A gate changed behind the receipt without waiting for it: whether it is void is for the single function to say.
    let missed = "UPDATE dot.dot_config_history SET saw_every_receipt = false";
    execute(&superuser, missed).await;
    assert_eq!(handed_over_together(&runner, &[&right]).await, NONE);
    let saw = "UPDATE dot.dot_config_history SET saw_every_receipt = true";
    execute(&superuser, saw).await;
    execute(&runner, "BEGIN").await;
    rows(&runner, &right.sql()).await;
    execute(&runner, "ROLLBACK").await;
    rows(&runner, &run.conclusion("cancelled").sql()).await;

    let (run, receipt) = run_with_producer(&runner).await;
    let before = contents(&superuser).await;
    for (case, _) in wrong_record_verifier_calls(&run, &receipt) {
        let call = whole(&case.combined);
        assert_eq!(finished_together(&runner, &[&call]).await, NONE, "{call:?}");
    }
    let mock = finish_of(&run, &receipt).text("p_evidence_type", "SIMULATED_DRY_RUN");
    assert_eq!(finished_together(&runner, &[&mock]).await, NONE);
    contents(&superuser)
        .await
        .assert_same(&before, "finishes that were left undone");
    let right = finish_of(&run, &receipt);
    execute(&runner, "BEGIN").await;
    assert_eq!(finished_together(&runner, &[&right]).await.len(), 1);
    execute(&runner, "ROLLBACK").await;
    run_out(&superuser).await;
    assert_eq!(finished_together(&runner, &[&right]).await, NONE);
    assert_eq!(code(&runner, &right.sql()).await, "lease_lost");
}

/// With the evidence that a call has unless it is said: JSON has no defaults.
fn whole(call: &Call) -> Call {
    let mut call = call.clone();
    for name in ["p_evidence_ref", "p_run_evidence_ref"] {
        if !call.says(name) {
            call = call.with(name, "'{}'");
        }
    }
    call
}

#[apply(on_each_version)]
async fn only_runner_role_may_call_batch_functions(backend: Backend) {
    let (stage, _runner, _operator, _superuser) = ready(backend).await;
    for role in ["reader", "observer", "operator", "relay", "archiver"] {
        let client = stage.client(role).await;
        for function in [
            "fn_process_run_begin_batch",
            "fn_process_run_record_producer_batch",
            "fn_process_run_record_verifier_and_conclude_batch",
        ] {
            let call = Call::together(function, &[&full_begin()]).sql();
            let refused = client.simple_query(&call).await.unwrap_err();
            assert_eq!(refused.code().unwrap().code(), "42501", "{role} {function}");
        }
    }
}
