//! Settings and snapshots of the caller, which do not change a check's result.

use rstest_reuse::apply;
use serde_json::Value;

use super::queries::PREFLIGHT;
use crate::common::backend::on_each_version;
use crate::common::fixtures::{register_check, set_posture};
use crate::common::run_calls::{begin, ready};
use crate::common::{Backend, TestContext, ask, execute, literal, row, rows, text, value};

#[apply(on_each_version)]
async fn result_of_an_old_snapshot_is_neither_used_nor_cached(backend: Backend) {
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
        assert_eq!(answered, 0, "cached for all callers");
    }
    set_posture(&operator, "NO_EXECUTE").await;
}

/// A result is cached for all callers, so the settings of one session must not change it.
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

/// A statistics snapshot taken earlier in the caller's transaction is not used by a check.
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
