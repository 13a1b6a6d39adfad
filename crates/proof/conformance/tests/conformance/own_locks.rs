//! Locks are rows and tables that only the owner's functions can lock, and every wait is bounded. No other login can
//! block a pair, a gate, an event or the installer. Tokens are stored as digests, and work only for the login that
//! received them.

use std::time::Instant;

use rstest_reuse::apply;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{CANDIDATE, PRODUCER};
use crate::common::run_calls::{Begun, begin, begun, ready, run_out};
use crate::common::{
    Backend, Call, TestContext, ask, code, execute, literal, number, row, rows, text, value,
};

const LEASE: &str = "dot_exec:DOT_BACKUP";

/// No function of the contract takes an advisory lock of its own, whose key any login could take.
#[apply(on_each_version)]
async fn no_function_takes_an_advisory_lock(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let taking = "SELECT coalesce(string_agg(p.proname, ', '), '') FROM pg_proc p
        WHERE p.pronamespace = 'dot'::regnamespace AND p.prosrc ~ 'pg_(try_)?advisory_(xact_)?lock'";
    assert_eq!(text(&superuser, taking).await, "");
}

/// Every role and every lock mode that would block a receipt, a gate, an event or a registry change.
#[apply(on_each_version)]
async fn no_role_can_take_the_locks_of_the_functions(backend: Backend) {
    let stage = TestContext::new(backend).await;
    for role in [
        "reader", "observer", "runner", "operator", "relay", "archiver",
    ] {
        let client = stage.client(role).await;
        for table in [
            "dot_gate_state",
            "dot_registry_state",
            "dot_config",
            "event_type_registry",
            "dot_iu_runtime_lease",
            "dot_tools",
            "process_run_observation",
            "dot_preflight_answer",
            "dot_contract_release",
        ] {
            for lock in [
                format!("LOCK TABLE dot.{table} IN ROW SHARE MODE"),
                format!("LOCK TABLE dot.{table} IN EXCLUSIVE MODE"),
                format!("SELECT 1 FROM dot.{table} FOR KEY SHARE"),
            ] {
                let error = client
                    .batch_execute(&format!("BEGIN; {lock}"))
                    .await
                    .unwrap_err();
                assert_eq!(error.code().unwrap().code(), "42501", "{role}: {lock}");
                execute(&client, "ROLLBACK").await;
            }
        }
    }
}

/// Renewing, giving back, recording and concluding with a wrong token lock nothing, however long that transaction stays
/// open.
#[apply(on_each_version)]
async fn idle_transaction_with_a_wrong_token_holds_no_lock(backend: Backend) {
    let (stage, runner, _operator, superuser) = ready(backend).await;
    let run = begun(&runner, "REAL_RUN").await;
    let wrong = "'00000000-0000-4000-8000-0000000000ff'";
    let claims = |call: Call, argument: &'static str| call.with(argument, wrong).sql();
    let attempts = [
        (
            "observer",
            claims(
                Call::lease("fn_dot_iu_runtime_lease_renew").with("p_ttl_seconds", "60"),
                "p_token",
            ),
        ),
        (
            "observer",
            claims(Call::lease("fn_dot_iu_runtime_lease_release"), "p_token"),
        ),
        (
            "observer",
            claims(Call::component(&run.run), "p_lease_token"),
        ),
        ("observer", Call::acquire(60).sql()),
        ("runner", claims(run.producer("REAL_RUN"), "p_lease_token")),
        ("runner", claims(run.conclusion("failed"), "p_lease_token")),
        ("runner", claims(run.invocation(), "p_lease_token")),
    ];
    for (role, attempt) in &attempts {
        let mut idler = stage.client(role).await;
        let idle = idler.transaction().await.unwrap();
        execute(&idle, "SAVEPOINT s").await;
        if ask(&idle, attempt).await.is_err() {
            execute(&idle, "ROLLBACK TO s").await;
        }
        let renewal = Call::new("fn_dot_iu_runtime_lease_renew")
            .text("p_lease_name", LEASE)
            .text("p_holder", "runner 1")
            .text("p_token", &run.token)
            .with("p_ttl_seconds", "60");
        let start = Instant::now();
        assert_eq!(value(&runner, &renewal.sql()).await, true, "{attempt}");
        assert!(
            start.elapsed().as_secs() < 4,
            "{attempt} keeps the lease's holder waiting"
        );
        idle.rollback().await.unwrap();
    }
    rows(&runner, &run.producer("REAL_RUN").sql()).await;
    drop(superuser);
}

#[apply(on_each_backend)]
async fn tokens_are_kept_as_digests(backend: Backend) {
    let (stage, runner, operator, _superuser) = ready(backend).await;
    let archiver = stage.client("archiver").await;
    let run = begun(&runner, "REAL_RUN").await;
    let tables = rows(
        &archiver,
        "SELECT format('%I.%I', c.table_schema, c.table_name) AS name FROM information_schema.tables c
         WHERE c.table_schema = 'dot' AND c.table_type = 'BASE TABLE'",
    )
    .await;
    assert!(tables.len() > 15);
    let ask_for = Call::new("fn_dot_run_request")
        .text("p_dot_code", "DOT_BACKUP")
        .text("p_process_candidate_code", "PROC-CAND:dot:backup")
        .text("p_correlation_id", "r1")
        .text("p_actor", "operator")
        .text("p_mode", "DRY_RUN");
    rows(&operator, &ask_for.sql()).await;
    rows(&runner, &run.conclusion("cancelled").sql()).await;
    let claim = Call::new("fn_dot_run_request_claim")
        .text("p_runner", "runner 1")
        .with("p_ttl_seconds", "60");
    let claimed = row(&runner, &claim.sql()).await["claim_token"]
        .as_str()
        .unwrap()
        .to_owned();
    for token in [&run.token, &claimed] {
        for table in &tables {
            let table = table["name"].as_str().unwrap();
            let found = format!(
                "SELECT count(*) FROM {table} t WHERE to_jsonb(t)::text LIKE '%' || {} || '%'",
                literal(token)
            );
            assert_eq!(number(&archiver, &found).await, 0, "{table} shows a token");
        }
    }
    // What stands there proves nothing.
    let kept = text(
        &archiver,
        "SELECT claim_token::text FROM dot.dot_run_request",
    )
    .await;
    let finish = Call::new("fn_dot_run_request_finish")
        .text("p_claim_token", &kept)
        .text("p_refusal_code", "x")
        .with(
            "p_request_id",
            "(SELECT request_id FROM dot.v_dot_run_request)",
        );
    assert_eq!(value(&runner, &finish.sql()).await, false);
}

/// Another login of the same role has the token.
#[apply(on_each_version)]
async fn only_the_beginning_login_or_an_operator_concludes_a_run(backend: Backend) {
    let (stage, runner, _operator, superuser) = ready(backend).await;
    let prefix = stage.database().role_prefix().to_owned();
    let name = format!("{}_other_login", stage.database().name());
    execute(
        &superuser,
        &format!("CREATE ROLE \"{name}\" LOGIN IN ROLE dot_runner"),
    )
    .await;
    let other = stage.database().client_as(&name).await;
    let run = begun(&runner, "REAL_RUN").await;
    assert_eq!(
        code(&other, &run.conclusion("failed").sql()).await,
        "login_mismatch"
    );
    assert_eq!(
        code(&other, &run.invocation().sql()).await,
        "login_mismatch"
    );
    execute(&superuser, &format!("GRANT dot_operator TO \"{name}\"")).await;
    rows(&other, &run.conclusion("failed").sql()).await;
    drop(other);
    execute(&superuser, &format!("DROP ROLE \"{name}\"")).await;
    let _ = prefix;
}

#[apply(on_each_version)]
async fn leases_that_are_no_pairs_are_bounded_and_swept(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    let acquire = |number: i64| {
        format!(
            "SELECT dot.fn_dot_iu_runtime_lease_acquire('other:{number}', 'holder', 60)::text AS token"
        )
    };
    let tokens = "SELECT count(dot.fn_dot_iu_runtime_lease_acquire('other:' || n, 'holder', 60)) FROM generate_series(1, 100) n";
    assert_eq!(number(&observer, tokens).await, 100);
    assert_eq!(code(&observer, &acquire(101)).await, "lease_limit");
    // A pair's lease is not one of them.
    rows(&observer, &Call::acquire(60).sql()).await;
    // What ran out is swept by the next that is new.
    run_out(&superuser).await;
    rows(&observer, &acquire(102)).await;
    let left = "SELECT count(*) FROM dot.dot_iu_runtime_lease WHERE lease_name LIKE 'other:%'";
    assert_eq!(number(&superuser, left).await, 1);
    for name in ["x\u{7}y", "a\nb"] {
        let call = Call::acquire(60).text("p_lease_name", name).sql();
        assert_eq!(code(&observer, &call).await, "text_invalid");
    }
}

#[apply(on_each_version)]
async fn lease_of_a_day_that_was_taken_away_is_not_taken_again_by_an_observer(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator, runner) = (
        stage.client("observer").await,
        stage.client("operator").await,
        stage.client("runner").await,
    );
    rows(&observer, &Call::acquire(86_400).sql()).await;
    let release =
        format!("SELECT dot.fn_dot_lease_force_release('{LEASE}', 'operator', 'held for a day')");
    assert_eq!(value(&operator, &release).await, true);
    assert_eq!(
        code(&observer, &Call::acquire(86_400).sql()).await,
        "lease_held"
    );
    rows(&runner, &Call::acquire(60).sql()).await;
}

/// Producer and verifier change places while a run is under way: the pair still has one live run.
#[apply(on_each_version)]
async fn pair_with_swapped_roles_has_one_live_run(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    let run = begun(&runner, "REAL_RUN").await;
    let swapped = serde_json::json!([
        {"dot_code": "DOT_BACKUP", "name": "b", "tier": "A", "paired_dot": "DOT_BACKUP_VERIFY", "pair_role": "verifier"},
        {"dot_code": "DOT_BACKUP_VERIFY", "name": "v", "tier": "B", "paired_dot": "DOT_BACKUP", "pair_role": "producer"},
    ]);
    let import = crate::common::fixtures::import(&swapped).sql();
    assert_eq!(code(&operator, &import).await, "tool_invalid");
    // Behind the function's back: the beginning looks for itself.
    execute(
        &superuser,
        "BEGIN; SET CONSTRAINTS ALL DEFERRED;
         UPDATE dot.dot_tools SET pair_role = CASE pair_role WHEN 'producer' THEN 'verifier' ELSE 'producer' END
         WHERE dot_code IN ('DOT_BACKUP', 'DOT_BACKUP_VERIFY'); COMMIT",
    )
    .await;
    let reversed = begin("DRY_RUN")
        .text("p_dot_code", "DOT_BACKUP_VERIFY")
        .sql();
    assert_eq!(code(&runner, &reversed).await, "lease_held");
    rows(&runner, &run.conclusion("cancelled").sql()).await;
    rows(&operator, &import).await;
    Begun::of(&row(&runner, &reversed).await);
    let _ = PRODUCER;
}

/// What a session switches off behind the call is on again when the transaction commits.
#[apply(on_each_version)]
async fn synchronous_commit_stays_on_when_switched_off_after_the_call(backend: Backend) {
    let (_stage, mut runner, mut operator, _superuser) = ready(backend).await;
    let gate = Call::gate("process_dot_runtime.execute_enabled", "true").sql();
    let calls = [
        (&mut operator, gate),
        (&mut runner, begin("REAL_RUN").sql()),
    ];
    for (client, call) in calls {
        let transaction = client.transaction().await.unwrap();
        rows(&transaction, &call).await;
        execute(&transaction, "SET LOCAL synchronous_commit = off").await;
        // As the commit does.
        execute(&transaction, "SET CONSTRAINTS ALL IMMEDIATE").await;
        assert_eq!(
            text(&transaction, "SELECT current_setting('synchronous_commit')").await,
            "on"
        );
        transaction.rollback().await.unwrap();
    }
}

/// A request that another worker has claimed is not cancelled, and its row is not kept locked by an idle transaction.
#[apply(on_each_version)]
async fn cancelling_a_claimed_request_keeps_no_lock(backend: Backend) {
    let (stage, runner, operator, _superuser) = ready(backend).await;
    let request = text(
        &operator,
        &Call::new("fn_dot_run_request")
            .text("p_dot_code", PRODUCER)
            .text("p_process_candidate_code", CANDIDATE)
            .text("p_correlation_id", "corr-cancel")
            .text("p_actor", "operator")
            .text("p_mode", "REAL_RUN")
            .sql(),
    )
    .await;
    let claim = row(
        &runner,
        "SELECT claim_token FROM dot.fn_dot_run_request_claim('worker', 60)",
    )
    .await;
    let idle = stage.client("runner").await;
    execute(&idle, "BEGIN").await;
    let cancel = format!("SELECT dot.fn_dot_run_request_cancel('{request}', 'other', 'a test')");
    assert_eq!(value(&idle, &cancel).await, false);
    let renew = format!(
        "SELECT dot.fn_dot_run_request_renew('{request}', {}, 60)",
        literal(claim["claim_token"].as_str().unwrap())
    );
    assert_eq!(value(&runner, &renew).await, true);
    execute(&idle, "ROLLBACK").await;
}

/// An idle simulation in an old snapshot does not make a closing wait: the closing saw every receipt.
#[apply(on_each_version)]
async fn idle_simulation_in_repeatable_read_holds_no_gate(backend: Backend) {
    let (stage, _runner, operator, superuser) = ready(backend).await;
    let idle = stage.client("observer").await;
    execute(&idle, "BEGIN ISOLATION LEVEL REPEATABLE READ").await;
    rows(&idle, &Call::pair().sql()).await;
    let close = Call::gate("process_dot_runtime.real_run_enabled", "false").sql();
    rows(&operator, &close).await;
    let saw =
        "SELECT saw_every_receipt FROM dot.dot_config_history ORDER BY change_number DESC LIMIT 1";
    assert_eq!(value(&superuser, saw).await, true);
    execute(&idle, "ROLLBACK").await;
}

/// A claim that gives nothing keeps no lock: the tool can be retired while its caller idles.
#[apply(on_each_version)]
async fn empty_claim_holds_no_lock(backend: Backend) {
    let (stage, runner, operator, _superuser) = ready(backend).await;
    let request = Call::new("fn_dot_run_request")
        .text("p_dot_code", PRODUCER)
        .text("p_process_candidate_code", CANDIDATE)
        .text("p_correlation_id", "corr-claim")
        .text("p_actor", "operator")
        .text("p_mode", "REAL_RUN");
    rows(&operator, &request.sql()).await;
    // The pair runs: nothing can be claimed for it.
    begun(&runner, "REAL_RUN").await;
    let idle = stage.client("runner").await;
    execute(&idle, "BEGIN").await;
    let claim = "SELECT request_id FROM dot.fn_dot_run_request_claim('idle', 60)";
    assert!(rows(&idle, claim).await.is_empty());
    let locked =
        format!("SELECT FROM dot.dot_tools WHERE dot_code = '{PRODUCER}' FOR NO KEY UPDATE NOWAIT");
    execute(&stage.superuser().await, &locked).await;
    execute(&idle, "ROLLBACK").await;
}
