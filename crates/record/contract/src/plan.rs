//! The plan of an installation, made before anything is written.

use tokio_postgres::Client;

use crate::identifier;
use crate::source::{self, SourceFile, contract_digest};
use crate::state::{Installed, Surroundings, installed, surroundings};
use crate::{InstallError, VERSION, script, version};

/// The policy for the installation's roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RolePolicy {
    /// Roles where the user may create or use them, else none, with a warning in the plan.
    #[default]
    WherePossible,
    /// No roles: every object belongs to the installing user, who can then write any record.
    Without,
}

/// Where and how to install.
#[derive(Debug, Clone)]
pub struct InstallOptions {
    /// The schema that holds the whole installation.
    pub schema: String,
    /// The roles are `<prefix>_reader` and so on. Roles belong to the whole cluster, so installations of different
    /// owners need different prefixes.
    pub role_prefix: String,
    /// Whether to create roles.
    pub roles: RolePolicy,
    /// Replaces functions, guards, views and grants even where the record shows that they are current.
    pub repair: bool,
}

impl Default for InstallOptions {
    fn default() -> Self {
        Self {
            schema: "dot".into(),
            role_prefix: "dot".into(),
            roles: RolePolicy::WherePossible,
            repair: false,
        }
    }
}

/// The plan for a database.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(crate) schema: String,
    /// `None`: without roles.
    pub(crate) role_prefix: Option<String>,
    pub(crate) user: String,
    pub(crate) schema_exists: bool,
    pub(crate) before: Option<Installed>,
    pub(crate) migrations: Vec<SourceFile>,
    current: bool,
    /// Notes for the operator, one sentence each.
    pub warnings: Vec<String>,
}

impl Plan {
    /// Nothing to do.
    pub fn is_current(&self) -> bool {
        self.current
    }

    /// There was no installation.
    pub fn is_fresh(&self) -> bool {
        self.before.is_none()
    }

    /// The version that is installed now, where one is.
    pub fn installed_version(&self) -> Option<&str> {
        self.before.as_ref().map(|before| before.version.as_str())
    }

    /// The prefix of the installation's roles; `None` where it has none.
    pub fn role_prefix(&self) -> Option<&str> {
        self.role_prefix.as_deref()
    }

    /// Migrations that will be applied.
    pub fn pending(&self) -> impl Iterator<Item = &'static str> {
        self.migrations.iter().map(|file| file.stem())
    }

    /// The whole installation as one transaction of plain SQL; psql can run it.
    pub fn script(&self) -> String {
        script::render(self, "30s")
    }
}

/// Reads the database and makes the plan.
///
/// # Errors
/// Every foreseeable failure is reported here, before anything is written.
pub async fn plan(client: &Client, options: &InstallOptions) -> Result<Plan, InstallError> {
    identifier::check("schema", &options.schema, 63)?;
    identifier::check("role prefix", &options.role_prefix, 40)?;
    let owner_role = format!("{}_owner", options.role_prefix);
    let around = surroundings(client, &options.schema, &owner_role).await?;
    check_server(&around)?;
    let before = look_at_installed(client, options, &around).await?;
    check_not_newer(before.as_ref())?;
    let mut warnings = Vec::new();
    let role_prefix = decide_roles(options, &around, before.as_ref(), &mut warnings)?;
    check_schema(options, &around, role_prefix.as_deref())?;
    let migrations = pending_migrations(before.as_ref())?;
    let current = !options.repair
        && migrations.is_empty()
        && before
            .as_ref()
            .is_some_and(|before| before.digest == contract_digest());
    Ok(Plan {
        schema: options.schema.clone(),
        role_prefix,
        user: around.user,
        schema_exists: around.schema.is_some(),
        before,
        migrations,
        current,
        warnings,
    })
}

fn check_server(around: &Surroundings) -> Result<(), InstallError> {
    if around.server_version_number < 150_000 {
        return Err(InstallError::ServerTooOld(around.server_version.clone()));
    }
    if around.encoding != "UTF8" {
        return Err(InstallError::NotUtf8(around.encoding.clone()));
    }
    Ok(())
}

async fn look_at_installed(
    client: &Client,
    options: &InstallOptions,
    around: &Surroundings,
) -> Result<Option<Installed>, InstallError> {
    let Some(schema) = &around.schema else {
        return Ok(None);
    };
    if !schema.has_contract {
        return if schema.is_empty {
            Ok(None)
        } else {
            Err(InstallError::SchemaOccupied(options.schema.clone()))
        };
    }
    match installed(client, &options.schema).await {
        Ok(Some(before)) => Ok(Some(before)),
        // A user who may not read the installation may not change it either.
        Ok(None) => Err(InstallError::NotTheOwner {
            user: around.user.clone(),
            owner: schema.owner.clone(),
        }),
        Err(InstallError::Database(error))
            if error.code() == Some(&tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE) =>
        {
            Err(InstallError::NotTheOwner {
                user: around.user.clone(),
                owner: schema.owner.clone(),
            })
        }
        Err(error) => Err(error),
    }
}

/// Refuses to replace a newer dotwrap's functions and views by older ones, even where no migration differs.
fn check_not_newer(before: Option<&Installed>) -> Result<(), InstallError> {
    match before {
        Some(before)
            if before.digest != contract_digest()
                && version::is_above(&before.version, VERSION) =>
        {
            Err(InstallError::Newer(format!(
                "of dotwrap {} (this is {VERSION})",
                before.version
            )))
        }
        _ => Ok(()),
    }
}

/// An installation keeps its policy for roles.
fn decide_roles(
    options: &InstallOptions,
    around: &Surroundings,
    before: Option<&Installed>,
    warnings: &mut Vec<String>,
) -> Result<Option<String>, InstallError> {
    let wanted = (options.roles == RolePolicy::WherePossible).then(|| options.role_prefix.clone());
    if let Some(before) = before {
        return match (&before.role_prefix, wanted) {
            (Some(was), Some(wanted)) if *was != wanted => Err(InstallError::RolesChanged {
                was: format!("with the role prefix {was:?}"),
                wanted: format!("the role prefix {wanted:?}"),
            }),
            (Some(was), None) => Err(InstallError::RolesChanged {
                was: format!("with the role prefix {was:?}"),
                wanted: "no roles".into(),
            }),
            (None, _) => {
                warnings.push(WITHOUT_ROLES.into());
                Ok(None)
            }
            (kept, _) => Ok(kept.clone()),
        };
    }
    match wanted {
        None => {
            warnings.push(WITHOUT_ROLES.into());
            Ok(None)
        }
        Some(prefix) if around.owner_role_exists => {
            // With CREATEROLE on PostgreSQL 16 and later, membership follows from having created the role.
            if around.may_become_owner {
                if !around.adopted.is_empty() {
                    warnings.push(format!(
                        "Roles with the prefix {prefix:?} exist already and are used as they are: {}. \
                         Choose another --role-prefix if they are not meant for this installation.",
                        around.adopted.join(", ")
                    ));
                }
                Ok(Some(prefix))
            } else {
                Err(InstallError::RolesOfOthers {
                    prefix,
                    user: around.user.clone(),
                })
            }
        }
        Some(prefix) if around.may_create_roles => Ok(Some(prefix)),
        Some(_) => {
            warnings.push(format!(
                "{:?} may not create roles. {WITHOUT_ROLES}",
                around.user
            ));
            Ok(None)
        }
    }
}

const WITHOUT_ROLES: &str = "Installed WITHOUT ROLES: everything belongs to the installing account, which can \
    rewrite the ledger.";

fn check_schema(
    options: &InstallOptions,
    around: &Surroundings,
    role_prefix: Option<&str>,
) -> Result<(), InstallError> {
    let owner = role_prefix.map(|prefix| format!("{prefix}_owner"));
    match &around.schema {
        None if around.may_create_schema => Ok(()),
        None => Err(InstallError::MayNotCreateSchema {
            schema: options.schema.clone(),
            database: around.database.clone(),
            user: around.user.clone(),
        }),
        Some(schema) if schema.owned_by_user || owner.as_deref() == Some(&schema.owner) => Ok(()),
        Some(schema) => Err(InstallError::NotTheOwner {
            user: around.user.clone(),
            owner: schema.owner.clone(),
        }),
    }
}

/// The pending migrations. The applied ones must equal those of this program: released migrations are never edited.
fn pending_migrations(before: Option<&Installed>) -> Result<Vec<SourceFile>, InstallError> {
    let carried = source::files("tables/");
    let Some(before) = before else {
        return Ok(carried);
    };
    for (position, (name, sha256)) in before.migrations.iter().enumerate() {
        match carried.get(position) {
            Some(file) if file.stem() == name && file.digest() == *sha256 => {}
            Some(file) if file.stem() == name => {
                return Err(InstallError::MigrationChanged(name.clone()));
            }
            _ => {
                return Err(InstallError::Newer(format!(
                    "with migration {name} (installed by dotwrap {}, this is {VERSION})",
                    before.version
                )));
            }
        }
    }
    Ok(carried.into_iter().skip(before.migrations.len()).collect())
}
