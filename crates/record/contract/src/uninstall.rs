//! Takes an installation out again: its schema, and its roles where nothing else in the cluster uses them.

use std::fmt::Write as _;

use tokio_postgres::{Client, error::SqlState, types::Type};

use crate::{
    InstallError, VERSION,
    access::access,
    foreign::foreign_objects,
    identifier::{check, literal, quote},
    state::installed,
};

/// What may go besides an installation at rest.
#[derive(Debug, Clone, Copy, Default)]
pub struct UninstallOptions {
    /// Also while executed runs are not concluded.
    pub force: bool,
    /// Also objects that are not the contract's.
    pub foreign_objects: bool,
}

/// What an uninstallation takes away.
#[derive(Debug, Clone)]
pub struct UninstallPlan {
    schema: String,
    role_prefix: Option<String>,
    force: bool,
    /// The database.
    pub database: String,
    /// How many runs the ledger has.
    pub runs: i64,
    /// How many executed runs are not concluded.
    pub open_runs: i64,
    /// The objects that are not the contract's and go with it.
    pub foreign_objects: Vec<String>,
}

/// A role of the removed installation that is still there.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct KeptRole {
    /// The role.
    pub role: String,
    /// Why it stays.
    pub reason: String,
}

/// Reads the database and makes the plan.
///
/// # Errors
/// [`InstallError::NotInstalled`]; [`InstallError::RunsOpen`] and [`InstallError::ForeignObjects`] unless the options
/// allow it; the database's error, such as a missing privilege.
pub async fn plan_uninstall(
    client: &Client,
    schema: &str,
    options: UninstallOptions,
) -> Result<UninstallPlan, InstallError> {
    check("schema", schema, 63)?;
    let Some(found) = installed(client, schema).await? else {
        return Err(InstallError::NotInstalled(schema.to_owned()));
    };
    let query = format!(
        "SELECT current_database()::text, (SELECT count(*) FROM {0}.process_run_observation), ({1})",
        quote(schema),
        open_runs(schema)
    );
    let rows = client.query_typed(&query, &[]).await?;
    let plan = UninstallPlan {
        schema: schema.to_owned(),
        role_prefix: found.role_prefix,
        force: options.force,
        database: rows[0].get(0),
        runs: rows[0].get(1),
        open_runs: rows[0].get(2),
        foreign_objects: foreign_objects(client, schema).await?,
    };
    if plan.open_runs > 0 && !options.force {
        return Err(InstallError::RunsOpen(plan.open_runs));
    }
    if !plan.foreign_objects.is_empty() && !options.foreign_objects {
        return Err(InstallError::ForeignObjects {
            schema: plan.schema,
            objects: plan.foreign_objects,
        });
    }
    Ok(plan)
}

/// Carries the plan out in one transaction, and returns the roles that stay.
///
/// # Errors
/// The database's error; nothing was removed then. [`InstallError::RunsOpen`] where a run began meanwhile.
pub async fn uninstall(
    client: &Client,
    plan: &UninstallPlan,
) -> Result<Vec<KeptRole>, InstallError> {
    if let Err(error) = client.batch_execute(&plan.script()).await {
        // The script's BEGIN left a failed transaction open.
        let _ = client.batch_execute("ROLLBACK").await;
        let database = error.as_db_error();
        return Err(match database.and_then(|error| error.constraint()) {
            Some(RUNS_OPEN) => InstallError::RunsOpen(1),
            _ if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => InstallError::Busy,
            _ => error.into(),
        });
    }
    kept_roles(client, plan).await
}

/// What the script raises where a run began after the plan was made.
const RUNS_OPEN: &str = "runs_open";

/// A query for the number of executed runs that are not concluded.
fn open_runs(schema: &str) -> String {
    let schema = quote(schema);
    format!(
        "SELECT count(DISTINCT i.process_run_id) FROM {schema}.dot_invocation i WHERE NOT EXISTS (
           SELECT FROM {schema}.process_run_conclusion c WHERE c.process_run_id = i.process_run_id)"
    )
}

impl UninstallPlan {
    /// The names of the installation's roles; empty where it has none.
    pub fn roles(&self) -> Vec<String> {
        let prefix = self.role_prefix.iter();
        prefix
            .flat_map(|prefix| {
                access()
                    .roles
                    .keys()
                    .map(move |name| format!("{prefix}_{name}"))
            })
            .collect()
    }

    /// The whole uninstallation as one transaction of plain SQL; psql can run it.
    pub fn script(&self) -> String {
        let schema = quote(&self.schema);
        let mut text = format!(
            "-- DOT Wrapper {VERSION}: uninstall\nBEGIN;\nSET LOCAL client_min_messages = warning;\n\
             SET LOCAL lock_timeout = '5s';\n"
        );
        if let Some(owner) = self.role("owner") {
            let checker = self.role("checker").unwrap_or_default();
            let _ = writeln!(text, "GRANT {owner}, {checker} TO CURRENT_USER;");
        }
        if !self.force {
            let _ = writeln!(
                text,
                "-- A run that begins meanwhile waits, and then finds no ledger.
LOCK TABLE {schema}.dot_invocation IN ACCESS EXCLUSIVE MODE;
DO $uninstall$ BEGIN
  IF ({}) > 0 THEN
    RAISE EXCEPTION USING ERRCODE = 'object_in_use', CONSTRAINT = '{RUNS_OPEN}',
      MESSAGE = 'executed runs are not concluded';
  END IF;
END $uninstall$;",
                open_runs(&self.schema)
            );
        }
        let _ = writeln!(text, "DROP SCHEMA {schema} CASCADE;");
        if let Some(owner) = self.role("owner") {
            let checker = self.role("checker").unwrap_or_default();
            let _ = writeln!(
                text,
                "REVOKE {owner}, {checker} FROM CURRENT_USER;\n\
                 -- Roles are the cluster's: one that something else needs, or that another user created, stays."
            );
        }
        for role in self.roles() {
            let role = quote(&role);
            let _ = writeln!(
                text,
                "DO $uninstall$ BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM %s', current_database(), {literal});
  DROP ROLE {role};
EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege OR undefined_object OR object_in_use THEN NULL;
END $uninstall$;",
                literal = literal(&role)
            );
        }
        text + "COMMIT;\n"
    }

    fn role(&self, name: &str) -> Option<String> {
        let prefix = self.role_prefix.as_ref()?;
        Some(quote(&format!("{prefix}_{name}")))
    }
}

/// The roles that are still there, and what needs them.
async fn kept_roles(client: &Client, plan: &UninstallPlan) -> Result<Vec<KeptRole>, InstallError> {
    let rows = client
        .query_typed(
            "SELECT r.rolname::text, coalesce(string_agg(DISTINCT CASE
                WHEN d.datname IS NOT NULL THEN format('the database %I', d.datname)
                WHEN s.classid = 'pg_catalog.pg_database'::regclass THEN format('the database %I', o.datname)
              END, ', '), '')
             FROM pg_catalog.pg_roles r
             LEFT JOIN pg_catalog.pg_shdepend s
               ON s.refclassid = 'pg_catalog.pg_authid'::regclass AND s.refobjid = r.oid
             LEFT JOIN pg_catalog.pg_database d ON d.oid = s.dbid
             LEFT JOIN pg_catalog.pg_database o
               ON s.classid = 'pg_catalog.pg_database'::regclass AND o.oid = s.objid
             WHERE r.rolname = ANY ($1) GROUP BY r.rolname ORDER BY r.rolname",
            &[(&plan.roles(), Type::TEXT_ARRAY)],
        )
        .await?;
    let kept = |row: &tokio_postgres::Row| {
        let users: String = row.get(1);
        KeptRole {
            role: row.get(0),
            reason: match users.is_empty() {
                true => "this login may not drop it".to_owned(),
                false => format!("it has objects or rights in {users}"),
            },
        }
    };
    Ok(rows.iter().map(kept).collect())
}
