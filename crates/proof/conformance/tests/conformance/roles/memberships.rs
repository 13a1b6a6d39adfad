//! Login attributes and memberships of the roles.

use dotwrap_contract::access;
use rstest_reuse::apply;
use serde_json::json;

use super::declared::{LOGIN_ROLES, inherited_roles, names};
use crate::common::backend::on_each_version;
use crate::common::{Backend, Call, TestContext, number, rows, value};

#[apply(on_each_version)]
async fn login_roles_log_in_and_owner_and_checker_cannot(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let roles = rows(&superuser, "SELECT substr(rolname, 5) AS name, rolcanlogin, rolinherit FROM pg_roles WHERE rolname LIKE 'dot\\_%' ORDER BY 1").await;
    let expected: Vec<_> = access()
        .roles
        .iter()
        .map(|(name, role)| json!({"name": name, "rolcanlogin": role.login, "rolinherit": true}))
        .collect();
    assert_eq!(roles, expected);
    let login: Vec<&str> = access()
        .roles
        .iter()
        .filter(|(_, role)| role.login)
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(login, LOGIN_ROLES);
    let privileged = names(&superuser, "SELECT rolname AS name FROM pg_roles WHERE rolname LIKE 'dot\\_%' AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)").await;
    assert!(privileged.is_empty(), "{privileged:?}");
    for role in ["owner", "checker"] {
        let config = stage.database().config_as(&format!("dot_{role}"));
        assert!(
            config.connect(tokio_postgres::NoTls).await.is_err(),
            "{role} logged in"
        );
    }
}

#[apply(on_each_version)]
async fn role_memberships_are_as_declared(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    for role in access().roles.keys() {
        for other in access().roles.keys() {
            let member = value(
                &superuser,
                &format!("SELECT pg_has_role('dot_{role}', 'dot_{other}', 'USAGE')"),
            )
            .await;
            assert_eq!(
                member,
                inherited_roles(role).contains(other),
                "{role} in {other}"
            );
        }
    }
}

#[apply(on_each_version)]
async fn installing_user_is_a_member_of_the_login_roles_and_not_of_owner(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let installer = stage.installer().await;
    for role in access().roles.keys() {
        let login = access().roles[role].login;
        assert_eq!(
            value(
                &installer,
                &format!("SELECT pg_has_role('dot_{role}', 'USAGE')")
            )
            .await,
            login,
            "{role}"
        );
        assert_eq!(
            installer
                .batch_execute(&format!("SET ROLE dot_{role}; RESET ROLE"))
                .await
                .is_ok(),
            login,
            "{role}"
        );
    }
    // It records and reads without SET ROLE.
    rows(&installer, &Call::pair().sql()).await;
    rows(&installer, "SELECT * FROM dot.v_process_run").await;
    for forbidden in [
        "UPDATE dot.dot_config SET value = 'true'",
        "INSERT INTO dot.process_run_observation SELECT * FROM dot.process_run_observation",
        "ALTER TABLE dot.process_run_observation DISABLE TRIGGER ledger_append_only",
        "ALTER TABLE dot.process_component_observation DROP CONSTRAINT process_component_execution_needs_receipt",
        "DROP TABLE dot.dot_refusal",
        "CREATE TABLE dot.mine ()",
        "CREATE OR REPLACE FUNCTION dot.fn_process_dot_posture() RETURNS text LANGUAGE sql AS 'SELECT ''REAL_RUN'''",
        "DROP SCHEMA dot CASCADE",
        "ALTER SCHEMA dot RENAME TO mine",
        "GRANT SELECT ON dot.v_process_run TO PUBLIC",
    ] {
        let error = installer.batch_execute(forbidden).await;
        // A GRANT without grant option is only a warning if the user holds some privilege.
        if forbidden.starts_with("GRANT") {
            continue;
        }
        assert_eq!(
            error.expect_err(forbidden).code().unwrap().code(),
            "42501",
            "{forbidden}"
        );
    }
    let superuser = stage.superuser().await;
    assert_eq!(number(&superuser, "SELECT count(*) FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace = 'dot'::regnamespace AND a.grantee = 0").await, 0);
}
