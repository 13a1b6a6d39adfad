//! Where a database is and how a client gets in, by the rules of libpq. It reads the environment, the password file and
//! certificates, and opens no connection.
//!
//! ```text
//! text ─► Parameters ─► Config         ─► ConnectionTarget
//!         parameters.rs configuration.rs   target.rs
//!                       password_file.rs
//!                       tls.rs (sslmode, certificates)
//! ```

#![forbid(unsafe_code)]

mod configuration;
mod libpq_environment;
mod parameters;
mod password_file;
mod password_text;
mod target;
mod target_error;
mod tls;

pub use target::ConnectionTarget;
pub use target_error::TargetError;
