//! A caller's temporary objects never replace an object that a preflight check reads.

use rstest_reuse::apply;
use tokio_postgres::Client;

use crate::common::backend::on_each_version;
use crate::common::fixtures::register_check;
use crate::common::{Backend, Call, TestContext, code, execute, refused, row, rows};

/// A table and a check of another team's, with this search path.
async fn team(superuser: &Client, path: &str) {
    execute(
        superuser,
        &format!(
            "CREATE SCHEMA IF NOT EXISTS team; GRANT USAGE ON SCHEMA team TO PUBLIC;
             CREATE TABLE IF NOT EXISTS team.frost (day date); GRANT SELECT ON team.frost TO PUBLIC;
             CREATE OR REPLACE FUNCTION team.cold() RETURNS bigint LANGUAGE sql {path} AS 'SELECT count(*) FROM team.frost'"
        ),
    )
    .await;
}

fn set() -> String {
    Call::new("fn_dot_preflight_check_set")
        .text("p_check_name", "frozen")
        .text("p_count_query", "team.cold")
        .text("p_actor", "operator")
        .sql()
}

#[apply(on_each_version)]
async fn check_with_a_search_path_that_does_not_end_with_pg_temp_is_refused(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, operator) = (stage.superuser().await, stage.client("operator").await);
    for (path, is_taken) in [
        ("SET search_path = team", false),
        ("SET search_path = pg_temp, team", false),
        ("SET search_path = pg_temp, team, pg_temp", false),
        ("SET search_path = 'team, pg_temp'", false),
        ("SET search_path = ''", false),
        ("SET search_path = team, pg_temp", true),
        ("SET search_path = pg_temp", true),
        ("SET work_mem = '1MB'", true),
    ] {
        execute(&superuser, "DROP FUNCTION IF EXISTS team.cold()").await;
        team(&superuser, path).await;
        if is_taken {
            rows(&operator, &set()).await;
        } else {
            assert_eq!(code(&operator, &set()).await, "check_invalid", "{path}");
        }
    }
    // As the session wrote it: quoted, in other letters, and by the temporary schema's own name.
    for path in [
        r#""pg_temp", team, pg_temp"#,
        "PG_TEMP , team, pg_temp",
        "pg_temp_3, team, pg_temp",
    ] {
        execute(
            &superuser,
            &format!(
                "SET search_path = ''; SELECT set_config('search_path', '{path}', false);
              ALTER FUNCTION team.cold() SET search_path FROM CURRENT; RESET search_path"
            ),
        )
        .await;
        assert_eq!(code(&operator, &set()).await, "check_invalid", "{path}");
    }
    // A path that is changed later is found when the check is asked.
    execute(
        &superuser,
        "ALTER FUNCTION team.cold() SET search_path = team",
    )
    .await;
    let frozen = "SELECT cnt, status FROM dot.fn_dot_preflight() WHERE check_name = 'frozen'";
    assert_eq!(row(&operator, frozen).await["status"], "BLOCK");
    let observer = stage.client("observer").await;
    assert_eq!(
        code(&observer, &Call::pair().sql()).await,
        "preflight_blocked"
    );
}

/// The reader's view would run the reader's function with the checker's rights.
#[apply(on_each_version)]
async fn no_check_is_asked_while_the_session_has_temporary_objects(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let (reader, observer) = (stage.client("reader").await, stage.client("observer").await);
    execute(
        &superuser,
        "CREATE SCHEMA team; GRANT USAGE ON SCHEMA team TO PUBLIC; CREATE TABLE team.frost (day date); GRANT SELECT ON team.frost TO PUBLIC;
         CREATE FUNCTION team.cold() RETURNS bigint LANGUAGE sql SET search_path = team AS 'SELECT count(*) FROM frost'",
    )
    .await;
    // The check itself pins nothing, but what it calls does.
    register_check(
        &superuser,
        "frozen",
        "BEGIN RETURN team.cold(); END",
        "BLOCK",
        "1 hour",
    )
    .await;
    let frozen = "SELECT status FROM dot.fn_dot_preflight() WHERE check_name = 'frozen'";
    assert_eq!(row(&reader, frozen).await["status"], "PASS");
    for (made, gone) in [
        (
            "CREATE FUNCTION pg_temp.leak() RETURNS SETOF date LANGUAGE plpgsql AS $$ BEGIN
               RAISE EXCEPTION 'runs as %', current_user; END $$; GRANT EXECUTE ON FUNCTION pg_temp.leak() TO PUBLIC;
             CREATE TEMP VIEW frost AS SELECT d AS day FROM pg_temp.leak() d; GRANT SELECT ON frost TO PUBLIC",
            "DROP VIEW pg_temp.frost",
        ),
        (
            "CREATE TEMP TABLE frost (day date); GRANT SELECT ON frost TO PUBLIC",
            "DROP TABLE pg_temp.frost",
        ),
        (
            "CREATE TEMP SEQUENCE frost; GRANT SELECT ON SEQUENCE frost TO PUBLIC",
            "DROP SEQUENCE pg_temp.frost",
        ),
        ("CREATE DOMAIN pg_temp.date AS text", "DROP DOMAIN pg_temp.date"),
    ] {
        execute(&reader, made).await;
        assert_eq!(row(&reader, frozen).await["status"], "BLOCK", "{made}");
        execute(&reader, gone).await;
        assert_eq!(row(&reader, frozen).await["status"], "PASS", "{made}");
        execute(&observer, made).await;
        let refusal = refused(&observer, &Call::pair().sql()).await;
        assert_eq!(refusal.code, "preflight_blocked");
        assert!(refusal.message.contains("temporary objects"), "{}", refusal.message);
        execute(&observer, gone).await;
    }
    rows(&observer, &Call::pair().sql()).await;
}

/// A column of a table's row type would keep the next release from changing the table.
#[apply(on_each_version)]
async fn reader_makes_no_column_of_a_ledger_tables_row_type(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let reader = stage.client("reader").await;
    for relation in ["dot_tools", "process_run_observation", "v_process_run"] {
        let create = format!("CREATE TEMP TABLE t (x dot.{relation})");
        let error = reader.batch_execute(&create).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "42501", "{relation}");
    }
}
