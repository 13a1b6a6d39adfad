//! Functions and views of earlier releases are dropped.

use super::Script;

/// A kind of objects that every install replaces.
pub(super) struct Objects {
    /// The keyword for `DROP`.
    kind: &'static str,
    /// The reg* type whose text form names such an object.
    identity: &'static str,
    /// A query for those of the schema: `oid`, `name`, `owner`, and `made_by`, the transaction that wrote their present
    /// definition.
    catalogue: &'static str,
}

pub(super) const FUNCTIONS: Objects = Objects {
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

impl Script<'_> {
    /// Drops the objects that this release removed, and records its objects.
    pub(super) fn objects(&mut self) {
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
    pub(super) fn drop_superseded(&mut self, objects: &Objects) {
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
}
