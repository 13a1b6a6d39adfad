//! The comments of public objects.

use super::Script;
use crate::{comments::comments, identifier::literal};

impl Script<'_> {
    /// Writes the comments of public objects. Writes only those that differ, because a comment is a row of the
    /// catalogue.
    pub(super) fn comments(&mut self) {
        self.section("Comments: what sql/comments.toml says");
        let comments = comments();
        let functions = comments.functions.iter();
        let functions = functions.map(|(name, function)| (name.as_str(), function.does.as_str()));
        let (relations, columns, relation_columns, functions) = (
            values(comments.relations.iter().map(text_pair)),
            values(comments.columns.iter().map(text_pair)),
            values(comments.relation_columns.iter().map(text_pair)),
            values(functions),
        );
        let text = format!(
            "DO $install$ DECLARE v_command text; BEGIN
  FOR v_command IN
    WITH relation AS (
      SELECT c.oid, c.relname, c.relkind FROM pg_class c
      WHERE c.relnamespace = (SELECT t.relnamespace FROM pg_class t WHERE t.oid = 'dot_contract_object'::regclass)
        AND c.relkind IN ('r', 'v'))
    SELECT format('COMMENT ON %s %I IS %L', CASE r.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, r.relname, n.comment)
    FROM relation r JOIN (VALUES {relations}) AS n (name, comment) ON n.name = r.relname
    WHERE obj_description(r.oid, 'pg_class') IS DISTINCT FROM n.comment
    UNION ALL
    SELECT format('COMMENT ON COLUMN %I.%I IS %L', r.relname, a.attname, coalesce(s.comment, n.comment))
    FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN (VALUES {columns}) AS n (name, comment) ON n.name = a.attname
    LEFT JOIN (VALUES {relation_columns}) AS s (name, comment) ON s.name = r.relname || '.' || a.attname
    WHERE col_description(r.oid, a.attnum) IS DISTINCT FROM coalesce(s.comment, n.comment)
    UNION ALL
    SELECT format('COMMENT ON FUNCTION %s IS %L', p.oid::regprocedure, n.comment)
    FROM pg_proc p JOIN (VALUES {functions}) AS n (name, comment) ON n.name = p.proname
    WHERE p.pronamespace = (SELECT t.relnamespace FROM pg_class t WHERE t.oid = 'dot_contract_object'::regclass)
      AND p.proowner = (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user)
      AND obj_description(p.oid, 'pg_proc') IS DISTINCT FROM n.comment
  LOOP
    EXECUTE v_command;
  END LOOP;
END $install$;"
        );
        self.line(text);
    }
}

fn text_pair<'a>((name, comment): (&'a String, &'a String)) -> (&'a str, &'a str) {
    (name, comment)
}

/// Rows of a `VALUES` list.
fn values<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let rows: Vec<String> = pairs
        .map(|(name, comment)| format!("({}, {})", literal(name), literal(comment)))
        .collect();
    rows.join(",\n      ")
}
