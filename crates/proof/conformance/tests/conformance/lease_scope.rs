//! What excludes two runs of a producer: its lease scope.

use rstest_reuse::apply;
use serde_json::json;
use tokio_postgres::Client;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{CANDIDATE, OTHER_PRODUCER, PRODUCER, VERIFIER, import, tools};
use crate::common::run_calls::{Begun, begin, ready, run_out};
use crate::common::{Backend, Call, code, execute, number, row, rows, text};

/// Imports the registry again with this scope for the first producer.
async fn set_scope(operator: &Client, scope: &str) {
    rows(operator, &scoped(scope).sql()).await;
}

fn scoped(scope: &str) -> Call {
    let mut tools = tools();
    tools[0]["lease_scope"] = json!(scope);
    import(&tools)
}

fn with_input(input: &str) -> String {
    begin("REAL_RUN").text("p_input_ref", input).sql()
}

async fn conclude(runner: &Client, run: &Begun) {
    rows(runner, &run.conclusion("failed").sql()).await;
}

#[apply(on_each_version)]
async fn runs_with_other_inputs_run_side_by_side(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    set_scope(&operator, "input").await;
    let first = Begun::of(&row(&runner, &with_input("/a")).await);
    let second = Begun::of(&row(&runner, &with_input("/b")).await);
    assert_eq!(code(&runner, &with_input("/a")).await, "lease_held");
    let mut names = Vec::new();
    for input in ["/a", "/b"] {
        names.push(format!(
            "dot_exec:{PRODUCER}:input:{}",
            digest(&superuser, input).await
        ));
    }
    names.sort();
    let held = "SELECT string_agg(lease_name, ' ' ORDER BY lease_name COLLATE \"C\") FROM dot.v_dot_lease WHERE state = 'held'";
    assert_eq!(text(&runner, held).await, names.join(" "));
    conclude(&runner, &first).await;
    let again = Begun::of(&row(&runner, &with_input("/a")).await);
    conclude(&runner, &again).await;
    conclude(&runner, &second).await;
    // A narrow lease ends with its run: inputs leave nothing behind.
    let left = format!(
        "SELECT count(*) FROM dot.dot_iu_runtime_lease WHERE lease_name LIKE 'dot_exec:{PRODUCER}:%'"
    );
    assert_eq!(number(&superuser, &left).await, 0);
    let counted = "SELECT run_count FROM dot.v_process_discovery_runtime_observed";
    assert_eq!(number(&runner, counted).await, 3);
}

/// The digest that a narrow lease's name has.
async fn digest(superuser: &Client, of: &str) -> String {
    text(
        superuser,
        &format!("SELECT left(encode(sha256('{of}'), 'hex'), 32)"),
    )
    .await
}

#[apply(on_each_version)]
async fn scopes_name_their_leases(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    let candidate = digest(&superuser, CANDIDATE).await;
    for (scope, expected) in [
        ("pair", format!("dot_exec:{PRODUCER}")),
        (
            "candidate",
            format!("dot_exec:{PRODUCER}:candidate:{candidate}"),
        ),
        ("group:disk_1", "dot_group:disk_1".to_owned()),
    ] {
        set_scope(&operator, scope).await;
        let begun = row(&runner, &with_input("/a")).await;
        assert_eq!(begun["lease_name"], expected.as_str());
        conclude(&runner, &Begun::of(&begun)).await;
    }
}

#[apply(on_each_version)]
async fn one_group_excludes_runs_of_several_pairs(backend: Backend) {
    let (_stage, runner, operator, _superuser) = ready(backend).await;
    let mut all = tools();
    for producer in [0, 2] {
        all[producer]["lease_scope"] = json!("group:nas");
    }
    rows(&operator, &import(&all).sql()).await;
    for dot_code in [OTHER_PRODUCER, "DOT_COPY_VERIFY"] {
        let contract = format!(
            "SELECT dot.fn_dot_contract_set('{{\"dot_code\": \"{dot_code}\", \"mode\": \"REAL_RUN\", \"endpoint_ref\": \"command:x\"}}', 'o')"
        );
        rows(&operator, &contract).await;
    }
    let other = begin("REAL_RUN").text("p_dot_code", OTHER_PRODUCER).sql();
    let first = Begun::of(&row(&runner, &with_input("/a")).await);
    assert_eq!(code(&runner, &other).await, "lease_held");
    conclude(&runner, &first).await;
    let second = Begun::of(&row(&runner, &other).await);
    assert_eq!(code(&runner, &with_input("/a")).await, "lease_held");
    conclude(&runner, &second).await;
}

#[apply(on_each_version)]
async fn the_pairs_own_lease_keeps_narrower_runs_out(backend: Backend) {
    let (_stage, runner, operator, _superuser) = ready(backend).await;
    set_scope(&operator, "input").await;
    let token = text(&runner, &Call::acquire(60).sql()).await;
    assert_eq!(code(&runner, &with_input("/a")).await, "lease_held");
    let release = Call::lease("fn_dot_iu_runtime_lease_release").text("p_token", &token);
    rows(&runner, &release.sql()).await;
    Begun::of(&row(&runner, &with_input("/a")).await);
}

#[apply(on_each_backend)]
async fn acquiring_the_pairs_lease_waits_for_a_narrower_run_that_is_being_begun(backend: Backend) {
    let (stage, mut runner, operator, superuser) = ready(backend).await;
    set_scope(&operator, "input").await;
    let transaction = runner.transaction().await.unwrap();
    let begun = row(&transaction, &with_input("/a")).await;
    let other = stage.client("runner").await;
    let acquire = Call::acquire(60).sql();
    let acquiring = async { row(&other, &acquire).await };
    let committing = async {
        // The acquisition waits for the open transaction.
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%lease_acquire%'";
        while number(&superuser, waits).await == 0 {}
        transaction.commit().await.unwrap();
    };
    let (acquired, ()) = tokio::join!(acquiring, committing);
    assert!(acquired["fn_dot_iu_runtime_lease_acquire"].is_string());
    let held = "SELECT count(*) FROM dot.v_dot_lease WHERE state = 'held'";
    assert_eq!(number(&superuser, held).await, 2, "{begun}");
}

#[apply(on_each_version)]
async fn an_abandoned_narrow_run_is_concluded_by_the_next_one(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    set_scope(&operator, "input").await;
    let dead = Begun::of(&row(&runner, &with_input("/a")).await);
    run_out(&superuser).await;
    let next = Begun::of(&row(&runner, &with_input("/a")).await);
    let status = format!(
        "SELECT status FROM dot.v_process_run WHERE process_run_id = '{}'",
        dead.run
    );
    assert_eq!(text(&runner, &status).await, "stuck");
    conclude(&runner, &next).await;
    let dead = Begun::of(&row(&runner, &with_input("/b")).await);
    run_out(&superuser).await;
    let reap = Call::new("fn_process_run_reap").text("p_actor", "a").sql();
    assert_eq!(text(&runner, &reap).await, dead.run);
}

#[apply(on_each_version)]
async fn scope_changes_only_while_no_run_is_open(backend: Backend) {
    let (_stage, runner, operator, _superuser) = ready(backend).await;
    set_scope(&operator, "input").await;
    let run = Begun::of(&row(&runner, &with_input("/a")).await);
    assert_eq!(code(&operator, &scoped("pair").sql()).await, "tool_invalid");
    conclude(&runner, &run).await;
    set_scope(&operator, "pair").await;
    for (wrong, tool) in [("inputs", 0), ("group:", 0), ("group:a b", 0), ("input", 1)] {
        let mut all = tools();
        all[tool]["lease_scope"] = json!(wrong);
        assert_eq!(
            code(&operator, &import(&all).sql()).await,
            "tool_invalid",
            "{wrong} {VERIFIER}"
        );
    }
}

/// What a run and a claim read does not grow with the inputs that there were.
#[apply(on_each_version)]
async fn a_hundred_thousand_inputs_leave_no_growth(backend: Backend) {
    let (_stage, mut runner, operator, superuser) = ready(backend).await;
    set_scope(&operator, "input").await;
    execute(
        &superuser,
        "INSERT INTO dot.dot_run_request (request_id, dot_code, process_candidate_code, mode, correlation_id, actor, input_ref,
           requested_at, not_before, lease_name)
         SELECT gen_random_uuid(), 'DOT_BACKUP', 'PROC-CAND:dot:backup', 'REAL_RUN', 'c', 'a', i, now(), now() - interval '1 s',
           'dot_exec:DOT_BACKUP:input:' || left(encode(sha256(i::text::bytea), 'hex'), 32)
         FROM generate_series(1, 100000) i;
         ANALYZE dot.dot_run_request",
    )
    .await;
    let claim = Call::new("fn_dot_run_request_claim")
        .text("p_runner", "worker 1")
        .with("p_ttl_seconds", "60")
        .sql();
    for _ in 0..3 {
        assert_eq!(rows(&runner, &claim).await.len(), 1);
    }
    let transaction = runner.transaction().await.unwrap();
    assert_eq!(rows(&transaction, &claim).await.len(), 1);
    let read = "SELECT seq_tup_read::bigint FROM pg_stat_xact_user_tables WHERE relname = 'dot_run_request'";
    assert_eq!(number(&transaction, read).await, 0);
    let fetched = "SELECT idx_tup_fetch::bigint FROM pg_stat_xact_user_tables WHERE relname = 'dot_run_request'";
    let fetched = number(&transaction, fetched).await;
    assert!(fetched < 1000, "{fetched} rows");
}
