//! What every test of the suite stands on.

pub(crate) mod ask;
pub(crate) mod backend;
pub(crate) mod call;
pub(crate) mod catalogue;
pub(crate) mod contents;
pub(crate) mod executed;
pub(crate) mod executing;
pub(crate) mod refusal;
pub(crate) mod world;

pub(crate) use ask::{ask, execute, lock_waiters, number, row, rows, text, value};
pub(crate) use backend::{Backend, Stage};
pub(crate) use call::{Call, literal};
pub(crate) use contents::contents;
pub(crate) use refusal::{Refusal, code, refused};
