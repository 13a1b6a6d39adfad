//! The rights of the roles.

use super::Script;
use crate::{access::access, identifier::literal, source};

impl Script<'_> {
    pub(super) fn grants(&mut self) {
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
}

/// Names inside the text of a `format()` call in SQL.
fn in_format(names: &str) -> String {
    names.replace('\'', "''").replace('%', "%%")
}
