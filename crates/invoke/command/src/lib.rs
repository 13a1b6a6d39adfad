//! The invoker of the command engine: calls a program under a [supervisor](dotwrap_supervisor).
//!
//! ```text
//! CommandInvoker ─► Spec ─────► Prepared ─► Supervisor::start ─► CompletedCall ─► Answer
//!   invoker.rs      spec.rs     prepare.rs                       run.rs,          result.rs, verdict.rs,
//!                   output_…                                     capture.rs       evidence.rs, reference.rs
//! ```

#![forbid(unsafe_code)]

mod capture;
mod evidence;
mod explanation;
mod home;
mod invoker;
mod output_path;
mod output_rules;
mod output_source;
mod patterns;
mod prepare;
mod reading;
mod reference;
mod result;
mod run;
mod spec;
mod stderr_tail;
mod stop_record;
mod verdict;

pub use invoker::CommandInvoker;
