//! Attempts under one key: when another one may follow.

use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{PRODUCER, VERIFIER};
use crate::common::run_calls::{Begun, begin, ready, run_out};
use crate::common::{Backend, Call, code, literal, number, refused, row, rows, text};

fn keyed(mode: &str) -> Call {
    begin(mode).text("p_idempotency_key", "nightly")
}

fn retry(mode: &str) -> Call {
    keyed(mode).text("p_on_earlier", "retry")
}

fn resolve(run: &str, happened: &str) -> String {
    Call::new("fn_dot_run_resolve")
        .text("p_process_run_id", run)
        .text("p_happened", happened)
        .text("p_actor", "ana")
        .text("p_reason", "looked at the target")
        .sql()
}

/// Changes one key of the producer's contract for real runs.
async fn set_contract(operator: &Client, key: &str, value: Value) {
    let mut contract =
        json!({"dot_code": PRODUCER, "mode": "REAL_RUN", "endpoint_ref": "command:DOT_BACKUP"});
    contract[key] = value;
    let call = Call::new("fn_dot_contract_set")
        .with(
            "p_contract",
            format!("{}::jsonb", literal(&contract.to_string())),
        )
        .text("p_actor", "operator");
    rows(operator, &call.sql()).await;
}

/// Records a producer that ended so, and concludes the run.
async fn end_producer(runner: &Client, run: &Begun, status: &str, evidence: &str) {
    let component = run
        .producer("REAL_RUN")
        .text("p_status", status)
        .with("p_evidence_ref", format!("{}::jsonb", literal(evidence)));
    rows(runner, &component.sql()).await;
    let conclusion = run
        .conclusion(if status == "cancelled" {
            "cancelled"
        } else {
            "failed"
        })
        .with("p_evidence_ref", format!("{}::jsonb", literal(evidence)));
    rows(runner, &conclusion.sql()).await;
}

#[apply(on_each_backend)]
async fn a_failed_attempt_may_be_followed_by_another(backend: Backend) {
    let (_stage, runner, _operator, _superuser) = ready(backend).await;
    let first = Begun::of(&row(&runner, &keyed("REAL_RUN").sql()).await);
    assert_eq!(
        code(&runner, &retry("REAL_RUN").sql()).await,
        "still_running"
    );
    end_producer(&runner, &first, "failed", "{}").await;
    // Without asking for it, the answer is the run that there is.
    let same = row(&runner, &keyed("REAL_RUN").sql()).await;
    assert_eq!(same["process_run_id"], first.run.as_str());
    assert_eq!(same["created"], false);
    let again = row(&runner, &retry("REAL_RUN").sql()).await;
    assert_eq!(again["attempt"], 2);
    let second = Begun::of(&again);
    assert_ne!(second.run, first.run);
    let attempts = "SELECT string_agg(attempt || ' ' || coalesce(attempt_of::text, '-'), ', ' ORDER BY attempt)
         FROM dot.v_process_run WHERE idempotency_key = 'nightly'";
    assert_eq!(
        text(&runner, attempts).await,
        format!("1 -, 2 {}", first.run)
    );
    // The newest attempt is what the key stands for.
    let same = row(&runner, &keyed("REAL_RUN").sql()).await;
    assert_eq!(same["process_run_id"], second.run.as_str());
}

#[apply(on_each_version)]
async fn an_attempt_that_passed_is_returned(backend: Backend) {
    let (_stage, runner, _operator, _superuser) = ready(backend).await;
    let run = Begun::of(&row(&runner, &keyed("REAL_RUN").sql()).await);
    rows(&runner, &run.producer("REAL_RUN").sql()).await;
    let receipt = text(&runner, &run.invocation().sql()).await;
    rows(&runner, &run.verifier("REAL_RUN", &receipt, "pass").sql()).await;
    rows(&runner, &run.conclusion("completed").sql()).await;
    let answer = row(&runner, &retry("REAL_RUN").sql()).await;
    assert_eq!(answer["process_run_id"], run.run.as_str());
    assert_eq!(answer["created"], false);
}

#[apply(on_each_version)]
async fn what_may_have_happened_is_not_repeated(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    let again = retry("REAL_RUN").sql();
    // Its holder died while the producer was called.
    let dead = Begun::of(&row(&runner, &keyed("REAL_RUN").sql()).await);
    run_out(&superuser).await;
    assert_eq!(code(&runner, &again).await, "outcome_unknown");
    assert_eq!(
        code(&operator, &resolve(&dead.run, "maybe")).await,
        "status_invalid"
    );
    for (happened, expected) in [
        ("yes", "outcome_unknown"),
        ("partly", "outcome_unknown"),
        ("no", ""),
    ] {
        // Finding out concludes it first: the refused call took that back.
        rows(
            &runner,
            &Call::new("fn_process_run_reap").text("p_actor", "a").sql(),
        )
        .await;
        rows(&operator, &resolve(&dead.run, happened)).await;
        if expected.is_empty() {
            let second = Begun::of(&row(&runner, &again).await);
            // The producer did its work, and the verifier found fault with it.
            rows(&runner, &second.producer("REAL_RUN").sql()).await;
            let receipt = text(&runner, &second.invocation().sql()).await;
            rows(
                &runner,
                &second.verifier("REAL_RUN", &receipt, "fail").sql(),
            )
            .await;
            rows(&runner, &second.conclusion("completed").sql()).await;
        } else {
            assert_eq!(code(&runner, &again).await, expected, "{happened}");
        }
    }
    assert_eq!(code(&runner, &again).await, "outcome_unknown");
    set_contract(&operator, "may_repeat", json!(true)).await;
    let third = Begun::of(&row(&runner, &again).await);
    // A call that was stopped before it could act.
    end_producer(&runner, &third, "cancelled", "{}").await;
    set_contract(&operator, "may_repeat", json!(false)).await;
    let fourth = Begun::of(&row(&runner, &again).await);
    // One that was stopped after it may have acted.
    end_producer(&runner, &fourth, "cancelled", r#"{"outcome": "unknown"}"#).await;
    assert_eq!(code(&runner, &again).await, "outcome_unknown");
    let happened = format!(
        "SELECT happened FROM dot.v_process_run WHERE process_run_id = '{}'",
        dead.run
    );
    assert_eq!(text(&runner, &happened).await, "no");
}

/// The runner calls a producer failed whose output it refused. The producer itself did not.
#[apply(on_each_version)]
async fn producer_that_ended_well_is_not_called_again(backend: Backend) {
    let (_stage, runner, _operator, _superuser) = ready(backend).await;
    for (called, exit_status, why) in [
        (true, 1, "exit_status"),
        (true, 3, "disk_full"),
        (false, 0, "input_missing"),
        (true, 0, "output_missing"),
    ] {
        let run = Begun::of(&row(&runner, &retry("REAL_RUN").sql()).await);
        let evidence =
            json!({"called": called, "exit_status": exit_status, "failure": {"code": why}});
        end_producer(&runner, &run, "failed", &evidence.to_string()).await;
    }
    let again = retry("REAL_RUN").sql();
    assert_eq!(code(&runner, &again).await, "outcome_unknown");
}

#[apply(on_each_version)]
async fn earlier_attempt_that_happened_forbids_another(backend: Backend) {
    let (_stage, runner, operator, _superuser) = ready(backend).await;
    let again = retry("REAL_RUN").sql();
    let first = Begun::of(&row(&runner, &again).await);
    end_producer(&runner, &first, "failed", "{}").await;
    let second = Begun::of(&row(&runner, &again).await);
    end_producer(&runner, &second, "failed", "{}").await;
    for (run, happened, expected) in [
        (&first, "yes", "outcome_unknown"),
        (&second, "no", "outcome_unknown"),
        (&first, "partly", "outcome_unknown"),
    ] {
        rows(&operator, &resolve(&run.run, happened)).await;
        assert_eq!(code(&runner, &again).await, expected, "{happened}");
    }
    rows(&operator, &resolve(&first.run, "no")).await;
    assert_eq!(row(&runner, &again).await["attempt"], 3);
}

#[apply(on_each_version)]
async fn run_that_its_runner_was_stopped_in_is_no_attempt(backend: Backend) {
    let (_stage, runner, operator, _superuser) = ready(backend).await;
    set_contract(&operator, "max_attempts", json!(1)).await;
    let again = retry("REAL_RUN").sql();
    for attempt in 1..=3 {
        let begun = row(&runner, &again).await;
        assert_eq!(begun["attempt"], attempt);
        let stopped = r#"{"stop": {"reason": "interrupted"}}"#;
        end_producer(&runner, &Begun::of(&begun), "cancelled", stopped).await;
    }
    let last = Begun::of(&row(&runner, &again).await);
    end_producer(&runner, &last, "failed", "{}").await;
    assert_eq!(code(&runner, &again).await, "attempts_exhausted");
}

/// A program on the holder's machine can tell that it ended.
#[apply(on_each_version)]
async fn attempt_of_a_run_that_goes_on_names_its_holder(backend: Backend) {
    let (_stage, runner, _operator, _superuser) = ready(backend).await;
    rows(
        &runner,
        &keyed("REAL_RUN").text("p_holder_process", "here:1").sql(),
    )
    .await;
    let refused = refused(&runner, &retry("REAL_RUN").sql()).await;
    assert_eq!(refused.code, "still_running");
    assert_eq!(refused.detail["holder_process"], "here:1");
    assert_eq!(refused.detail["lease_name"], format!("dot_exec:{PRODUCER}"));
}

#[apply(on_each_version)]
async fn a_dry_run_may_always_be_repeated_and_attempts_end(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    for attempt in 1..=3 {
        let run = row(&runner, &retry("DRY_RUN").sql()).await;
        assert_eq!(run["attempt"], attempt);
        run_out(&superuser).await;
    }
    let limited = json!({"dot_code": PRODUCER, "mode": "DRY_RUN", "endpoint_ref": "command:x", "max_attempts": 3,
        "no_mutation_assertion": true, "output_namespace": "DRYRUN-NS:x"});
    let call = Call::new("fn_dot_contract_set")
        .with(
            "p_contract",
            format!("{}::jsonb", literal(&limited.to_string())),
        )
        .text("p_actor", "operator");
    rows(&operator, &call.sql()).await;
    assert_eq!(
        code(&runner, &retry("DRY_RUN").sql()).await,
        "attempts_exhausted"
    );
}

#[apply(on_each_version)]
async fn attempts_have_one_input(backend: Backend) {
    let (_stage, runner, _operator, _superuser) = ready(backend).await;
    let first = keyed("REAL_RUN").text("p_input_ref", "/a").sql();
    let first = Begun::of(&row(&runner, &first).await);
    end_producer(&runner, &first, "failed", "{}").await;
    let other = retry("REAL_RUN").text("p_input_ref", "/b").sql();
    assert_eq!(code(&runner, &other).await, "idempotency_conflict");
    let taken = retry("REAL_RUN")
        .text("p_input_ref", "/a")
        .text("p_process_run_id", &first.run);
    assert_eq!(code(&runner, &taken.sql()).await, "id_in_use");
    let wrong = keyed("REAL_RUN").text("p_on_earlier", "again");
    assert_eq!(
        code(&runner, &wrong.text("p_input_ref", "/a").sql()).await,
        "status_invalid"
    );
}

#[apply(on_each_backend)]
async fn of_sixteen_retries_at_once_one_begins(backend: Backend) {
    let (stage, runner, _operator, superuser) = ready(backend).await;
    let first = Begun::of(&row(&runner, &keyed("REAL_RUN").sql()).await);
    end_producer(&runner, &first, "failed", "{}").await;
    let clients = stage.clients("runner", 16).await;
    let again = retry("REAL_RUN").sql();
    let answers = clients
        .iter()
        .map(|client| async { client.query(&again, &[]).await });
    let answers = futures_util::future::join_all(answers).await;
    let created = answers
        .iter()
        .flatten()
        .filter(|rows| rows[0].get::<_, bool>("created"))
        .count();
    assert_eq!(created, 1);
    let attempts =
        "SELECT count(*) FROM dot.process_run_observation WHERE idempotency_key = 'nightly'";
    assert_eq!(number(&superuser, attempts).await, 2);
}

#[apply(on_each_version)]
async fn only_an_operator_resolves_and_only_concluded_runs(backend: Backend) {
    let (stage, runner, operator, _superuser) = ready(backend).await;
    let run = Begun::of(&row(&runner, &keyed("REAL_RUN").sql()).await);
    let found = resolve(&run.run, "no");
    assert_eq!(code(&operator, &found).await, "still_running");
    rows(&runner, &run.conclusion("stuck").sql()).await;
    for role in ["reader", "observer", "runner", "relay", "archiver"] {
        let client = stage.client(role).await;
        let error = client.query(&found, &[]).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "42501", "{role}");
    }
    rows(&operator, &found).await;
    let nobodys = resolve("00000000-0000-7000-8000-000000000000", "no");
    assert_eq!(code(&operator, &nobodys).await, "run_unknown");
}

#[apply(on_each_version)]
async fn a_receipt_names_the_contract_of_its_call(backend: Backend) {
    let (_stage, runner, operator, _superuser) = ready(backend).await;
    let digests =
        "SELECT string_agg(contract_sha256, ' ' ORDER BY dot_code) FROM dot.v_dot_contract
         WHERE mode = 'REAL_RUN' AND dot_code IN ('DOT_BACKUP', 'DOT_BACKUP_VERIFY')";
    let before = text(&runner, digests).await;
    let [producer, verifier] = before.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{before}");
    };
    let call = |producer: &str, verifier: &str| {
        begin("REAL_RUN")
            .text("p_producer_contract_sha256", producer)
            .text("p_verifier_contract_sha256", verifier)
            .sql()
    };
    let run = Begun::of(&row(&runner, &call(producer, verifier)).await);
    // The verifier's contract changes while its producer is called: the run goes on as it was prepared.
    let changed =
        json!({"dot_code": VERIFIER, "mode": "REAL_RUN", "endpoint_ref": "command:other"});
    let change = Call::new("fn_dot_contract_set")
        .with(
            "p_contract",
            format!("{}::jsonb", literal(&changed.to_string())),
        )
        .text("p_actor", "operator")
        .text("p_reason", "a better check");
    rows(&operator, &change.sql()).await;
    rows(&runner, &run.producer("REAL_RUN").sql()).await;
    let receipt = text(&runner, &run.invocation().sql()).await;
    let receipts = format!(
        "SELECT string_agg(contract_sha256 || ' ' || endpoint_ref, ', ' ORDER BY component_role) FROM dot.v_dot_invocation
         WHERE process_run_id = '{}'",
        run.run
    );
    assert_eq!(
        text(&runner, &receipts).await,
        format!("{producer} command:{PRODUCER}, {verifier} command:{VERIFIER}")
    );
    rows(&runner, &run.verifier("REAL_RUN", &receipt, "pass").sql()).await;
    rows(&runner, &run.conclusion("completed").sql()).await;
    assert_eq!(
        code(&runner, &call(producer, verifier)).await,
        "contract_changed"
    );
    let version = "SELECT reason FROM dot.v_dot_contract_version v JOIN dot.v_dot_contract c USING (contract_sha256)
         WHERE c.dot_code = 'DOT_BACKUP_VERIFY' AND c.mode = 'REAL_RUN'";
    assert_eq!(text(&runner, version).await, "a better check");
    let current = "SELECT verified_run_id || ' ' || contracts_current FROM dot.v_process_discovery_birth_readiness_v3
         WHERE process_candidate_code = 'PROC-CAND:dot:backup'";
    assert_eq!(text(&runner, current).await, format!("{} false", run.run));
}
