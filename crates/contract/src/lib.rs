//! The SQL contract of DOT Wrapper as data, and its installer.
//!
//! The contract is SQL, so that psql, Python and every other client is held to it; this crate only carries the `.sql`
//! files and puts them into a database. What is where:
//!
//! | folder of `sql/` | what | how it changes |
//! | --- | --- | --- |
//! | `tables/NNNN_*.sql` | tables, indexes, shipped rows | applied once, in order, never edited once shipped |
//! | `layers/`, `support/`, `registry/`, `backfill/` | functions, by layer of the design's drawing | replaced by every install |
//! | `guards/` | the append-only triggers | put back by every install |
//! | `views/` | what readers see | replaced by every install |
//! | `access.toml` | roles and grants, declared | the database is made to say exactly this |
//! | `comments.toml` | what every public object is | written as `COMMENT ON` by every install |
//!
//! An installation is one transaction: [`plan`] looks at what is there and returns the [`Plan`], whose
//! [`script`](Plan::script) is plain SQL (`dotwrap install --dry-run` prints it, psql runs it); [`apply`] runs it.
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
mod identifier;
mod install;
mod plan;
mod script;
mod source;
mod state;
mod version;

pub use access::{Access, RoleAccess, access};
pub use comments::{Comments, FunctionComment, comments};
pub use doctor::{Finding, Severity, diagnose};
pub use error::InstallError;
pub use install::apply;
pub use plan::{InstallOptions, Plan, RolePolicy, plan};
pub use source::{contract_digest, files};
pub use state::{Installed, installed};

/// The version that an installation records, and a doctor compares.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
