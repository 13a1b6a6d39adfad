//! Shared code of all tests of the suite.

pub(crate) mod backend;
pub(crate) mod call;
pub(crate) mod catalogue;
pub(crate) mod dump;
pub(crate) mod fixtures;
pub(crate) mod forged_run;
pub(crate) mod query;
pub(crate) mod refusal;
pub(crate) mod run_calls;

pub(crate) use backend::{Backend, TestContext};
pub(crate) use call::{Call, literal};
pub(crate) use dump::contents;
pub(crate) use query::{ask, execute, lock_waiters, number, row, rows, text, until, value};
pub(crate) use refusal::{Refusal, code, refused};
