//! Requests for runs: created, claimed by one worker at a time, run at most once.

use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::{Client, GenericClient};

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{
    CANDIDATE, CORRELATION, OTHER_PRODUCER, OTHER_VERIFIER, PRODUCER, VERIFIER, import, set_posture,
};
use crate::common::run_calls::{Begun, DIGEST, begin, bind, ready};
use crate::common::{
    Backend, Call, TestContext, ask, code, contents, execute, literal, lock_waiters, number,
    refused, row, rows, text,
};

/// A request for a run, with only the required arguments.
fn asking() -> Call {
    Call::new("fn_dot_run_request")
        .text("p_dot_code", PRODUCER)
        .text("p_process_candidate_code", CANDIDATE)
        .text("p_correlation_id", CORRELATION)
        .text("p_actor", "asker")
        .text("p_mode", "REAL_RUN")
}

fn claiming() -> Call {
    Call::new("fn_dot_run_request_claim")
        .text("p_runner", "worker 1")
        .with("p_ttl_seconds", "60")
}

fn cancelling(request: &str) -> Call {
    Call::new("fn_dot_run_request_cancel")
        .text("p_request_id", request)
        .text("p_actor", "asker")
        .text("p_reason", "not needed")
}

/// A claim, as the worker that has it speaks of it.
struct Claim {
    request: String,
    token: String,
    key: String,
}

impl Claim {
    fn of(row: &Value) -> Self {
        let field = |name: &str| row[name].as_str().unwrap().to_owned();
        Self {
            request: field("request_id"),
            token: field("claim_token"),
            key: field("run_key"),
        }
    }

    fn call(&self, function: &'static str) -> Call {
        Call::new(function)
            .text("p_request_id", &self.request)
            .text("p_claim_token", &self.token)
    }

    fn renew(&self) -> String {
        self.call("fn_dot_run_request_renew")
            .with("p_ttl_seconds", "60")
            .sql()
    }

    fn finish(&self) -> Call {
        self.call("fn_dot_run_request_finish")
    }

    fn refuse(&self, refusal: &str) -> Call {
        self.finish().text("p_refusal_code", refusal)
    }

    /// Begins the run that was asked for.
    fn begin(&self) -> Call {
        begin("REAL_RUN").text("p_idempotency_key", &self.key)
    }
}

/// The request that is claimed next.
async fn claimed(runner: &impl GenericClient) -> Claim {
    Claim::of(&row(runner, &claiming().sql()).await)
}

/// Whether the call says true.
async fn says(client: &impl GenericClient, query: &str) -> bool {
    crate::common::value(client, query).await == true
}

/// What became of a request.
async fn state(client: &Client, request: &str) -> Value {
    let query = format!(
        "SELECT state, outcome, refusal_code, run_status FROM dot.v_dot_run_request WHERE request_id = {}",
        literal(request)
    );
    row(client, &query).await
}

fn is(state: &str, outcome: Option<&str>, refusal: Option<&str>, run: Option<&str>) -> Value {
    json!({"state": state, "outcome": outcome, "refusal_code": refusal, "run_status": run})
}

/// The claims run out, by the clock of the database.
async fn claims_run_out(superuser: &Client) {
    execute(
        superuser,
        "UPDATE dot.dot_run_request SET claimed_until = clock_timestamp() - interval '1 ms' WHERE state = 'claimed'",
    )
    .await;
}

/// The run that a claim begins, from its beginning to its conclusion.
async fn run(runner: &Client, claim: &Claim) -> Begun {
    let run = Begun::of(&row(runner, &claim.begin().sql()).await);
    rows(runner, &run.producer("REAL_RUN").sql()).await;
    let receipt = text(runner, &run.invocation().sql()).await;
    rows(runner, &run.verifier("REAL_RUN", &receipt, "pass").sql()).await;
    rows(runner, &run.conclusion("completed").sql()).await;
    run
}

#[apply(on_each_backend)]
async fn request_is_claimed_run_and_finished_once(backend: Backend) {
    let (stage, runner, operator, _superuser) = ready(backend).await;
    let asked = asking()
        .text("p_input_ref", "file:input")
        .text("p_input_digest", DIGEST);
    let request = text(&operator, &asked.sql()).await;
    let reader = stage.client("reader").await;
    assert_eq!(
        state(&reader, &request).await,
        is("waiting", None, None, None)
    );
    let mut claim = row(&runner, &claiming().sql()).await;
    let token = claim["claim_token"].take();
    for volatile in ["claimed_until", "requested_at"] {
        assert!(claim[volatile].take().is_string());
    }
    assert_eq!(
        claim,
        json!({"request_id": request, "claim_token": null, "claimed_until": null, "run_key": format!("request:{request}"),
            "dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "mode": "REAL_RUN", "correlation_id": CORRELATION,
            "actor": "asker", "input_ref": "file:input", "input_digest": DIGEST, "requested_at": null, "claims": 1})
    );
    claim["claim_token"] = token;
    let claim = Claim::of(&claim);
    assert_eq!(
        rows(&runner, &claiming().sql()).await,
        [] as [Value; 0],
        "it is claimed"
    );
    assert!(says(&runner, &claim.renew()).await);
    let run = run(&runner, &claim).await;
    assert_eq!(
        state(&reader, &request).await,
        is("claimed", None, None, Some("completed")),
        "the request knows its run from the beginning"
    );
    let finish = claim.finish().text("p_process_run_id", &run.run).sql();
    for _ in 0..2 {
        assert!(says(&runner, &finish).await, "the same answer twice");
    }
    assert_eq!(
        state(&reader, &request).await,
        is("finished", Some("concluded"), None, Some("completed"))
    );
    assert_eq!(rows(&runner, &claiming().sql()).await, [] as [Value; 0]);
    assert!(!says(&runner, &claim.renew()).await);
    let shown = row(&reader, "SELECT * FROM dot.v_dot_run_request").await;
    assert_eq!(shown["run_verdict"], "pass");
    assert_eq!(shown["recorded_by"], "dot_operator");
    assert!(
        !shown.to_string().contains(&claim.token),
        "a claim's proof is not shown"
    );
}

#[apply(on_each_version)]
async fn request_is_refused_where_its_run_would_be_refused(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    let before = contents(&superuser).await;
    for (call, expected) in [
        (asking().text("p_actor", " "), "actor_required"),
        (
            asking().text("p_correlation_id", ""),
            "correlation_required",
        ),
        (
            asking().with("p_process_candidate_code", "NULL"),
            "candidate_required",
        ),
        (asking().text("p_mode", "SIMULATED"), "mode_invalid"),
        (asking().with("p_mode", "NULL"), "mode_invalid"),
        (asking().text("p_mode", "PLAN_ONLY"), "mode_not_allowed"),
        (asking().text("p_dot_code", "DOT_NO"), "unknown_dot"),
        (asking().text("p_dot_code", VERIFIER), "not_a_producer"),
        (asking().text("p_dot_code", "DOT_LONE"), "pair_incomplete"),
        (
            asking().text("p_dot_code", OTHER_PRODUCER),
            "contract_missing",
        ),
        (asking().text("p_not_before", "infinity"), "time_invalid"),
        (
            asking().text("p_input_digest", "sha256:0"),
            "digest_invalid",
        ),
        (
            asking().text("p_idempotency_key", &"x".repeat(501)),
            "text_too_long",
        ),
        (claiming().text("p_runner", ""), "holder_required"),
        (claiming().with("p_ttl_seconds", "0"), "ttl_invalid"),
        (
            claiming().with("p_modes", "'{REAL_RUN,SIMULATED}'"),
            "mode_invalid",
        ),
    ] {
        assert_eq!(code(&runner, &call.sql()).await, expected, "{}", call.sql());
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a refused request");
    // Asking is not running: the gates may be closed, and what was asked for waits for them.
    set_posture(&operator, "NO_EXECUTE").await;
    rows(&runner, &asking().sql()).await;
    rows(&runner, &asking().text("p_mode", "DRY_RUN").sql()).await;
    assert_eq!(rows(&runner, &claiming().sql()).await, [] as [Value; 0]);
    set_posture(&operator, "DRY_RUN_ONLY").await;
    let only_real = claiming().with("p_modes", "'{REAL_RUN}'").sql();
    assert_eq!(rows(&runner, &only_real).await, [] as [Value; 0]);
    assert_eq!(row(&runner, &claiming().sql()).await["mode"], "DRY_RUN");
    assert_eq!(rows(&runner, &claiming().sql()).await, [] as [Value; 0]);
}

#[apply(on_each_version)]
async fn requesting_and_running_need_different_roles(backend: Backend) {
    let (stage, runner, operator, _superuser) = ready(backend).await;
    text(&operator, &asking().sql()).await;
    let claim = claimed(&runner).await;
    let asking_calls = [asking().sql(), cancelling(&claim.request).sql()];
    let running_calls = [claiming().sql(), claim.renew(), claim.refuse("busy").sql()];
    for role in ["reader", "observer", "relay", "archiver", "operator"] {
        let client = stage.client(role).await;
        let mut calls = running_calls.to_vec();
        if role != "operator" {
            calls.extend(asking_calls.clone());
        }
        for call in calls {
            let error = ask(&client, &call).await.unwrap_err();
            assert_eq!(error.code().unwrap().code(), "42501", "{role}: {call}");
        }
    }
}

#[apply(on_each_backend)]
async fn a_key_names_one_request(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    let keyed = asking()
        .text("p_idempotency_key", "nightly")
        .text("p_input_ref", "file:a");
    let first = text(&runner, &keyed.sql()).await;
    let again = keyed
        .clone()
        .with("p_not_before", "clock_timestamp() + interval '1 hour'");
    assert_eq!(text(&runner, &again.sql()).await, first);
    let before = contents(&superuser).await;
    for other in [
        keyed.clone().text("p_mode", "DRY_RUN"),
        keyed.clone().text("p_process_candidate_code", "other"),
        keyed.clone().text("p_correlation_id", "other"),
        keyed.clone().text("p_input_ref", "file:b"),
        keyed.clone().text("p_input_digest", DIGEST),
    ] {
        assert_eq!(
            code(&runner, &other.sql()).await,
            "idempotency_conflict",
            "{}",
            other.sql()
        );
    }
    for reserved in ["request:1", "backfill:1"] {
        let reserved = asking().text("p_idempotency_key", reserved);
        assert_eq!(code(&runner, &reserved.sql()).await, "key_reserved");
    }
    let refusal = refused(&operator, &keyed.sql()).await;
    assert_eq!(refusal.code, "idempotency_conflict");
    assert_eq!(refusal.detail["differs"], json!(["recorded_by"]));
    assert_eq!(refusal.detail["recorded_by"], "dot_runner");
    let same_id = asking().text("p_request_id", &first);
    assert_eq!(code(&runner, &same_id.sql()).await, "id_in_use");
    contents(&superuser)
        .await
        .assert_same(&before, "a refused request");
    // Once it has ended too.
    rows(&runner, &cancelling(&first).sql()).await;
    assert_eq!(text(&runner, &keyed.sql()).await, first);
}

#[apply(on_each_backend)]
async fn request_waits_for_the_same_key_in_flight(backend: Backend) {
    let (stage, runner, _operator, superuser) = ready(backend).await;
    let mut twin = stage.client("runner").await;
    let keyed = asking().text("p_idempotency_key", "nightly").sql();
    let in_flight = twin.transaction().await.unwrap();
    let first = text(&in_flight, &keyed).await;
    let (second, ()) = tokio::join!(text(&runner, &keyed), async {
        lock_waiters(&superuser, 1).await;
        in_flight.commit().await.unwrap();
    });
    assert_eq!(first, second);
}

#[apply(on_each_version)]
async fn requests_are_claimed_in_due_order_and_not_before(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    bind_other(&operator).await;
    let later = asking().with("p_not_before", "clock_timestamp() + interval '1 hour'");
    let later = text(&runner, &later.sql()).await;
    // A due time in the past does not overtake other requests.
    let first = text(&runner, &asking().sql()).await;
    let yesterday = asking()
        .text("p_dot_code", OTHER_PRODUCER)
        .with("p_not_before", "clock_timestamp() - interval '1 day'");
    let second = text(&runner, &yesterday.sql()).await;
    assert_eq!(claimed(&runner).await.request, first);
    assert_eq!(claimed(&runner).await.request, second);
    execute(
        &superuser,
        "UPDATE dot.dot_run_request SET not_before = clock_timestamp() WHERE state = 'waiting'",
    )
    .await;
    assert_eq!(
        rows(&runner, &claiming().sql()).await,
        [] as [Value; 0],
        "its pair is claimed"
    );
    assert_eq!(
        state(&runner, &later).await,
        is("waiting", None, None, None)
    );
}

/// The other pair bound as well.
async fn bind_other(operator: &Client) {
    for dot_code in [OTHER_PRODUCER, OTHER_VERIFIER] {
        bind_one(operator, dot_code).await;
    }
}

async fn bind_one(operator: &Client, dot_code: &str) {
    let contract = json!({"dot_code": dot_code, "mode": "REAL_RUN", "endpoint_ref": "command:x"});
    let call = Call::new("fn_dot_contract_set")
        .with(
            "p_contract",
            format!("{}::jsonb", literal(&contract.to_string())),
        )
        .text("p_actor", "operator");
    rows(operator, &call.sql()).await;
}

#[apply(on_each_version)]
async fn claim_skips_pairs_with_a_held_lease(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    bind_other(&operator).await;
    text(&runner, &asking().sql()).await;
    let token = text(&runner, &Call::acquire(60).sql()).await;
    assert_eq!(rows(&runner, &claiming().sql()).await, [] as [Value; 0]);
    let other = asking().text("p_dot_code", OTHER_PRODUCER);
    let other = text(&runner, &other.sql()).await;
    assert_eq!(claimed(&runner).await.request, other);
    let release = Call::lease("fn_dot_iu_runtime_lease_release").text("p_token", &token);
    assert!(says(&runner, &release.sql()).await);
    claimed(&runner).await;
    let claimed = "SELECT count(*) FROM dot.dot_run_request WHERE state = 'claimed'";
    assert_eq!(number(&superuser, claimed).await, 2);
}

#[apply(on_each_backend)]
async fn sixteen_workers_never_share_a_request_nor_a_pair(backend: Backend) {
    const WORKERS: usize = 16;
    let (stage, runner, operator, superuser) = ready(backend).await;
    // Sixteen pairs with two requests each, and a worker each.
    let mut tools = Vec::new();
    for pair in 0..WORKERS {
        let (producer, verifier) = (format!("P{pair}"), format!("V{pair}"));
        for (code, paired, role) in [
            (&producer, &verifier, "producer"),
            (&verifier, &producer, "verifier"),
        ] {
            tools.push(json!({"dot_code": code, "name": code, "tier": "A", "paired_dot": paired, "pair_role": role,
                "extra_metadata": {"process_candidate_code": CANDIDATE}}));
        }
    }
    rows(&operator, &import(&Value::from(tools)).sql()).await;
    for pair in 0..WORKERS {
        for dot_code in [format!("P{pair}"), format!("V{pair}")] {
            bind_one(&operator, &dot_code).await;
        }
        for _ in 0..2 {
            let asked = asking().text("p_dot_code", &format!("P{pair}"));
            rows(&runner, &asked.sql()).await;
        }
    }
    let workers = stage.clients("runner", WORKERS).await;
    let claim = claiming().sql();
    let claims = futures_of(&workers, |worker| {
        let claim = claim.clone();
        async move {
            // One that found others just looking at every pair looks again.
            for _ in 0..100 {
                if let Some(row) = rows(worker, &claim).await.pop() {
                    return row;
                }
            }
            panic!("nothing to claim")
        }
    })
    .await;
    let distinct = |field: &str| {
        let values = claims.iter().map(|claim| claim[field].to_string());
        values.collect::<std::collections::BTreeSet<_>>().len()
    };
    assert_eq!(distinct("request_id"), WORKERS);
    assert_eq!(distinct("claim_token"), WORKERS);
    assert_eq!(distinct("dot_code"), WORKERS, "a pair has one claim");
    // And all at one pair that is left: one of them gets it.
    execute(
        &superuser,
        "UPDATE dot.dot_run_request SET claimed_until = clock_timestamp() + interval '1 hour' WHERE dot_code <> 'P7';
         DELETE FROM dot.dot_run_request WHERE dot_code = 'P7' AND state = 'claimed'",
    )
    .await;
    let got = futures_of(&workers, |worker| rows(worker, &claim)).await;
    assert_eq!(got.iter().flatten().count(), 1);
}

/// What each of them comes to, all at once.
async fn futures_of<'a, T, F: Future<Output = T>>(
    workers: &'a [Client],
    what: impl Fn(&'a Client) -> F,
) -> Vec<T> {
    futures_util::future::join_all(workers.iter().map(what)).await
}

#[apply(on_each_backend)]
async fn expired_claim_is_taken_over_and_old_worker_is_fenced(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let request = text(&runner, &asking().sql()).await;
    let zombie = claimed(&runner).await;
    claims_run_out(&superuser).await;
    assert!(!says(&runner, &zombie.renew()).await);
    let heir = claimed(&runner).await;
    assert_eq!(heir.request, request);
    assert_ne!(heir.token, zombie.token);
    assert!(!says(&runner, &zombie.renew()).await);
    assert!(!says(&runner, &zombie.refuse("no_execute").sql()).await);
    // The zombie wakes up first: its run is the request's, and the heir does not run it again.
    let begun = Begun::of(&row(&runner, &zombie.begin().sql()).await);
    let second = row(&runner, &heir.begin().sql()).await;
    assert_eq!(second["created"], false);
    assert_eq!(second["process_run_id"], begun.run.as_str());
    let finish = heir.finish().text("p_process_run_id", &begun.run).sql();
    assert_eq!(
        code(&runner, &finish).await,
        "status_invalid",
        "it is under way"
    );
    let wait = heir.refuse("lease_held").with("p_retry_after_seconds", "0");
    assert!(says(&runner, &wait.sql()).await);
    assert_eq!(
        rows(&runner, &claiming().sql()).await,
        [] as [Value; 0],
        "nobody runs it again"
    );
    rows(&runner, &begun.conclusion("failed").sql()).await;
    rows(&runner, &claiming().sql()).await;
    assert_eq!(
        state(&runner, &request).await,
        is("finished", Some("concluded"), None, Some("failed"))
    );
    let runs = "SELECT count(*) FROM dot.v_process_run";
    assert_eq!(number(&runner, runs).await, 1);
}

#[apply(on_each_backend)]
async fn concurrent_begin_lets_one_worker_win(backend: Backend) {
    let (stage, runner, _operator, superuser) = ready(backend).await;
    text(&runner, &asking().sql()).await;
    let claim = claimed(&runner).await;
    let mut other = stage.client("runner").await;
    let in_flight = other.transaction().await.unwrap();
    let first = row(&in_flight, &claim.begin().sql()).await;
    let again = claim.begin().sql();
    let (second, ()) = tokio::join!(row(&runner, &again), async {
        lock_waiters(&superuser, 1).await;
        in_flight.commit().await.unwrap();
    });
    assert_eq!(
        (&first["created"], &second["created"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(first["process_run_id"], second["process_run_id"]);
}

#[apply(on_each_version)]
async fn reaping_a_dead_workers_run_ends_its_request(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let request = text(&runner, &asking().sql()).await;
    let claim = claimed(&runner).await;
    row(&runner, &claim.begin().sql()).await;
    claims_run_out(&superuser).await;
    assert_eq!(rows(&runner, &claiming().sql()).await, [] as [Value; 0]);
    assert_eq!(
        state(&runner, &request).await,
        is("claimed", None, None, Some("started"))
    );
    // Requests queued after it are not blocked, and the next acquirer of the lease concludes the dead run.
    crate::common::run_calls::run_out(&superuser).await;
    let behind = text(&runner, &asking().sql()).await;
    let next = claimed(&runner).await;
    assert_eq!(next.request, behind);
    run(&runner, &next).await;
    rows(&runner, &claiming().sql()).await;
    assert_eq!(
        state(&runner, &request).await,
        is("finished", Some("concluded"), None, Some("stuck"))
    );
    assert!(!says(&runner, &cancelling(&request).sql()).await);
}

#[apply(on_each_version)]
async fn permanent_refusal_ends_a_request_and_transient_refusal_delays_it(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let request = text(&runner, &asking().sql()).await;
    let claim = claimed(&runner).await;
    let wait = claim
        .refuse("lease_held")
        .with("p_retry_after_seconds", "3600");
    assert!(says(&runner, &wait.sql()).await);
    assert!(!says(&runner, &wait.sql()).await, "the claim is given back");
    assert_eq!(
        state(&runner, &request).await,
        is("waiting", None, Some("lease_held"), None)
    );
    assert_eq!(rows(&runner, &claiming().sql()).await, [] as [Value; 0]);
    assert_eq!(
        code(&runner, &claim.begin().sql()).await,
        "lease_lost",
        "not claimed any more"
    );
    execute(
        &superuser,
        "UPDATE dot.dot_run_request SET not_before = clock_timestamp()",
    )
    .await;
    let claim = claimed(&runner).await;
    for (call, expected) in [
        (claim.finish(), "status_invalid"),
        (
            claim
                .refuse("busy")
                .text("p_process_run_id", &claim.request),
            "status_invalid",
        ),
        (
            claim.finish().text("p_process_run_id", &claim.request),
            "run_unknown",
        ),
        (
            claim.refuse("busy").with("p_retry_after_seconds", "-1"),
            "ttl_invalid",
        ),
        (
            claim.refuse("busy").with("p_retry_after_seconds", "86401"),
            "ttl_invalid",
        ),
        (claim.refuse(&"x".repeat(201)), "text_too_long"),
    ] {
        assert_eq!(code(&runner, &call.sql()).await, expected, "{}", call.sql());
    }
    let stranger = claim
        .refuse("busy")
        .text("p_claim_token", &claim.request)
        .sql();
    assert!(!says(&runner, &stranger).await);
    let nobody = claim.refuse("busy").with("p_claim_token", "NULL").sql();
    assert!(!says(&runner, &nobody).await);
    let refused = claim.refuse("contract_missing").sql();
    for _ in 0..2 {
        assert!(says(&runner, &refused).await, "the same answer twice");
    }
    assert_eq!(
        state(&runner, &request).await,
        is("finished", Some("refused"), Some("contract_missing"), None)
    );
    assert_eq!(code(&runner, &claim.begin().sql()).await, "lease_lost");
    let shown = "SELECT claims FROM dot.v_dot_run_request";
    assert_eq!(number(&runner, shown).await, 2);
}

#[apply(on_each_version)]
async fn request_is_abandoned_after_five_claims(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let request = text(&runner, &asking().sql()).await;
    for _ in 0..5 {
        claimed(&runner).await;
        claims_run_out(&superuser).await;
    }
    assert_eq!(rows(&runner, &claiming().sql()).await, [] as [Value; 0]);
    assert_eq!(
        state(&runner, &request).await,
        is("finished", Some("abandoned"), None, None)
    );
}

#[apply(on_each_version)]
async fn unclaimed_request_can_be_cancelled(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    let request = text(&runner, &asking().sql()).await;
    for (call, expected) in [
        (cancelling(&request).text("p_actor", ""), "actor_required"),
        (
            cancelling(&request).text("p_reason", " "),
            "reason_required",
        ),
        (
            cancelling(&request).text("p_reason", &"x".repeat(2001)),
            "text_too_long",
        ),
    ] {
        assert_eq!(code(&runner, &call.sql()).await, expected);
    }
    let claim = claimed(&runner).await;
    assert!(
        !says(&operator, &cancelling(&request).sql()).await,
        "a worker is at it"
    );
    claims_run_out(&superuser).await;
    assert!(says(&operator, &cancelling(&request).sql()).await);
    assert!(!says(&operator, &cancelling(&request).sql()).await);
    assert_eq!(
        code(&runner, &claim.begin().sql()).await,
        "lease_lost",
        "the zombie begins nothing"
    );
    assert_eq!(rows(&runner, &claiming().sql()).await, [] as [Value; 0]);
    let kept = row(
        &operator,
        "SELECT state, cancelled_by, cancelled_recorded_by, cancel_reason FROM dot.v_dot_run_request",
    )
    .await;
    assert_eq!(
        kept,
        json!({"state": "cancelled", "cancelled_by": "asker", "cancelled_recorded_by": "dot_operator", "cancel_reason": "not needed"})
    );
    let nothing = cancelling("00000000-0000-7000-8000-000000000000");
    assert!(!says(&operator, &nothing.sql()).await);
}

#[apply(on_each_version)]
async fn run_must_match_its_request(backend: Backend) {
    let (_stage, runner, _operator, _superuser) = ready(backend).await;
    let request = text(&runner, &asking().sql()).await;
    let claim = claimed(&runner).await;
    for other in [
        claim.begin().text("p_mode", "DRY_RUN"),
        claim.begin().text("p_process_candidate_code", "other"),
        claim.begin().text("p_correlation_id", "other"),
    ] {
        assert_eq!(code(&runner, &other.sql()).await, "idempotency_conflict");
    }
    // No other call takes that key, so that the request's run can be begun.
    let taken = Call::pair().text("p_idempotency_key", &claim.key);
    assert_eq!(code(&runner, &taken.sql()).await, "key_reserved");
    assert_eq!(
        state(&runner, &request).await,
        is("claimed", None, None, None)
    );
    // Nor does a run of no request take a key of that form.
    let id = "00000000-0000-7000-8000-000000000000";
    let unasked = begin("REAL_RUN").text("p_idempotency_key", &format!("request:{id}"));
    assert_eq!(code(&runner, &unasked.sql()).await, "key_reserved");
    Begun::of(&row(&runner, &claim.begin().sql()).await);
    let asked = asking().text("p_request_id", id).sql();
    rows(&runner, &asked).await;
}

#[apply(on_each_version)]
async fn claim_uses_partial_index_only(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    execute(
        &superuser,
        "INSERT INTO dot.dot_run_request (request_id, dot_code, process_candidate_code, mode, correlation_id, actor, requested_at, not_before, state, outcome, refusal_code, finished_at)
         SELECT gen_random_uuid(), 'DOT_BACKUP', 'c', 'REAL_RUN', 'c', 'a', now(), now(), 'finished', 'refused', 'busy', now() FROM generate_series(1, 20000);
         ANALYZE dot.dot_run_request",
    )
    .await;
    text(&runner, &asking().sql()).await;
    claimed(&runner).await;
    let read = "SELECT seq_tup_read::bigint FROM pg_stat_xact_user_tables WHERE relname = 'dot_run_request'";
    let mut runner = runner;
    let transaction = runner.transaction().await.unwrap();
    rows(&transaction, &claiming().sql()).await;
    assert_eq!(number(&transaction, read).await, 0);
    let fetched = "SELECT idx_tup_fetch::bigint FROM pg_stat_xact_user_tables WHERE relname = 'dot_run_request'";
    assert!(number(&transaction, fetched).await < 10);
}

#[apply(on_each_version)]
async fn notify_on_request_and_gate_change(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    bind(&operator).await;
    let (listener, mut told) = listening(&stage).await;
    listener
        .batch_execute("LISTEN dotwrap_gate; LISTEN dotwrap_request")
        .await
        .unwrap();
    rows(
        &operator,
        &Call::gate("process_dot_runtime.real_run_enabled", "false").sql(),
    )
    .await;
    rows(&operator, &asking().sql()).await;
    for channel in ["dotwrap_gate", "dotwrap_request"] {
        let notification = told.recv().await.unwrap();
        assert_eq!(
            (notification.channel(), notification.payload()),
            (channel, "dot")
        );
    }
}

/// A session that passes on what it is told.
async fn listening(
    stage: &TestContext,
) -> (
    Client,
    tokio::sync::mpsc::UnboundedReceiver<tokio_postgres::Notification>,
) {
    let config = stage.database().config_as("dot_runner");
    let (client, mut connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
    let (sender, told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut messages =
            futures_util::stream::poll_fn(move |context| connection.poll_message(context));
        while let Some(Ok(message)) = futures_util::StreamExt::next(&mut messages).await {
            if let tokio_postgres::AsyncMessage::Notification(notification) = message {
                let _ = sender.send(notification);
            }
        }
    });
    (client, told)
}

#[apply(on_each_backend)]
async fn observer_cannot_block_a_requests_run_by_using_its_key(backend: Backend) {
    let (stage, runner, operator, superuser) = ready(backend).await;
    let observer = stage.client("observer").await;
    rows(&operator, &asking().sql()).await;
    let claim = claimed(&runner).await;
    let before = contents(&superuser).await;
    for call in [
        Call::run()
            .text("p_idempotency_key", &claim.key)
            .text("p_correlation_id", "another"),
        // As the run itself will be.
        Call::run()
            .text("p_idempotency_key", &claim.key)
            .text("p_evidence_type", "REAL_RUN")
            .text("p_status", "started")
            .text("p_dot_code", PRODUCER),
    ] {
        assert_eq!(code(&observer, &call.sql()).await, "key_reserved");
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a request's key");
    let run = Begun::of(&row(&runner, &claim.begin().sql()).await);
    // Another worker's login is told of that run.
    let again = row(&superuser, &claim.begin().sql()).await;
    assert_eq!(
        (&again["created"], &again["process_run_id"]),
        (&json!(false), &json!(run.run))
    );
}
