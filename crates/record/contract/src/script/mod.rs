//! The SQL script of a plan: one transaction, from the lock to the record of the installed objects.

mod comments;
mod grants;
mod objects;

use std::fmt::Write as _;

use self::objects::FUNCTIONS;
use crate::VERSION;
use crate::access::access;
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
