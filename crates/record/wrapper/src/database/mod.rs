//! The only interface to the database: every statement of this crate goes through [`Database`].

mod call;
mod connect;
mod interval;
mod kept;
mod pool;
mod row;
mod slot;
mod statement;
mod views;

pub use connect::{connect, connect_within};
pub use dotwrap_conninfo::{ConnectionTarget, TargetError};
pub use interval::Interval;

pub(crate) use call::{Call, Idempotency, Value};
pub(crate) use connect::open;
pub(crate) use pool::{Database, Settings, decode_error};
pub(crate) use row::{ReadRow, Undecodable, column, read_row, row};
