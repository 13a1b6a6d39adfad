//! The one way to the database: everything this crate says to it goes through [`Database`].

mod batch;
mod call;
mod configuration;
mod conninfo;
mod interval;
mod kept;
mod password_file;
mod pool;
mod row;
mod slot;
mod statement;
mod target;
mod tls;

pub use interval::Interval;
pub use target::{ConnectionTarget, TargetError};

pub(crate) use call::{Call, Idempotency, Value};
pub(crate) use pool::{Database, Settings};
pub(crate) use row::{ReadRow, Undecodable, column, read_row, row};
