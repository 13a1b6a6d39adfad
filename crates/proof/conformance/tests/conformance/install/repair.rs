//! An upgrade or a repair restores changed functions, guards, views and grants.

use dotwrap_contract::apply;
use rstest_reuse::apply as on;

use super::{catalogue_of, create_login, empty, repairing, works};
use crate::common::backend::on_each_version;
use crate::common::catalogue::assert_same;
use crate::common::{Backend, execute};

/// Deviations that an older release or the owner's role may have left. `ROLE` is the role prefix.
const DIFFERENCES: [&str; 19] = [
    "CREATE OR REPLACE FUNCTION dot.fn_dot_is_blank(p_text text) RETURNS boolean LANGUAGE sql AS 'SELECT false'",
    "CREATE OR REPLACE FUNCTION dot.fn_process_dot_posture() RETURNS text LANGUAGE sql SECURITY INVOKER AS 'SELECT ''REAL_RUN''::text'",
    "ALTER FUNCTION dot.fn_dot_preflight() RESET ALL",
    "ALTER FUNCTION dot.fn_dot_preflight() SECURITY INVOKER",
    "ALTER FUNCTION dot.fn_assert_safe_for_dot_action() SET statement_timeout = '1h'",
    "CREATE OR REPLACE VIEW dot.v_dot_posture AS SELECT 'REAL_RUN'::text AS posture, false AS is_changed_here",
    "ALTER VIEW dot.v_dot_gate SET (security_invoker = true)",
    "ALTER TABLE dot.process_run_observation DISABLE TRIGGER ledger_append_only",
    "ALTER TABLE dot.event_outbox ENABLE TRIGGER ledger_append_only",
    "DROP TRIGGER ledger_append_only ON dot.dot_refusal",
    "GRANT EXECUTE ON FUNCTION dot.fn_dot_gate_set(text, text, text, text, timestamptz, boolean, boolean, boolean) TO PUBLIC",
    "GRANT EXECUTE ON FUNCTION dot.fn_dot_gate_set(text, text, text, text, timestamptz, boolean, boolean, boolean) TO \"ROLE_reader\" WITH GRANT OPTION",
    "GRANT INSERT, UPDATE ON dot.process_run_observation TO \"ROLE_observer\"",
    "GRANT SELECT (value), UPDATE (value) ON dot.dot_config TO \"ROLE_reader\"",
    "GRANT ALL ON dot.dot_refusal TO PUBLIC",
    "GRANT CREATE ON SCHEMA dot TO \"ROLE_observer\"",
    "GRANT USAGE ON SEQUENCE dot.event_outbox_seq TO PUBLIC",
    "REVOKE SELECT ON dot.v_process_run FROM \"ROLE_reader\"",
    "REVOKE EXECUTE ON FUNCTION dot.fn_process_pair_observe FROM \"ROLE_observer\"",
];

#[on(on_each_version)]
async fn upgrade_restores_functions_guards_views_and_grants(backend: Backend) {
    let (stage, owner, superuser, options) = empty(backend).await;
    apply(&owner, &options).await.unwrap();
    let expected = catalogue_of(&stage, &options).await;
    let mut wrong = Vec::new();
    for difference in DIFFERENCES {
        let difference = difference.replace("ROLE_", &format!("{}_", options.role_prefix));
        execute(&superuser, &format!("SET ROLE {}_owner; {difference}; RESET ROLE; UPDATE dot.dot_contract_release SET digest = 'of an older release'", options.role_prefix)).await;
        assert!(
            catalogue_of(&stage, &options).await != expected,
            "no difference: {difference}"
        );
        let upgrade = apply(&owner, &options)
            .await
            .unwrap_or_else(|error| panic!("{difference}: {error}"));
        assert!(!upgrade.is_current());
        if catalogue_of(&stage, &options).await != expected {
            wrong.push(difference);
            // The next difference starts from a good state again.
            execute(&superuser, "DROP SCHEMA dot CASCADE").await;
            apply(&owner, &options).await.unwrap();
        }
    }
    assert!(wrong.is_empty(), "not put back: {wrong:#?}");
    works(&owner, "dot").await;
}

#[on(on_each_version)]
async fn upgrade_revokes_undeclared_grants(backend: Backend) {
    let (stage, owner, superuser, options) = empty(backend).await;
    apply(&owner, &options).await.unwrap();
    let expected = catalogue_of(&stage, &options).await;
    create_login(&stage, "").await;
    let prefix = &options.role_prefix;
    execute(
        &superuser,
        &format!(
            "SET ROLE {prefix}_owner; GRANT USAGE ON SCHEMA dot TO {prefix}_somebody; GRANT INSERT ON dot.process_run_observation TO {prefix}_somebody;
             GRANT EXECUTE ON FUNCTION dot.fn_dot_gate_set(text, text, text, text, timestamptz, boolean, boolean, boolean) TO {prefix}_somebody; GRANT UPDATE (value) ON dot.dot_config TO {prefix}_somebody"
        ),
    )
    .await;
    apply(&owner, &repairing(&options)).await.unwrap();
    assert_same(
        &catalogue_of(&stage, &options).await,
        &expected,
        "grants to a stranger",
    );
}
