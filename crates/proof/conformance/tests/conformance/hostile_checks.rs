//! Preflight checks are foreign code. A check can only return a number: no search path, row, setting, lock or trigger
//! of it remains, and no function of the contract depends on the search path that it leaves.

use rstest_reuse::apply;
use serde_json::Value;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{register_check, set_posture};
use crate::common::run_calls::{begin, ready};
use crate::common::{
    Backend, Call, TestContext, ask, contents, execute, literal, number, refused, row, rows, text,
    value,
};

const ASSERT: &str = "SELECT dot.fn_assert_safe_for_dot_action()::text";
const PREFLIGHT: &str =
    "SELECT check_name, cnt, status FROM dot.fn_dot_preflight() WHERE check_name = 'hostile'";

/// A check changes the search path, and temporary objects named like the contract's wait there for the owner.
#[apply(on_each_version)]
async fn check_that_changes_the_search_path_opens_no_gate(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, operator) = (stage.superuser().await, stage.client("operator").await);
    for set_path in [
        "PERFORM set_config('search_path', 'pg_temp, dot', false)",
        "PERFORM set_config('search_path', 'pg_temp, dot', true)",
        "SET search_path = pg_temp, dot",
        "EXECUTE 'SET search_path = pg_temp, dot'",
    ] {
        let body = format!("BEGIN {set_path}; RETURN 0; END");
        register_check(&superuser, "hostile", &body, "WARN", "1 hour").await;
        execute(
            &operator,
            "DISCARD TEMP; CREATE TEMP TABLE dot_preflight_answer (check_name text, check_revision bigint, count_query text, cnt bigint,
               answered_at timestamptz);
             GRANT ALL ON dot_preflight_answer TO PUBLIC; INSERT INTO dot_preflight_answer VALUES ('hostile');
             CREATE TEMP TABLE dot_preflight_check (LIKE pg_temp.dot_preflight_answer); GRANT ALL ON dot_preflight_check TO PUBLIC;
             CREATE FUNCTION pg_temp.open_gates() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               UPDATE dot.dot_config SET value = 'true'; RETURN NEW; END $$;
             CREATE TRIGGER t BEFORE UPDATE ON dot_preflight_answer FOR EACH ROW EXECUTE FUNCTION pg_temp.open_gates()",
        )
        .await;
        for call in [
            PREFLIGHT.to_owned(),
            ASSERT.to_owned(),
            Call::gate("process_dot_runtime.execute_enabled", "false").sql(),
        ] {
            let _ = ask(&operator, &call).await;
        }
        assert_eq!(
            value(&operator, "SELECT dot.fn_process_dot_posture()").await,
            "NO_EXECUTE",
            "{set_path}"
        );
        let path = text(&operator, "SELECT current_setting('search_path')").await;
        assert!(!path.contains("pg_temp"), "{set_path}: {path}");
    }
}

/// The effects of a check on the session or transaction of its caller.
#[apply(on_each_version)]
async fn check_has_no_side_effects_on_the_session(backend: Backend) {
    let (stage, mut runner, _operator, superuser) = ready(backend).await;
    execute(
        &superuser,
        "CREATE SCHEMA team; GRANT USAGE ON SCHEMA team TO PUBLIC;
         CREATE TABLE team.loot (what text); GRANT ALL ON team.loot TO PUBLIC;
         CREATE FUNCTION team.later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           RAISE EXCEPTION 'the trigger of a check runs as %', current_user; END $$;
         CREATE TABLE team.trap (i int); GRANT ALL ON team.trap TO PUBLIC;
         CREATE CONSTRAINT TRIGGER later AFTER INSERT ON team.trap DEFERRABLE INITIALLY DEFERRED
           FOR EACH ROW EXECUTE FUNCTION team.later()",
    )
    .await;
    let attempts = [
        ("INSERT INTO team.loot VALUES ('a row')", "BLOCK"),
        ("INSERT INTO team.trap VALUES (1)", "BLOCK"),
        ("PERFORM pg_advisory_lock(4711)", "BLOCK"),
        ("PERFORM pg_advisory_lock(-3, 2147483647)", "BLOCK"),
        ("PERFORM pg_advisory_lock_shared(-1)", "BLOCK"),
        (
            "PERFORM pg_advisory_lock(1), pg_advisory_lock(1), pg_advisory_lock_shared(7, -7)",
            "BLOCK",
        ),
        (
            "PERFORM set_config('synchronous_commit', 'off', false)",
            "PASS",
        ),
        (
            "PERFORM set_config('session_replication_role', 'origin', false)",
            "BLOCK",
        ),
        (
            "PERFORM set_config('statement_timeout', '1ms', false)",
            "PASS",
        ),
        ("PERFORM pg_notify('dotwrap_gate', 'dot')", "PASS"),
        ("CREATE TEMP TABLE dot_config (key text)", "BLOCK"),
        (
            "PERFORM set_config('transaction_read_only', 'off', true)",
            "BLOCK",
        ),
    ];
    for (attempt, status) in attempts {
        let body = format!("BEGIN {attempt}; RETURN 0; END");
        register_check(&superuser, "hostile", &body, "WARN", "0").await;
        let transaction = runner.transaction().await.unwrap();
        assert_eq!(
            row(&transaction, PREFLIGHT).await["status"],
            status,
            "{attempt}"
        );
        for (setting, expected) in [
            ("synchronous_commit", "off"),
            ("statement_timeout", "0"),
            ("transaction_read_only", "off"),
        ] {
            let shown = text(
                &transaction,
                &format!("SELECT current_setting('{setting}')"),
            )
            .await;
            // The test server's own default is off.
            assert_eq!(shown, expected, "{attempt}");
        }
        transaction.commit().await.unwrap();
        let locks =
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()";
        assert_eq!(number(&runner, locks).await, 0, "{attempt}");
        assert_eq!(
            number(&superuser, "SELECT count(*) FROM team.loot").await,
            0
        );
        assert_eq!(
            number(&superuser, "SELECT count(*) FROM team.trap").await,
            0
        );
    }
    drop(stage);
}

#[apply(on_each_version)]
async fn check_is_not_asked_while_the_session_holds_advisory_locks(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    register_check(&superuser, "hostile", "BEGIN RETURN 0; END", "WARN", "0").await;
    execute(&observer, "SELECT pg_advisory_lock(42)").await;
    // A check could take the same lock once more, or give it back: neither would show.
    for check in [
        "BEGIN RETURN 0; END",
        "BEGIN PERFORM pg_advisory_lock(42); RETURN 0; END",
        "BEGIN PERFORM pg_advisory_unlock_all(); RETURN 0; END",
    ] {
        register_check(&superuser, "hostile", check, "WARN", "0").await;
        assert_eq!(row(&observer, PREFLIGHT).await["status"], "BLOCK");
    }
    assert_eq!(
        value(&observer, "SELECT pg_advisory_unlock(42)").await,
        true
    );
    assert_eq!(
        value(&observer, "SELECT pg_advisory_unlock(42)").await,
        false
    );
}

#[apply(on_each_version)]
async fn temporary_function_is_no_check(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    execute(
        &operator,
        "CREATE FUNCTION pg_temp.mine() RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint'",
    )
    .await;
    let set = Call::new("fn_dot_preflight_check_set")
        .text("p_check_name", "hostile")
        .text("p_count_query", "pg_temp.mine")
        .text("p_actor", "operator");
    assert_eq!(
        crate::common::code(&operator, &set.sql()).await,
        "check_invalid"
    );
}

/// The complete attack: all gates are closed, and no ledger row may change.
#[apply(on_each_version)]
async fn hostile_check_cannot_forge_ledger_rows(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    let body = "BEGIN PERFORM set_config('search_path', 'pg_temp, dot', false);
        CREATE TEMP TABLE dot_tools AS SELECT 'X' AS dot_code; RETURN 0; END";
    register_check(&superuser, "hostile", body, "WARN", "1 hour").await;
    let before = contents(&superuser).await;
    assert_eq!(
        crate::common::code(&observer, &Call::pair().sql()).await,
        "preflight_blocked"
    );
    contents(&superuser)
        .await
        .assert_same(&before, "a hostile check");
}

/// A lint: which functions execute foreign code by dynamic SQL, and whether they restore the search path.
#[apply(on_each_version)]
async fn only_preflight_run_check_executes_foreign_code(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let sources = rows(
        &superuser,
        "SELECT p.proname AS name, p.prosrc AS source FROM pg_proc p WHERE p.pronamespace = 'dot'::regnamespace",
    )
    .await;
    let found: Vec<String> = sources
        .iter()
        .filter(|function| runs_code_of_others(function["source"].as_str().unwrap()))
        .map(|function| function["name"].as_str().unwrap().to_owned())
        .collect();
    // The second executes DEALLOCATE with quoted names, and nothing else.
    assert_eq!(
        found,
        [
            "fn_dot_preflight_run_check",
            "fn_dot_prepared_statements_restore"
        ]
    );
    let restore = sources
        .iter()
        .find(|function| function["name"] == "fn_dot_prepared_statements_restore")
        .and_then(|function| function["source"].as_str())
        .unwrap();
    assert_eq!(
        restore
            .matches("EXECUTE format('DEALLOCATE %I', v_name)")
            .count(),
        restore.matches("EXECUTE").count()
    );
    let ask_source = sources
        .iter()
        .find(|function| function["name"] == "fn_dot_preflight_run_check")
        .and_then(|function| function["source"].as_str())
        .unwrap();
    assert!(verifies_the_path(ask_source), "{ask_source}");
    // The lint finds what it is for.
    for bad in [
        "BEGIN EXECUTE 'SELECT ' || p_query INTO v_count; RETURN v_count; END",
        "BEGIN\n  execute format('SELECT %s()', v_check);\nEND",
    ] {
        assert!(runs_code_of_others(bad) && !verifies_the_path(bad), "{bad}");
    }
}

/// Whether a function's text executes a text.
fn runs_code_of_others(source: &str) -> bool {
    source.lines().any(|line| {
        let line = line.split("--").next().unwrap_or_default().to_lowercase();
        // The name of a privilege is no command.
        let line = line.replace("'execute'", "");
        line.split(|character: char| !character.is_alphanumeric() && character != '_')
            .any(|word| word == "execute")
    })
}

/// Whether it undoes what it ran, and compares the path afterwards.
fn verifies_the_path(source: &str) -> bool {
    let Some(at) = source.find("EXECUTE v_check") else {
        return false;
    };
    let after = &source[at..];
    let undone = after.find("ERRCODE = 'DOTUN'");
    let compared = after.find("current_setting('search_path') OPERATOR(pg_catalog.<>) v_path");
    matches!((undone, compared), (Some(undone), Some(compared)) if undone < compared)
}

/// A reader that leaves its transaction open behind the preflight keeps no operator from changing a check.
#[apply(on_each_backend)]
async fn idle_reader_behind_preflight_blocks_no_change_of_a_check(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    register_check(
        &superuser,
        "hostile",
        "BEGIN RETURN 0; END",
        "WARN",
        "1 hour",
    )
    .await;
    for (role, call) in [
        ("reader", PREFLIGHT.to_owned()),
        ("observer", Call::pair().sql()),
    ] {
        let mut idler = stage.client(role).await;
        let transaction = idler.transaction().await.unwrap();
        rows(&transaction, &call).await;
        register_check(&superuser, "hostile", "BEGIN RETURN 1; END", "BLOCK", "0").await;
        transaction.rollback().await.unwrap();
        register_check(
            &superuser,
            "hostile",
            "BEGIN RETURN 0; END",
            "WARN",
            "1 hour",
        )
        .await;
    }
}

#[apply(on_each_version)]
async fn answer_of_an_old_snapshot_is_neither_used_nor_remembered(backend: Backend) {
    let (stage, _runner, operator, superuser) = ready(backend).await;
    execute(
        &superuser,
        "CREATE SCHEMA IF NOT EXISTS checks; CREATE TABLE checks.maintenance (closed bigint);
         INSERT INTO checks.maintenance VALUES (0); GRANT SELECT ON checks.maintenance TO PUBLIC; GRANT USAGE ON SCHEMA checks TO PUBLIC",
    )
    .await;
    let body = "BEGIN RETURN (SELECT closed FROM checks.maintenance); END";
    register_check(&superuser, "hostile", body, "BLOCK", "1 hour").await;
    let mut old = stage.client("runner").await;
    for isolation in ["REPEATABLE READ", "SERIALIZABLE"] {
        execute(&superuser, "UPDATE checks.maintenance SET closed = 0; UPDATE dot.dot_preflight_answer SET answered_at = '-infinity'").await;
        let transaction = old.transaction().await.unwrap();
        execute(
            &transaction,
            &format!("SET TRANSACTION ISOLATION LEVEL {isolation}"),
        )
        .await;
        rows(&transaction, "SELECT count(*) FROM dot.v_dot_gate").await;
        execute(&superuser, "UPDATE checks.maintenance SET closed = 7").await;
        let error = ask(&transaction, &begin("REAL_RUN").sql())
            .await
            .unwrap_err();
        assert_eq!(
            crate::common::Refusal::of(&error).code,
            "snapshot_too_old",
            "{error:?}"
        );
        transaction.rollback().await.unwrap();
        let answered: Value = value(
            &superuser,
            &format!("SELECT count(*) FROM dot.dot_preflight_answer WHERE check_name = {} AND answered_at > '-infinity'", literal("hostile")),
        )
        .await;
        assert_eq!(answered, 0, "remembered for everybody");
    }
    set_posture(&operator, "NO_EXECUTE").await;
}

/// Prepared statements belong to the session, and no rollback removes them. A check that replaces one would have its
/// own text executed with the caller's privileges.
#[apply(on_each_backend)]
async fn check_that_replaces_a_prepared_statement_is_never_executed(backend: Backend) {
    let (stage, runner, operator, superuser) = ready(backend).await;
    execute(
        &superuser,
        "CREATE SCHEMA team; GRANT USAGE ON SCHEMA team TO PUBLIC",
    )
    .await;
    for ending in [
        "RETURN 0",
        "RAISE EXCEPTION 'the check fails'",
        "RAISE EXCEPTION USING ERRCODE = 'query_canceled'",
        "PERFORM set_config('search_path', 'pg_temp', false); RETURN 0",
    ] {
        let body = format!(
            "DECLARE n text; BEGIN
               FOR n IN SELECT name FROM pg_prepared_statements WHERE statement LIKE 'SELECT current_database()%' LOOP
                 EXECUTE format('DEALLOCATE %I', n);
                 EXECUTE format('PREPARE %I AS SELECT ''forged''::text', n);
               END LOOP;
               EXECUTE 'PREPARE left_behind AS SELECT 1';
               {ending};
             END"
        );
        register_check(&superuser, "hostile", &body, "WARN", "0").await;
        for client in [&operator, &runner] {
            let ours = client
                .prepare("SELECT current_database()::text")
                .await
                .unwrap();
            client.query_one(&ours, &[]).await.unwrap();
            assert_eq!(row(client, PREFLIGHT).await["status"], "BLOCK", "{ending}");
            // Gone, or as it was.
            match client.query_one(&ours, &[]).await {
                Ok(answer) => assert_ne!(answer.get::<_, String>(0), "forged", "{ending}"),
                Err(error) => assert_eq!(error.code().unwrap().code(), "26000", "{ending}"),
            }
            let left = "SELECT count(*) FROM pg_prepared_statements WHERE from_sql";
            assert_eq!(number(client, left).await, 0, "{ending}");
        }
    }
    drop(stage);
}

/// A check neither reads, moves nor closes a cursor of its caller, and what it does to no cursor stays as it is.
#[apply(on_each_version)]
async fn no_check_is_asked_while_a_cursor_is_open(backend: Backend) {
    let (stage, mut runner, _operator, superuser) = ready(backend).await;
    for attempt in [
        "EXECUTE 'FETCH 3 FROM ours'",
        "EXECUTE 'CLOSE ours'",
        "EXECUTE 'CLOSE ALL'",
    ] {
        let body = format!("BEGIN {attempt}; RETURN 0; END");
        register_check(&superuser, "hostile", &body, "WARN", "0").await;
        let transaction = runner.transaction().await.unwrap();
        execute(
            &transaction,
            "DECLARE ours CURSOR FOR SELECT generate_series(1, 4)",
        )
        .await;
        assert_eq!(row(&transaction, PREFLIGHT).await["status"], "BLOCK");
        let rows = transaction.query("FETCH ALL FROM ours", &[]).await.unwrap();
        assert_eq!(rows.len(), 4, "{attempt}");
        transaction.rollback().await.unwrap();
        let transaction = runner.transaction().await.unwrap();
        execute(
            &transaction,
            "DECLARE ours CURSOR FOR SELECT generate_series(1, 4)",
        )
        .await;
        let refusal = refused(&transaction, &Call::pair().sql()).await;
        assert_eq!(refusal.code, "preflight_blocked", "{attempt}");
        assert!(refusal.message.contains("ours"), "{}", refusal.message);
        transaction.rollback().await.unwrap();
    }
    // A portal that a driver opened for this very call is no cursor of the caller's.
    register_check(&superuser, "hostile", "BEGIN RETURN 0; END", "WARN", "0").await;
    let transaction = runner.transaction().await.unwrap();
    let portal = transaction.bind(PREFLIGHT, &[]).await.unwrap();
    let answers = transaction.query_portal(&portal, 0).await.unwrap();
    assert_eq!(answers[0].get::<_, String>("status"), "PASS");
    transaction.rollback().await.unwrap();
    drop(stage);
}

/// The list of checks is read before the first is asked: none reads on in it and hides another.
#[apply(on_each_version)]
async fn check_hides_no_other_check(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, reader) = (stage.superuser().await, stage.client("reader").await);
    let list = "SELECT string_agg(check_name, ' ' ORDER BY check_name) FROM dot.fn_dot_preflight()";
    register_check(&superuser, "a_hostile", "BEGIN RETURN 0; END", "WARN", "0").await;
    let before = text(&reader, list).await;
    let body = "DECLARE n text; BEGIN
        FOR n IN SELECT name FROM pg_cursors WHERE name <> '' LOOP
          BEGIN EXECUTE format('FETCH ALL FROM %I', n); EXCEPTION WHEN OTHERS THEN NULL; END;
        END LOOP; RETURN 0; END";
    register_check(&superuser, "a_hostile", body, "WARN", "0").await;
    assert_eq!(text(&reader, list).await, before);
}

/// A check that says that it was canceled is a check without an answer, and is named.
#[apply(on_each_version)]
async fn cancellation_that_a_check_raises_blocks(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    let body = "BEGIN RAISE EXCEPTION USING ERRCODE = 'query_canceled', MESSAGE = 'canceling statement'; END";
    register_check(&superuser, "hostile", body, "WARN", "0").await;
    assert_eq!(row(&observer, PREFLIGHT).await["status"], "BLOCK");
    assert_eq!(
        crate::common::code(&observer, &Call::pair().sql()).await,
        "preflight_blocked"
    );
    // The server's own ends the call.
    let sleeps = "BEGIN PERFORM pg_sleep(600); RETURN 0; END";
    register_check(&superuser, "hostile", sleeps, "WARN", "0").await;
    execute(&observer, "SET statement_timeout = '300ms'").await;
    let ended = observer.simple_query(PREFLIGHT).await.unwrap_err();
    assert_eq!(ended.code().unwrap().code(), "57014");
}

/// The answer is remembered for every caller, so nothing of one caller's session decides it.
#[apply(on_each_version)]
async fn callers_settings_do_not_change_a_check_result(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    let body = "BEGIN RETURN CASE WHEN current_setting('timezone') = 'UTC' AND current_setting('datestyle') = 'ISO, YMD'
          AND current_setting('intervalstyle') = 'postgres' AND current_setting('lc_numeric') = 'C'
          AND current_setting('transform_null_equals') = 'off' AND current_setting('extra_float_digits') = '1'
          AND current_setting('plpgsql.check_asserts') = 'on' AND current_setting('timezone_abbreviations') = 'Default'
          AND current_setting('gin_fuzzy_search_limit') = '0' THEN 0 ELSE 1 END; END";
    register_check(&superuser, "hostile", body, "BLOCK", "0").await;
    execute(
        &observer,
        "SET timezone = 'Pacific/Kiritimati'; SET datestyle = 'SQL, DMY'; SET intervalstyle = 'iso_8601';
         SET transform_null_equals = on; SET extra_float_digits = 0; SET standard_conforming_strings = off;
         SET plpgsql.check_asserts = off; SET timezone_abbreviations = 'Australia'; SET gin_fuzzy_search_limit = 1",
    )
    .await;
    assert_eq!(row(&observer, PREFLIGHT).await["status"], "PASS");
    let kept = text(&observer, "SELECT current_setting('timezone')").await;
    assert_eq!(kept, "Pacific/Kiritimati");
}

/// A cached result lets the runs of all logins pass: a login that may only read writes no cache and locks no row.
#[apply(on_each_version)]
async fn preflight_of_a_reader_writes_no_cache(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, mut reader) = (stage.superuser().await, stage.client("reader").await);
    register_check(
        &superuser,
        "hostile",
        "BEGIN RETURN 0; END",
        "BLOCK",
        "1 hour",
    )
    .await;
    let answers = "SELECT count(*) FROM dot.dot_preflight_answer WHERE answered_at > '-infinity'";
    let transaction = reader.transaction().await.unwrap();
    rows(&transaction, ASSERT).await;
    execute(
        &superuser,
        "SELECT FROM dot.dot_preflight_answer FOR UPDATE NOWAIT",
    )
    .await;
    transaction.commit().await.unwrap();
    assert_eq!(number(&superuser, answers).await, 0);
    rows(&stage.client("observer").await, ASSERT).await;
    assert!(number(&superuser, answers).await > 0);
}

/// A loop over a query is a cursor: the contract has none open where a check is asked, and one that a caller left open
/// stops the check.
#[apply(on_each_version)]
async fn check_moves_no_unnamed_cursor(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, mut observer) = (stage.superuser().await, stage.client("observer").await);
    let moves = "BEGIN
        EXECUTE (SELECT format('MOVE FORWARD 5 IN %I', c.name) FROM pg_cursors c WHERE c.name LIKE '<unnamed portal%' LIMIT 1);
        RETURN 0;
      EXCEPTION WHEN OTHERS THEN RETURN 0; END";
    register_check(&superuser, "hostile", moves, "BLOCK", "0").await;
    let backfill = "SELECT dot.fn_process_backfill((SELECT jsonb_agg(jsonb_build_object('dot_code', 'DOT_BACKUP',
          'process_candidate_code', 'PROC-CAND:old', 'correlation_id', 'old-' || n)) FROM generate_series(1, 40) n),
        'ann', 'ticket:1', repeat('0', 64))";
    assert_eq!(value(&observer, backfill).await, 40);
    let transaction = observer.transaction().await.unwrap();
    execute(
        &transaction,
        "DO $$ DECLARE v_open refcursor; BEGIN OPEN v_open FOR SELECT 1; END $$",
    )
    .await;
    assert_eq!(row(&transaction, PREFLIGHT).await["status"], "BLOCK");
}

/// What a caller's transaction saw of the sessions earlier answers no check.
#[apply(on_each_version)]
async fn old_statistics_snapshot_does_not_decide_a_check(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, mut observer) = (stage.superuser().await, stage.client("observer").await);
    let counts = "BEGIN RETURN (SELECT count(*) FROM pg_stat_activity WHERE application_name = 'forbidden'); END";
    register_check(&superuser, "hostile", counts, "BLOCK", "0").await;
    let transaction = observer.transaction().await.unwrap();
    rows(
        &transaction,
        "SELECT count(*) AS sessions FROM pg_stat_activity",
    )
    .await;
    let other = stage.superuser().await;
    execute(&other, "SET application_name = 'forbidden'").await;
    assert_eq!(row(&transaction, PREFLIGHT).await["status"], "BLOCK");
}
