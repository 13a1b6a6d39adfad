//! The invoker of the command engine: calls a program under a [supervisor](dotwrap_supervisor).
//!
//! ```text
//! CommandInvoker ─► Spec ─────► Prepared ─► Supervisor::start ─► CompletedCall ─► Answer
//!   invoker.rs      spec.rs     prepare.rs                       run.rs,          result.rs, verdict.rs,
//!                                                                capture.rs       evidence.rs
//! ```

#![forbid(unsafe_code)]

mod capture;
mod evidence;
mod home;
mod invoker;
mod output_rules;
mod patterns;
mod prepare;
mod reading;
mod result;
mod run;
mod spec;
mod stop_record;
mod verdict;

pub use invoker::CommandInvoker;
