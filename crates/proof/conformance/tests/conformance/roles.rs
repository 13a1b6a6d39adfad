//! The privileges of each role: the database compared with the declaration.

use std::collections::BTreeSet;

use dotwrap_contract::access;
use rstest_reuse::apply;
use serde_json::json;
use tokio_postgres::Client;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::{Backend, Call, TestContext, ask, execute, number, rows, text, value};

const LOGIN_ROLES: [&str; 6] = [
    "archiver", "observer", "operator", "reader", "relay", "runner",
];

/// A role with everything that it inherits.
fn rights_of(role: &str) -> BTreeSet<String> {
    let mut rights = BTreeSet::from([role.to_owned()]);
    for inherited in &access().roles[role].inherits {
        rights.extend(rights_of(inherited));
    }
    rights
}

/// Whether any of a role's rights is among the declared.
fn is_declared(role: &str, declared: &[String]) -> bool {
    let rights = rights_of(role);
    declared.iter().any(|name| rights.contains(name))
}

/// The names of what a query lists.
async fn names(client: &Client, query: &str) -> Vec<String> {
    rows(client, query)
        .await
        .iter()
        .map(|row| row["name"].as_str().unwrap().to_owned())
        .collect()
}

#[apply(on_each_version)]
async fn each_role_may_call_exactly_the_functions_that_are_declared(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let functions = names(
        &superuser,
        "SELECT proname AS name FROM pg_proc WHERE pronamespace = 'dot'::regnamespace",
    )
    .await;
    let distinct: BTreeSet<_> = functions.iter().collect();
    assert_eq!(
        distinct.len(),
        functions.len(),
        "two functions of one name make calls ambiguous"
    );
    for function in access().functions.keys() {
        assert!(
            distinct.contains(function),
            "{function} is declared and not there"
        );
    }
    for role in access().roles.keys().filter(|role| *role != "owner") {
        let callable: BTreeSet<String> = names(&superuser, &format!("SELECT proname AS name FROM pg_proc WHERE pronamespace = 'dot'::regnamespace AND has_function_privilege('dot_{role}', oid, 'EXECUTE')")).await.into_iter().collect();
        let own: &[String] = if role == "checker" {
            &access().checker_owned.functions
        } else {
            &[]
        };
        let declared: BTreeSet<String> = access()
            .functions
            .iter()
            .filter(|(_, callers)| is_declared(role, callers))
            .map(|(name, _)| name.clone())
            .chain(own.iter().cloned())
            .collect();
        assert_eq!(callable, declared, "{role}");
    }
    let beyond_the_owner = names(&superuser, "SELECT proname AS name FROM pg_proc WHERE pronamespace = 'dot'::regnamespace AND NOT has_function_privilege('dot_owner', oid, 'EXECUTE')").await;
    assert!(beyond_the_owner.is_empty(), "{beyond_the_owner:?}");
}

#[apply(on_each_version)]
async fn each_role_reads_exactly_the_relations_that_are_declared_and_writes_none(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    for role in access().roles.keys().filter(|role| *role != "owner") {
        for kind in ["v", "r"] {
            let relations = names(
                &superuser,
                &format!(
                    "SELECT relname AS name FROM pg_class
                WHERE relnamespace = 'dot'::regnamespace AND relkind = '{kind}'"
                ),
            )
            .await;
            for relation in relations {
                let declared = match kind {
                    "v" => access().views.readers_of(&relation),
                    _ => &access().tables.select,
                };
                let reads = value(
                    &superuser,
                    &format!(
                        "SELECT has_table_privilege('dot_{role}', 'dot.{relation}', 'SELECT')"
                    ),
                )
                .await;
                assert_eq!(reads, is_declared(role, declared), "{role} and {relation}");
            }
        }
        let writable = names(&superuser, &format!(
            "SELECT relname AS name FROM pg_class WHERE relnamespace = 'dot'::regnamespace AND relkind IN ('r', 'v', 'm', 'p', 'f')
             AND (has_table_privilege('dot_{role}', oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') OR has_any_column_privilege('dot_{role}', oid, 'INSERT, UPDATE, REFERENCES'))"
        )).await;
        assert!(writable.is_empty(), "{role} writes {writable:?}");
        let sequences = names(&superuser, &format!("SELECT relname AS name FROM pg_class WHERE relnamespace = 'dot'::regnamespace AND CASE relkind WHEN 'S' THEN has_sequence_privilege('dot_{role}', oid, 'USAGE, SELECT, UPDATE') END")).await;
        assert!(sequences.is_empty(), "{role} uses {sequences:?}");
        let schema = value(&superuser, &format!("SELECT has_schema_privilege('dot_{role}', 'dot', 'USAGE') AND NOT has_schema_privilege('dot_{role}', 'dot', 'CREATE')")).await;
        assert_eq!(schema, true, "{role}");
    }
}

#[apply(on_each_version)]
async fn public_has_no_privilege_and_no_grant_option_exists(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    // A null acl of a function stands for EXECUTE to PUBLIC.
    let grants = "SELECT 'schema' AS name, acl.* FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) acl WHERE n.nspname = 'dot'
        UNION ALL SELECT c.relname, acl.* FROM pg_class c, aclexplode(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's'::\"char\" ELSE 'r' END, c.relowner))) acl WHERE c.relnamespace = 'dot'::regnamespace AND c.relkind IN ('r', 'v', 'S')
        UNION ALL SELECT p.proname, acl.* FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) acl WHERE p.pronamespace = 'dot'::regnamespace";
    let to_public = names(
        &superuser,
        &format!(
            "SELECT g.name || ' ' || g.privilege_type AS name FROM ({grants}) g WHERE g.grantee = 0"
        ),
    )
    .await;
    assert!(to_public.is_empty(), "{to_public:?}");
    let to_be_handed_on = names(&superuser, &format!("SELECT g.name || ' ' || g.grantee::regrole AS name FROM ({grants}) g WHERE g.is_grantable AND g.grantee::regrole::text NOT IN ('dot_owner', 'dot_checker')")).await;
    assert!(to_be_handed_on.is_empty(), "{to_be_handed_on:?}");
    let strangers = names(&superuser, &format!("SELECT DISTINCT g.grantee::regrole::text AS name FROM ({grants}) g WHERE g.grantee <> 0 AND g.grantee::regrole::text NOT LIKE 'dot\\_%'")).await;
    assert!(strangers.is_empty(), "{strangers:?}");
    let columns = number(&superuser, "SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'dot'::regnamespace AND a.attacl IS NOT NULL").await;
    assert_eq!(columns, 0);
}

#[apply(on_each_version)]
async fn every_object_belongs_to_the_owner_but_for_the_checkers_own(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let foreign = names(&superuser,
        "SELECT p.proname || ' ' || p.proowner::regrole AS name FROM pg_proc p WHERE p.pronamespace = 'dot'::regnamespace AND p.proowner <> 'dot_owner'::regrole
         UNION ALL SELECT c.relname || ' ' || c.relowner::regrole FROM pg_class c WHERE c.relnamespace = 'dot'::regnamespace AND c.relowner <> 'dot_owner'::regrole
         UNION ALL SELECT n.nspname || ' ' || n.nspowner::regrole FROM pg_namespace n WHERE n.nspname = 'dot' AND n.nspowner <> 'dot_owner'::regrole").await;
    let expected: Vec<String> = access()
        .checker_owned
        .functions
        .iter()
        .map(|function| format!("{function} dot_checker"))
        .collect();
    assert_eq!(foreign, expected);
}

/// A function without a pinned path may be called only by the owner, runs with the caller's privileges, and is used in
/// no view, constraint, default or trigger: so it runs under the pinned path of its calling function.
#[apply(on_each_version)]
async fn every_function_pins_its_search_path_or_runs_under_one_that_is_pinned(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let astray = names(
        &superuser,
        "SELECT p.proname AS name FROM pg_proc p
         WHERE p.pronamespace = 'dot'::regnamespace AND NOT coalesce('search_path=dot, pg_temp' = ANY (p.proconfig), false)
           AND (p.prosecdef OR p.proconfig IS NOT NULL OR p.prorettype = 'trigger'::regtype
             OR EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee <> p.proowner)
             OR EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid = p.oid
                        AND d.deptype = 'n'))",
    )
    .await;
    assert!(astray.is_empty(), "{astray:?}");
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
async fn the_six_log_in_and_owner_and_checker_can_not(backend: Backend) {
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
    let mighty = names(&superuser, "SELECT rolname AS name FROM pg_roles WHERE rolname LIKE 'dot\\_%' AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)").await;
    assert!(mighty.is_empty(), "{mighty:?}");
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
            assert_eq!(member, rights_of(role).contains(other), "{role} in {other}");
        }
    }
}

#[apply(on_each_version)]
async fn the_installing_user_works_through_the_six_and_is_not_the_owner(backend: Backend) {
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
    // It does the daily work without setting a role.
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
        // A GRANT without the right to grant is a warning where some right is held.
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

/// What each kind of caller may do at all, tried.
#[apply(on_each_backend)]
async fn each_role_may_do_only_its_own_work(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let work = [
        ("read", "SELECT * FROM dot.v_process_run".to_owned(), "archiver observer operator reader relay runner"),
        ("record", Call::pair().sql(), "observer runner"),
        ("record a header", Call::run().sql(), "observer runner"),
        ("take a lease", Call::acquire(1).text("p_lease_name", "mine").sql(), "observer runner"),
        ("backfill", Call::backfill(&json!([])).sql(), "observer runner"),
        ("keep a refusal", "SELECT dot.fn_dot_refusal_record('{}')".to_owned(), "observer operator runner"),
        ("set a gate", Call::gate("process_dot_runtime.execute_enabled", "false").sql(), "operator"),
        ("import", crate::common::fixtures::import(&json!([])).sql(), "operator"),
        ("switch events", crate::events::switch("process.run.failed", false), "operator"),
        ("take a lease away", Call::new("fn_dot_lease_force_release").text("p_lease_name", "x").text("p_actor", "a").text("p_reason", "r").sql(), "operator"),
        ("read the raw ledger", "SELECT * FROM dot.process_run_observation".to_owned(), "archiver"),
        ("read lease tokens", "SELECT lease_token FROM dot.dot_iu_runtime_lease".to_owned(), "archiver"),
        ("refuse", "SELECT dot.fn_dot_refuse('no_execute', 'm')".to_owned(), ""),
        ("emit", "SELECT dot.fn_dot_event_emit('process.run.failed', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)".to_owned(), ""),
        ("ask a check", "SELECT dot.fn_dot_preflight_run_check('pg_catalog.now')".to_owned(), ""),
    ];
    for role in LOGIN_ROLES {
        let client = stage.client(role).await;
        for (what, query, may) in &work {
            match ask(&client, query).await {
                Ok(_) => assert!(
                    may.split(' ').any(|name| name == role),
                    "{role} could {what}"
                ),
                Err(error) => {
                    assert!(
                        !may.split(' ').any(|name| name == role),
                        "{role} could not {what}: {error:?}"
                    );
                    assert_eq!(
                        error.code().unwrap().code(),
                        "42501",
                        "{role}: {what}: {error:?}"
                    );
                }
            }
        }
    }
}

#[apply(on_each_version)]
async fn unrelated_role_has_no_privileges(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let owner = stage.installer().await;
    let prefix = stage.database().role_prefix().to_owned();
    execute(&owner, &format!("CREATE ROLE {prefix}_stranger LOGIN")).await;
    let options = dotwrap_contract::InstallOptions {
        role_prefix: prefix.clone(),
        ..Default::default()
    };
    dotwrap_contract::apply(&owner, &options).await.unwrap();
    let stranger = stage
        .database()
        .client_as(&format!("{prefix}_stranger"))
        .await;
    for query in [
        "SELECT * FROM dot.v_dot_gate",
        "SELECT * FROM dot.v_dot_refusal_code",
        "SELECT dot.fn_process_dot_posture()",
        "SELECT * FROM dot.dot_config",
        "SELECT dot.fn_dot_uuid_v7()",
    ] {
        assert_eq!(
            ask(&stranger, query)
                .await
                .unwrap_err()
                .code()
                .unwrap()
                .code(),
            "42501",
            "{query}"
        );
    }
    assert_eq!(
        text(&owner, "SELECT dot.fn_process_dot_posture()").await,
        "NO_EXECUTE"
    );
}

#[apply(on_each_version)]
async fn callers_search_path_and_objects_do_not_affect_the_functions(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, installer) = (stage.superuser().await, stage.installer().await);
    // Look-alikes in the caller's own schemas, first in its path.
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
