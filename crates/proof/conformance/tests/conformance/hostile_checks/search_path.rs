//! A check that changes the search path, and the functions that execute foreign code.

use rstest_reuse::apply;

use super::queries::{ASSERT, PREFLIGHT};
use crate::common::backend::on_each_version;
use crate::common::fixtures::register_check;
use crate::common::{Backend, Call, TestContext, ask, contents, execute, rows, text, value};

/// A check changes the search path to temporary objects with the names of the contract's tables.
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
    // The lint finds such code.
    for bad in [
        "BEGIN EXECUTE 'SELECT ' || p_query INTO v_count; RETURN v_count; END",
        "BEGIN\n  execute format('SELECT %s()', v_check);\nEND",
    ] {
        assert!(runs_code_of_others(bad) && !verifies_the_path(bad), "{bad}");
    }
}

/// Whether a function's source has an EXECUTE command.
fn runs_code_of_others(source: &str) -> bool {
    source.lines().any(|line| {
        let line = line.split("--").next().unwrap_or_default().to_lowercase();
        // The name of the privilege is not a command.
        let line = line.replace("'execute'", "");
        line.split(|character: char| !character.is_alphanumeric() && character != '_')
            .any(|word| word == "execute")
    })
}

/// Whether the function rolls the check back and then compares the search path.
fn verifies_the_path(source: &str) -> bool {
    let Some(at) = source.find("EXECUTE v_check") else {
        return false;
    };
    let after = &source[at..];
    let undone = after.find("ERRCODE = 'DOTUN'");
    let compared = after.find("current_setting('search_path') OPERATOR(pg_catalog.<>) v_path");
    matches!((undone, compared), (Some(undone), Some(compared)) if undone < compared)
}
