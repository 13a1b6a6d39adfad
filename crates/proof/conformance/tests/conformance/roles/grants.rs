//! Grants and owners of functions, relations, sequences and the schema.

use std::collections::BTreeSet;

use dotwrap_contract::access;
use rstest_reuse::apply;

use super::declared::{inherited_roles, names};
use crate::common::backend::on_each_version;
use crate::common::{Backend, TestContext, number, value};

/// Whether the role or a role that it inherits is declared.
fn is_declared(role: &str, declared: &[String]) -> bool {
    let rights = inherited_roles(role);
    declared.iter().any(|name| rights.contains(name))
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
    let grantable = names(&superuser, &format!("SELECT g.name || ' ' || g.grantee::regrole AS name FROM ({grants}) g WHERE g.is_grantable AND g.grantee::regrole::text NOT IN ('dot_owner', 'dot_checker')")).await;
    assert!(grantable.is_empty(), "{grantable:?}");
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
