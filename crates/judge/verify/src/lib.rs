//! An independent verifier of the ledger.
//!
//! The functions of the SQL contract refuse false records, and the tables' triggers and constraints refuse writes that
//! bypass the functions. But an owner can alter a table, a superuser can rewrite a row, and a function can have a
//! defect. This crate reads the ledger and reports violations. It shares no code with the writer: it states every rule
//! again, over the raw tables, and calls none of the contract's functions. It reads the contract's views only to
//! compare them with the raw tables.
//!
//! Each check is one SQL query under `src/checks/` that returns the rows which violate its rule. All checks run in one
//! read-only REPEATABLE READ transaction, so that they read the same snapshot during concurrent writes, and work
//! through a pooler in transaction mode. Most of them read the whole ledger. A verification takes as long as about
//! forty reads of the ledger; the caller sets `statement_timeout`.
//!
//! ```no_run
//! # use dotwrap_verify::{VerifyError, VerifyOptions, verify};
//! # async fn example(client: &mut tokio_postgres::Client) -> Result<(), VerifyError> {
//! // The session of a member of dot_archiver, which may read the raw tables.
//! let report = verify(client, &VerifyOptions::default()).await?;
//! for check in report.failed() {
//!     println!("{}: {} ({} found)", check.name, check.rule, check.count);
//!     for violation in &check.violations {
//!         println!("  {}: {}", violation.subject, violation.what);
//!     }
//! }
//! assert!(report.is_clean());
//! # Ok(())
//! # }
//! ```
//!
#![doc = include_str!("../CHECKS.md")]
#![doc = include_str!("../UNDETECTED.md")]

mod checks;
mod error;
mod privileges;
mod question;
mod release;
mod report;
mod run;

pub use error::VerifyError;
pub use report::{CheckResult, Report, Severity, Violation};
pub use run::{VerifyOptions, verify};
