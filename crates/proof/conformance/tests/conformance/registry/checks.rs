//! Registration of preflight checks.

use rstest_reuse::apply;

use crate::common::backend::on_each_version;
use crate::common::{Backend, Call, TestContext, code, contents, execute, rows, text};

#[apply(on_each_version)]
async fn a_check_is_a_function_that_is_there_and_counts(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    execute(
        &superuser,
        "CREATE SCHEMA checks; GRANT USAGE ON SCHEMA checks TO PUBLIC;
         CREATE FUNCTION checks.counts() RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint';
         CREATE FUNCTION checks.of_integer() RETURNS integer LANGUAGE sql AS 'SELECT 0';
         CREATE FUNCTION checks.of_set() RETURNS SETOF bigint LANGUAGE sql AS 'SELECT 0::bigint';
         CREATE FUNCTION checks.with_argument(p integer) RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint';
         CREATE FUNCTION checks.\"Quoted \"\"name\"() RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint';",
    )
    .await;
    let check = Call::new("fn_dot_preflight_check_set")
        .text("p_check_name", "mine")
        .text("p_count_query", "checks.counts")
        .text("p_actor", "operator");
    let before = contents(&superuser).await;
    let wrong = [
        check.clone().text("p_check_name", ""),
        check.clone().with("p_count_query", "NULL"),
        check.clone().text("p_count_query", ""),
        check.clone().text("p_count_query", "checks.nowhere"),
        check.clone().text("p_count_query", "nowhere.counts"),
        check
            .clone()
            .text("p_count_query", "fn_dot_check_malformed_gates"),
        check.clone().text("p_count_query", "checks.of_integer"),
        check.clone().text("p_count_query", "checks.of_set"),
        check.clone().text("p_count_query", "checks.with_argument"),
        check.clone().text("p_severity", "urgent"),
        check.clone().with("p_severity", "NULL"),
        check.clone().text("p_on_finding", "IGNORE"),
        check.clone().with("p_on_finding", "NULL"),
        check.clone().text("p_max_age", "-1 second"),
        check
            .clone()
            .text("p_max_age", "-71000000 months 2130000001 days"),
        check.clone().with("p_max_age", "NULL"),
    ];
    for call in wrong {
        assert_eq!(
            code(&operator, &call.sql()).await,
            "check_invalid",
            "{}",
            call.sql()
        );
    }
    for hostile in [
        "checks.counts(); DROP SCHEMA checks CASCADE; --",
        "checks.counts() --",
        "(SELECT 1)",
        "checks.counts\u{0}",
    ] {
        assert!(
            crate::common::ask(
                &operator,
                &check.clone().text("p_count_query", hostile).sql()
            )
            .await
            .is_err(),
            "{hostile:?}"
        );
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a refused check");
    assert_eq!(
        text(
            &operator,
            &check
                .clone()
                .text("p_count_query", "checks.\"Quoted \"\"name\"")
                .sql()
        )
        .await,
        "mine"
    );
    assert_eq!(
        text(
            &operator,
            "SELECT status FROM dot.fn_dot_preflight() WHERE check_name = 'mine'"
        )
        .await,
        "PASS"
    );
    rows(&operator, &check.with("p_enabled", "false").sql()).await;
    assert!(
        rows(
            &operator,
            "SELECT 1 FROM dot.fn_dot_preflight() WHERE check_name = 'mine'"
        )
        .await
        .is_empty()
    );
}
