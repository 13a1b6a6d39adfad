/// Why an installation did not happen. Nothing was changed: it is one transaction.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// A schema name or role prefix that PostgreSQL cannot hold.
    #[error("the {what} {name:?} {wrong}")]
    InvalidName {
        /// Which of the two.
        what: &'static str,
        /// As it was given.
        name: String,
        /// What is wrong with it.
        wrong: &'static str,
    },
    /// PostgreSQL 15 is the oldest that the contract runs on.
    #[error("the server is PostgreSQL {0}; the contract needs 15 or newer")]
    ServerTooOld(String),
    /// Texts are compared and measured as Unicode.
    #[error(
        "the database's encoding is {0}; the contract needs UTF8 (CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0)"
    )]
    NotUtf8(String),
    /// The schema holds something else.
    #[error("the schema {0:?} exists and holds something else; choose another with --schema")]
    SchemaOccupied(String),
    /// The schema can neither be made nor used.
    #[error(
        "you may not create the schema {schema:?} in the database {database:?}; ask its owner for: GRANT CREATE ON DATABASE \"{database}\" TO \"{user}\""
    )]
    MayNotCreateSchema {
        /// The schema.
        schema: String,
        /// The database.
        database: String,
        /// Who tried.
        user: String,
    },
    /// Another role owns the installation.
    #[error(
        "{user:?} cannot become {owner:?}, which owns the installation; install as a member of it, or ask for: GRANT \"{owner}\" TO \"{user}\""
    )]
    NotTheOwner {
        /// Who tried.
        user: String,
        /// The owner.
        owner: String,
    },
    /// The roles exist and belong to another user.
    #[error(
        "the roles {prefix}_… exist and are not yours to use; choose others with --role-prefix, go without with --no-roles, or ask for: GRANT \"{prefix}_owner\" TO \"{user}\" WITH ADMIN OPTION"
    )]
    RolesOfOthers {
        /// The prefix.
        prefix: String,
        /// Who tried.
        user: String,
    },
    /// The choice of roles was made when the contract was first installed.
    #[error("the installation was made {was}, and cannot be changed to {wanted} in place")]
    RolesChanged {
        /// As it is.
        was: String,
        /// As it was asked for.
        wanted: String,
    },
    /// The database holds a newer contract than this program carries.
    #[error(
        "the database holds a contract {0}, which this program does not know; use a newer dotwrap"
    )]
    Newer(String),
    /// A shipped migration was edited, or the record of it was.
    #[error(
        "migration {0} is not the one that was installed; use the dotwrap that matches the database, or restore the migration"
    )]
    MigrationChanged(String),
    /// Another installation is running. The installer retries a few times before it returns this.
    #[error("the installation changed while it was being looked at; run install again")]
    ChangedMeanwhile,
    /// Other sessions kept objects of the installation locked for half a minute.
    #[error(
        "other sessions keep objects of the installation locked; pg_stat_activity says which: end what idles in a transaction there, then install again"
    )]
    Busy,
    /// There is no installation to remove or to compare.
    #[error("there is no contract in the schema {0:?}, or none that you may see")]
    NotInstalled(String),
    /// Executed runs are not concluded.
    #[error(
        "executed runs are not concluded: {0}; let them end, or conclude those whose holder died: dotwrap reap"
    )]
    RunsOpen(i64),
    /// Dropping the schema would drop what is not the contract's.
    #[error(
        "the schema {schema:?} cannot be dropped without what is not the contract's: {}", objects.join(", ")
    )]
    ForeignObjects {
        /// The schema.
        schema: String,
        /// The objects, each with its kind.
        objects: Vec<String>,
    },
    /// The target of a transfer has recorded something.
    #[error(
        "the schema {schema:?} there holds a ledger already: {table} has {rows} rows; name an empty database or another one"
    )]
    HoldsLedger {
        /// The schema.
        schema: String,
        /// A table with rows that were recorded.
        table: String,
        /// How many.
        rows: i64,
    },
    /// A ledger is restored with the roles that own it.
    #[error(
        "the login there may neither create the roles that own the ledger nor become them; use one with CREATEROLE, or have them granted to it"
    )]
    RolesNeeded,
    /// What the database said.
    #[error("the database refused: {}", database_message(.0))]
    Database(#[from] tokio_postgres::Error),
}

/// The database's own words; the driver's Display stops at "db error".
fn database_message(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(database) => format!("{} ({})", database.message(), database.code().code()),
        None => match std::error::Error::source(error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        },
    }
}
