//! The complete definition of a schema as text, in order to compare two installations.

use std::collections::BTreeSet;

use tokio_postgres::Client;

use super::query::rows;

/// One query a kind of object; each row is one line.
const QUESTIONS: [(&str, &str); 11] = [
    ("schema", "SELECT n.nspowner::regrole::text AS line FROM pg_namespace n WHERE n.oid = $schema"),
    ("relation", "SELECT format('%s %s owner %s options %s persistence %s security %s', c.relname, c.relkind, c.relowner::regrole, c.reloptions, c.relpersistence, c.relrowsecurity) AS line FROM pg_class c WHERE c.relnamespace = $schema AND c.relkind <> 't'"),
    ("column", "SELECT format('%s.%s %s %s not null %s default %s generated %s identity %s position %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attcollation, a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attgenerated, a.attidentity, a.attnum) AS line FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE c.relnamespace = $schema AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v')"),
    ("constraint", "SELECT format('%s on %s: %s', k.conname, k.conrelid::regclass, pg_get_constraintdef(k.oid)) AS line FROM pg_constraint k WHERE k.connamespace = $schema"),
    ("index", "SELECT format('%s valid %s', pg_get_indexdef(i.indexrelid), i.indisvalid) AS line FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = $schema"),
    ("view", "SELECT format('%s: %s', c.relname, pg_get_viewdef(c.oid)) AS line FROM pg_class c WHERE c.relnamespace = $schema AND c.relkind = 'v'"),
    ("function", "SELECT format('%s owner %s: %s', p.oid::regprocedure, p.proowner::regrole, pg_get_functiondef(p.oid)) AS line FROM pg_proc p WHERE p.pronamespace = $schema"),
    ("trigger", "SELECT format('%s enabled %s: %s', t.tgrelid::regclass, t.tgenabled, pg_get_triggerdef(t.oid)) AS line FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = $schema AND NOT t.tgisinternal"),
    ("grant", "SELECT format('%s to %s from %s grantable %s', g.what || ' ' || a.privilege_type, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END, a.grantor::regrole, a.is_grantable) AS line FROM (
        SELECT 'schema'::text AS what, coalesce(n.nspacl, acldefault('n', n.nspowner)) AS acl FROM pg_namespace n WHERE n.oid = $schema
        UNION ALL SELECT c.relname::text, coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's'::\"char\" ELSE 'r' END, c.relowner)) FROM pg_class c WHERE c.relnamespace = $schema AND c.relkind IN ('r', 'v', 'S')
        UNION ALL SELECT c.relname::text || '.' || k.attname, k.attacl FROM pg_attribute k JOIN pg_class c ON c.oid = k.attrelid WHERE c.relnamespace = $schema AND k.attacl IS NOT NULL
        UNION ALL SELECT p.oid::regprocedure::text, coalesce(p.proacl, acldefault('f', p.proowner)) FROM pg_proc p WHERE p.pronamespace = $schema) g, aclexplode(g.acl) a"),
    ("comment", "SELECT format('%s %s', pg_describe_object(d.classoid, d.objoid, d.objsubid), d.description) AS line FROM pg_description d JOIN pg_class c ON c.oid = d.objoid WHERE c.relnamespace = $schema"),
    ("sequence", "SELECT format('%s %s %s %s %s %s', s.seqrelid::regclass, format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqcycle, s.seqcache) AS line FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid WHERE c.relnamespace = $schema"),
];

/// Every object of the schema `dot`, its owner and who may do what with it, a line each. The prefix of its roles is
/// taken out, so that installations in other databases compare equal.
pub(crate) async fn catalogue(superuser: &Client, role_prefix: &str) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for (kind, question) in QUESTIONS {
        for row in rows(
            superuser,
            &question.replace("$schema", "'dot'::regnamespace"),
        )
        .await
        {
            let line = row["line"].as_str().unwrap_or_default();
            lines.insert(format!(
                "{kind} {}",
                line.replace(&format!("{role_prefix}_"), "ROLE_")
            ));
        }
    }
    lines
}

/// Fails the test where two catalogues differ, saying how.
pub(crate) fn assert_same(actual: &BTreeSet<String>, expected: &BTreeSet<String>, what: &str) {
    let difference = |one: &BTreeSet<String>, other: &BTreeSet<String>| -> Vec<String> {
        one.difference(other)
            .map(|line| line.chars().take(300).collect())
            .collect()
    };
    let surplus = difference(actual, expected);
    let missing = difference(expected, actual);
    assert!(
        surplus.is_empty() && missing.is_empty(),
        "{what}:\nsurplus {surplus:#?}\nmissing {missing:#?}"
    );
}
