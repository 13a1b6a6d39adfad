//! An independent judge of the ledger.
//!
//! The functions of the SQL contract refuse what would be a lie, and the tables' triggers and constraints refuse what would go
//! round the functions. But an owner can alter a table, a superuser can rewrite a row, and the functions can be wrong. This
//! crate reads what is there afterwards and says where it breaks a rule. It shares no code with the writer: it states every
//! rule once more, over the raw tables, and calls none of the contract's functions. Its views are read only to be compared
//! with what the raw tables give.
//!
//! Each check is one SQL question under `src/checks/`, whose rows are what breaks its rule. All are asked in one read-only
//! REPEATABLE READ transaction, so that they judge one and the same state, while others go on writing, and through a pooler
//! in transaction mode too. Most of them read the whole ledger: that is what they are for. A run over a big ledger takes as
//! long as reading it some forty times; `statement_timeout` is the caller's.
//!
//! ```no_run
//! # use dotwrap_verify::{VerifyError, VerifyOptions, verify};
//! # async fn example(client: &mut tokio_postgres::Client) -> Result<(), VerifyError> {
//! // The session of a member of dot_archiver: the raw tables are not for everybody.
//! let report = verify(client, &VerifyOptions::default()).await?;
//! for check in report.failed() {
//!     println!("{}: {} ({} found)", check.name, check.rule, check.count);
//!     for violation in &check.violations {
//!         println!("  {}: {}", violation.subject, violation.what);
//!     }
//! }
//! assert!(report.holds());
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
