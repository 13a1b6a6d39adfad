//! The SQL contract of DOT Wrapper as data, and its installer.
//!
//! The contract is SQL, so that it binds psql, Python and every other client. This crate contains the `.sql` files and
//! installs them into a database:
//!
//! | folder of `sql/` | content | how it changes |
//! | --- | --- | --- |
//! | `tables/NNNN_*.sql` | tables, indexes, built-in rows | applied once, in order, never edited after a release |
//! | `layers/`, `flows/`, `rollup/`, `support/`, `registry/`, `backfill/` | functions | replaced by every install |
//! | `guards/` | append-only triggers | replaced by every install |
//! | `views/` | views for readers | replaced by every install |
//! | `access.toml` | roles and grants | every install grants exactly these |
//! | `comments.toml` | descriptions of public objects | written as `COMMENT ON` by every install |
//!
//! An installation is one transaction. [`plan`] reads the installed state and returns a [`Plan`], whose
//! [`script`](Plan::script) is plain SQL: `dotwrap install --dry-run` prints it, and psql can run it. [`apply`] runs
//! it.
//!
//! ```no_run
//! # async fn example(client: &tokio_postgres::Client) -> Result<(), dotwrap_contract::InstallError> {
//! use dotwrap_contract::{InstallOptions, apply};
//!
//! let done = apply(client, &InstallOptions::default()).await?;
//! println!("{}", if done.is_current() { "already current" } else { "installed" });
//! # Ok(())
//! # }
//! ```

mod access;
mod comments;
mod doctor;
mod error;
mod foreign;
mod identifier;
mod install;
mod plan;
mod script;
mod source;
mod state;
mod transfer;
mod uninstall;
mod version;

pub use access::{Access, RoleAccess, access};
pub use comments::{Comments, FunctionComment, comments};
pub use doctor::{Finding, Severity, diagnose};
pub use error::InstallError;
pub use install::apply;
pub use plan::{InstallOptions, Plan, RolePolicy, plan};
pub use source::{contract_digest, files};
pub use state::{Installed, installed};
pub use transfer::{
    abandon_transfer, begin_transfer, check_transfer_target, row_counts, settle_transfer,
};
pub use uninstall::{KeptRole, UninstallOptions, UninstallPlan, plan_uninstall, uninstall};

/// The version that an installation records and the doctor compares.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
