//! The SQL script of a plan: one transaction, from the lock to the record of the installed objects.

use std::fmt::Write as _;

use crate::VERSION;
use crate::access::access;
use crate::comments::comments;
use crate::identifier::{literal, quote};
use crate::plan::Plan;
use crate::source::{self, SourceFile, contract_digest};

/// The script of a plan. `lock_timeout` is the wait for each lock, as PostgreSQL writes it.
pub(crate) fn render(plan: &Plan, lock_timeout: &str) -> String {
    let mut script = Script {
        text: String::new(),
        plan,
    };
    script.begin(lock_timeout);
    script.roles();
    script.schema();
    script.migrations();
    script.repeatables();
    script.checker_owned();
    script.objects();
    script.comments();
    script.grants();
    script.record();
    script.end();
    script.text
}

/// A kind of objects that every install replaces.
struct Objects {
    /// The keyword for `DROP`.
    kind: &'static str,
    /// The reg* type whose text form names such an object.
    identity: &'static str,
    /// A query for those of the schema: `oid`, `name`, `owner`, and `made_by`, the transaction that wrote their present
    /// definition.
    catalogue: &'static str,
}

const FUNCTIONS: Objects = Objects {
    kind: "function",
    identity: "regprocedure",
    catalogue: "SELECT p.oid, p.proname::text AS name, p.proowner AS owner, p.xmin AS made_by FROM pg_proc p
    WHERE p.pronamespace = (SELECT t.relnamespace FROM pg_class t WHERE t.oid = 'dot_contract_object'::regclass)",
};

const VIEWS: Objects = Objects {
    kind: "view",
    identity: "regclass",
    catalogue: "SELECT v.oid, v.relname::text AS name, v.relowner AS owner, r.xmin AS made_by FROM pg_class v
    JOIN pg_rewrite r ON r.ev_class = v.oid AND r.rulename = '_RETURN'
    WHERE v.relkind = 'v' AND v.relnamespace = (SELECT t.relnamespace FROM pg_class t WHERE t.oid = 'dot_contract_object'::regclass)",
};

struct Script<'a> {
    text: String,
    plan: &'a Plan,
}

impl Script<'_> {
    fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }

    fn section(&mut self, title: &str) {
        let _ = write!(self.text, "\n-- {title}\n");
    }

    fn schema_name(&self) -> String {
        quote(&self.plan.schema)
    }

    /// The quoted name of one of the installation's roles; the installing user where there are none.
    fn role(&self, name: &str) -> String {
        match &self.plan.role_prefix {
            Some(prefix) => quote(&format!("{prefix}_{name}")),
            None => quote(&self.plan.user),
        }
    }

    fn begin(&mut self, lock_timeout: &str) {
        let _ = writeln!(
            self.text,
            "-- DOT Wrapper {VERSION}, contract {}",
            &contract_digest()[..12]
        );
        self.line("BEGIN;");
        self.line("SET LOCAL client_min_messages = warning;");
        self.line("SET LOCAL standard_conforming_strings = on;");
        self.line("-- Functions name tables and each other in any order.");
        self.line("SET LOCAL check_function_bodies = off;");
        self.line("-- What somebody else holds is waited for, but not for ever.");
        self.line(format!("SET LOCAL lock_timeout = '{lock_timeout}';"));
    }

    /// One install at a time, in a database that has not changed since this script was created. Only the owner can take
    /// the lock. Of two first installations only one can create the schema.
    fn lock(&mut self) {
        if self.plan.before.is_some() {
            self.line("-- One install at a time, in a database that is still as it was when this script was made.");
            let table = format!("{}.dot_contract_release", self.schema_name());
            self.line(format!("LOCK TABLE {table} IN EXCLUSIVE MODE;"));
        }
        self.assert_unchanged();
    }

    fn assert_unchanged(&mut self) {
        let table = literal(&format!("{}.dot_contract_release", self.schema_name()));
        let expected = match &self.plan.before {
            Some(before) => format!(
                "(SELECT r.digest = {} FROM {}.dot_contract_release r)",
                literal(&before.digest),
                self.schema_name()
            ),
            None => "false".into(),
        };
        let same = if self.plan.before.is_some() {
            format!("to_regclass({table}) IS NOT NULL AND coalesce({expected}, false)")
        } else {
            format!("to_regclass({table}) IS NULL")
        };
        let text = format!(
            "DO $install$ BEGIN
  IF NOT ({same}) THEN
    RAISE EXCEPTION USING ERRCODE = 'serialization_failure', CONSTRAINT = 'installation_changed',
      MESSAGE = 'the installation is not as it was when this script was made', HINT = 'Make the script again: dotwrap install --dry-run.';
  END IF;
END $install$;"
        );
        self.line(text);
    }

    fn roles(&mut self) {
        if self.plan.role_prefix.is_none() {
            return;
        }
        self.section("Roles. They are the cluster's: another installation may have made them.");
        for (name, role) in &access().roles {
            let attribute = if role.login { "LOGIN" } else { "NOLOGIN" };
            let quoted = self.role(name);
            let text = format!(
                "DO $install$ BEGIN
  IF to_regrole({}) IS NULL THEN
    BEGIN
      CREATE ROLE {quoted} {attribute} INHERIT;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END;
  END IF;
END $install$;",
                literal(&quoted)
            );
            self.line(text);
        }
        self.line("-- The installer becomes the owner for the length of this transaction.");
        self.line(format!(
            "GRANT {}, {} TO CURRENT_USER;",
            self.role("owner"),
            self.role("checker")
        ));
    }

    fn schema(&mut self) {
        self.section("Schema");
        let (schema, owner) = (self.schema_name(), self.role("owner"));
        if self.plan.schema_exists {
            if self.plan.before.is_none() {
                self.line(format!("ALTER SCHEMA {schema} OWNER TO {owner};"));
            }
        } else {
            self.line(format!("CREATE SCHEMA {schema} AUTHORIZATION {owner};"));
        }
        self.become_role("owner");
        self.line(format!("SET LOCAL search_path = {schema}, pg_temp;"));
        self.lock();
        if self.plan.before.is_none() {
            self.line(
                "CREATE TABLE dot_contract_migration (
  name       text PRIMARY KEY,
  sha256     text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  applied_by text NOT NULL DEFAULT session_user
);
CREATE TABLE dot_contract_release (
  singleton         boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  installed_version text NOT NULL,
  digest            text NOT NULL,
  role_prefix       text,
  installed_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  installed_by      text NOT NULL DEFAULT session_user
);",
            );
        }
    }

    /// `SET ROLE`, where there are roles.
    fn become_role(&mut self, name: &str) {
        if self.plan.role_prefix.is_some() {
            self.line(format!("SET LOCAL ROLE {};", self.role(name)));
        }
    }

    fn reset_role(&mut self) {
        if self.plan.role_prefix.is_some() {
            self.line("RESET ROLE;");
        }
    }

    fn migrations(&mut self) {
        for file in &self.plan.migrations {
            self.file(*file);
            let record = format!(
                "INSERT INTO dot_contract_migration (name, sha256) VALUES ({}, {});",
                literal(file.stem()),
                literal(&file.digest())
            );
            self.line(record);
        }
    }

    fn file(&mut self, file: SourceFile) {
        self.section(&format!("sql/{}", file.path));
        self.line(file.text.trim_end());
    }

    fn is_checker_owned(file: &SourceFile) -> bool {
        access()
            .checker_owned
            .functions
            .iter()
            .any(|name| name == file.stem())
    }

    fn repeatables(&mut self) {
        for file in source::repeatable()
            .into_iter()
            .filter(|file| !Self::is_checker_owned(file))
        {
            self.file(file);
        }
    }

    /// Created as the checker role, so that it runs with the checker's privileges.
    fn checker_owned(&mut self) {
        let (schema, checker) = (self.schema_name(), self.role("checker"));
        let with_roles = self.plan.role_prefix.is_some();
        if with_roles {
            self.section("Owned by the checker, who may create here just for this");
            self.line(format!(
                "GRANT USAGE, CREATE ON SCHEMA {schema} TO {checker};"
            ));
            self.line(format!("GRANT SELECT ON dot_contract_object TO {checker};"));
            self.reset_role();
            self.become_role("checker");
        }
        for file in source::repeatable()
            .into_iter()
            .filter(Self::is_checker_owned)
        {
            self.file(file);
        }
        if with_roles {
            self.drop_superseded(&FUNCTIONS);
            for function in &access().checker_owned.functions {
                self.line(format!("REVOKE ALL ON FUNCTION {function} FROM PUBLIC;"));
                let owner = self.role("owner");
                self.line(format!("GRANT EXECUTE ON FUNCTION {function} TO {owner};"));
            }
            self.reset_role();
            self.become_role("owner");
            self.line(format!("REVOKE CREATE ON SCHEMA {schema} FROM {checker};"));
        }
    }

    /// Drops the objects that this release removed, and records its objects.
    fn objects(&mut self) {
        self.section("Functions and views that this release does not have any more go");
        for objects in [&VIEWS, &FUNCTIONS] {
            self.drop_superseded(objects);
        }
        self.line("DELETE FROM dot_contract_object;");
        for objects in [&VIEWS, &FUNCTIONS] {
            let Objects {
                kind, catalogue, ..
            } = objects;
            self.line(format!(
                "INSERT INTO dot_contract_object (kind, name) SELECT DISTINCT '{kind}', o.name
FROM ({catalogue}) AS o WHERE o.made_by = pg_current_xact_id()::xid;"
            ));
        }
    }

    /// Drops the recorded objects that the current role owns and that this script did not create again: all in one
    /// statement, because they may depend on each other.
    fn drop_superseded(&mut self, objects: &Objects) {
        let Objects {
            kind,
            identity,
            catalogue,
        } = objects;
        let text = format!(
            "DO $install$ DECLARE v_superseded text; BEGIN
  SELECT string_agg(o.oid::{identity}::text, ', ') INTO v_superseded FROM ({catalogue}) AS o
  JOIN dot_contract_object c ON c.kind = '{kind}' AND c.name = o.name
  WHERE o.owner = (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user) AND o.made_by <> pg_current_xact_id()::xid;
  IF v_superseded IS NOT NULL THEN EXECUTE 'DROP {kind} ' || v_superseded; END IF;
END $install$;"
        );
        self.line(text);
    }

    /// Writes the comments of public objects. Writes only those that differ, because a comment is a row of the
    /// catalogue.
    fn comments(&mut self) {
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

    fn grants(&mut self) {
        self.section("Grants: exactly what sql/access.toml declares");
        let roles: Vec<String> = match &self.plan.role_prefix {
            Some(_) => access()
                .roles
                .keys()
                .filter(|name| *name != "owner")
                .map(|name| self.role(name))
                .collect(),
            None => Vec::new(),
        };
        let schema = self.schema_name();
        self.line(source::REVOKE_EVERYTHING);
        if roles.is_empty() {
            return;
        }
        self.line(format!(
            "GRANT USAGE ON SCHEMA {schema} TO {};",
            roles.join(", ")
        ));
        let narrower: Vec<&str> = access().views.narrower.keys().map(String::as_str).collect();
        self.grant_relations("v", &access().views.select, &narrower);
        for (view, readers) in &access().views.narrower {
            let readers = self.role_list(readers);
            self.line(format!("GRANT SELECT ON {view} TO {readers};"));
        }
        self.grant_relations("r", &access().tables.select, &[]);
        for (function, callers) in &access().functions {
            let callers = self.role_list(callers);
            self.line(format!(
                "GRANT EXECUTE ON FUNCTION {function} TO {callers};"
            ));
        }
        self.reset_role();
        for (name, role) in &access().roles {
            for inherited in &role.inherits {
                let grant = format!("GRANT {} TO {};", self.role(inherited), self.role(name));
                self.line(grant);
            }
        }
        self.become_role("owner");
    }

    fn grant_relations(&mut self, kind: &str, readers: &[String], but: &[&str]) {
        let readers = self.role_list(readers);
        let but: String = but
            .iter()
            .map(|name| format!(" AND c.relname <> {}", literal(name)))
            .collect();
        let text = format!(
            "DO $install$ DECLARE v_relation regclass; BEGIN
  FOR v_relation IN SELECT c.oid FROM pg_class c WHERE c.relnamespace = {}::regnamespace AND c.relkind = '{kind}' AND c.relowner = (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user){but} LOOP
    EXECUTE format('GRANT SELECT ON %s TO {}', v_relation);
  END LOOP;
END $install$;",
            literal(&self.schema_name()),
            in_format(&readers)
        );
        self.line(text);
    }

    fn role_list(&self, names: &[String]) -> String {
        names
            .iter()
            .map(|name| self.role(name))
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn record(&mut self) {
        self.section("What this installation is now");
        let prefix = self
            .plan
            .role_prefix
            .as_deref()
            .map_or("NULL".to_owned(), literal);
        let text = format!(
            "INSERT INTO dot_contract_release (installed_version, digest, role_prefix, system_identifier)
SELECT {}, {}, {prefix}, c.system_identifier FROM pg_catalog.pg_control_system() AS c
ON CONFLICT (singleton) DO UPDATE SET installed_version = excluded.installed_version, digest = excluded.digest,
  system_identifier = excluded.system_identifier, installed_at = clock_timestamp(), installed_by = session_user;",
            literal(VERSION),
            literal(&contract_digest())
        );
        self.line(text);
    }

    fn end(&mut self) {
        self.reset_role();
        if self.plan.role_prefix.is_some() {
            let login: Vec<String> = access()
                .roles
                .iter()
                .filter(|(_, role)| role.login)
                .map(|(name, _)| self.role(name))
                .collect();
            self.section("The installing user works through the roles that can log in, and is the owner no longer");
            self.line(format!("GRANT {} TO CURRENT_USER;", login.join(", ")));
            self.line(format!(
                "REVOKE {}, {} FROM CURRENT_USER;",
                self.role("owner"),
                self.role("checker")
            ));
        }
        self.line("COMMIT;");
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

/// Names inside the text of a `format()` call in SQL.
fn in_format(names: &str) -> String {
    names.replace('\'', "''").replace('%', "%%")
}
