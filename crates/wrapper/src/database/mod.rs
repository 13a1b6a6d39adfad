//! The one way to the database: everything this crate says to it goes through [`Database`].

mod batch;
mod call;
mod configuration;
mod flight;
mod interval;
mod kept;
mod parameters;
mod password_file;
mod pool;
mod row;
mod slot;
mod target;
mod tls;

pub use interval::Interval;
pub use target::{Target, TargetError};

pub(crate) use call::{Call, Repeat, Value};
pub(crate) use pool::{Database, Settings};
pub(crate) use row::{ReadRow, Undecodable, column, row};
