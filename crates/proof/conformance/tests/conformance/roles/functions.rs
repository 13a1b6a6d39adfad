//! Functions: their search path, SECURITY DEFINER, and the objects of their callers.

use std::collections::BTreeSet;

use dotwrap_contract::access;
use rstest_reuse::apply;

use super::declared::names;
use crate::common::backend::on_each_version;
use crate::common::{Backend, Call, TestContext, execute, number, rows, text, value};

/// A function without a pinned path may be called only by the owner, runs with the caller's privileges, and is used in
/// no view, constraint, default or trigger: so it runs under the pinned path of its calling function.
#[apply(on_each_version)]
async fn every_function_pins_its_search_path_or_runs_under_one_that_is_pinned(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let unpinned = names(
        &superuser,
        "SELECT p.proname AS name FROM pg_proc p
         WHERE p.pronamespace = 'dot'::regnamespace AND NOT coalesce('search_path=dot, pg_temp' = ANY (p.proconfig), false)
           AND (p.prosecdef OR p.proconfig IS NOT NULL OR p.prorettype = 'trigger'::regtype
             OR EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee <> p.proowner)
             OR EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid = p.oid
                        AND d.deptype = 'n'))",
    )
    .await;
    assert!(unpinned.is_empty(), "{unpinned:?}");
}

#[apply(on_each_version)]
async fn granted_functions_need_no_table_privilege_of_the_caller(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    // The list may only shrink. It reads no table.
    const WITH_THE_CALLERS_RIGHTS: [&str; 1] = ["fn_dot_whitespace"];
    for (function, callers) in &access().functions {
        let for_clients = callers.iter().any(|role| access().roles[role].login);
        let definer = value(&superuser, &format!("SELECT prosecdef FROM pg_proc WHERE pronamespace = 'dot'::regnamespace AND proname = '{function}'")).await;
        assert_eq!(
            definer,
            for_clients && !WITH_THE_CALLERS_RIGHTS.contains(&function.as_str()),
            "{function}"
        );
    }
    // No other function is SECURITY DEFINER. A trigger's function cannot be called.
    let lending: BTreeSet<String> = names(&superuser, "SELECT proname AS name FROM pg_proc WHERE pronamespace = 'dot'::regnamespace AND prosecdef AND prorettype <> 'trigger'::regtype").await.into_iter().collect();
    for function in &lending {
        assert!(
            access().functions.contains_key(function)
                || access().checker_owned.functions.contains(function),
            "{function}"
        );
    }
}

#[apply(on_each_version)]
async fn callers_search_path_and_objects_do_not_affect_the_functions(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, installer) = (stage.superuser().await, stage.installer().await);
    // Objects with the contract's names in the caller's own schemas, which come first in the path.
    execute(
        &installer,
        "CREATE TEMP TABLE dot_config (key text, value text, expires_at timestamptz);
         INSERT INTO dot_config SELECT unnest('{iu_core.operator_runtime_enabled,process_dot_runtime.execute_enabled,process_dot_runtime.real_run_enabled}'::text[]), 'true';
         INSERT INTO dot_config VALUES ('process_dot_runtime.dry_run_only', 'false');
         CREATE TEMP TABLE process_run_observation (x text); CREATE TEMP TABLE dot_preflight_check (check_name text);
         CREATE TEMP VIEW v_dot_posture AS SELECT 'REAL_RUN' AS posture;
         CREATE FUNCTION pg_temp.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT '2000-01-01'::timestamptz $$;
         CREATE FUNCTION pg_temp.fn_process_dot_posture() RETURNS text LANGUAGE sql AS $$ SELECT 'REAL_RUN' $$;
         SET search_path = pg_temp, public, pg_catalog",
    )
    .await;
    assert_eq!(
        text(&installer, "SELECT dot.fn_process_dot_posture()").await,
        "NO_EXECUTE"
    );
    assert_eq!(
        crate::common::code(
            &installer,
            &Call::run().text("p_evidence_type", "REAL_RUN").sql()
        )
        .await,
        "real_run_disabled"
    );
    rows(&installer, &Call::pair().sql()).await;
    assert_eq!(
        number(
            &superuser,
            "SELECT count(*) FROM dot.process_run_observation"
        )
        .await,
        1
    );
}
