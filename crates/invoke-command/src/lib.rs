//! Calls a program, and stays in charge of everything that it starts.
//!
//! ```text
//! CommandInvoker ─► Spec ──────────► Prepared ─► Supervisor::start ─► Supervised ─► Report ─► Answer
//!   invoker.rs      spec.rs,         prepare.rs    supervised/           run.rs       supervisor/   result.rs, verdict.rs,
//!                   program_spec.rs                                                                 evidence.rs
//! ```
//!
//! # A tool under supervision
//! Whoever else starts programs uses the lower half:
//!
//! ```text
//! Supervisor::of_this_program() | Supervisor::with_executable(path)
//!     .start(Program { path, arg0, arguments, environment, folder, stderr, limits, sandbox, require_sandbox, time_limit, leave }, Stdin)
//!                                → Result<Supervised, NotStarted>
//! Supervised { stdin: Option<pipe::Sender>, stdout: Option<pipe::Receiver> }     tokio's AsyncWrite and AsyncRead
//!     .process() → u32     .launch() → &Launch { sandbox, not_enforced }
//!     .stop()              tells everything to end, returns at once; dropping it does the same
//!     .stop_within(grace)  the same, with at most so much time between SIGTERM and SIGKILL
//!     .wait().await        → Report { process, status, why, told, ended, leftover, survived, not_enforced, stderr, usage, duration_ms }
//!     .wait_no_longer().await  → Report, after ending the supervisor itself, where it does not answer
//! run_if_asked() → Option<ExitCode>                                              first thing in main
//! ```
//!
//! [`Program::leave`] is until when the tool may go on without being told: its supervisor hears of each renewal by itself.
//! A report of a supervisor that was lost (`why`) says how, in `signals_sent` and `not_enforced`, and has no `usage`.
//!
//! with [`CallFolder`], [`SearchPath`], [`placeholders`] and [`ProgramSpec`] to make a [`Program`] from a call.

#![forbid(unsafe_code)]

mod capture;
mod cgroup;
mod environment;
mod evidence;
mod folder;
mod invoker;
mod limits;
mod orphans;
pub mod placeholders;
mod prepare;
mod program_spec;
mod result;
mod run;
mod sandbox;
mod search_path;
pub mod signals;
mod spec;
mod supervised;
mod supervisor;
mod verdict;

pub use cgroup::kill_unlocked_groups;
pub use folder::CallFolder;
pub use invoker::CommandInvoker;
pub use limits::Limits;
pub use program_spec::{ProgramSpec, RawPaths, RawProgram, check_declared_paths};
pub use sandbox::{Sandbox, SandboxReport, check_sandbox};
pub use search_path::SearchPath;
pub use supervised::{Program, SpawnError, Stdin, SupervisedProcess, Supervisor};
pub use supervisor::{
    EndReason, Launch, NotStartedCode, RemainingProcess, Report, Status, StderrKept, Usage,
    run_as_helper_process,
};
