//! Rows, settings, locks and prepared statements that a check would leave in its caller's session.

use rstest_reuse::apply;

use super::queries::PREFLIGHT;
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::register_check;
use crate::common::run_calls::ready;
use crate::common::{Backend, Call, TestContext, execute, number, row, text, value};

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
async fn check_does_not_run_while_the_session_holds_advisory_locks(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    register_check(&superuser, "hostile", "BEGIN RETURN 0; END", "WARN", "0").await;
    execute(&observer, "SELECT pg_advisory_lock(42)").await;
    // A check could acquire or release the same lock, and a count of locks would not show it.
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
            // The statement is unchanged or deallocated.
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

/// A check that raises `query_canceled` itself has no result: it blocks and is named.
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
    // A cancellation by the server ends the call.
    let sleeps = "BEGIN PERFORM pg_sleep(600); RETURN 0; END";
    register_check(&superuser, "hostile", sleeps, "WARN", "0").await;
    execute(&observer, "SET statement_timeout = '300ms'").await;
    let ended = observer.simple_query(PREFLIGHT).await.unwrap_err();
    assert_eq!(ended.code().unwrap().code(), "57014");
}
