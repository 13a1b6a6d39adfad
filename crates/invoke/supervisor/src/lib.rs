//! Starts a tool under a supervisor, restricts it, and ends every process that it starts.
//!
//! ```text
//! ProgramSpec, CallFolder, SearchPath, placeholders     a contract and a call become a Program
//!
//! Supervisor::of_this_program() | Supervisor::with_executable(path)
//!     .start(Program { path, arg0, arguments, environment, folder, stderr, limits, sandbox, require_sandbox, time_limit, leave }, Stdin)
//!                                → Result<SupervisedProcess, SpawnError>
//! SupervisedProcess { stdin: Option<pipe::Sender>, stdout: Option<pipe::Receiver> }     tokio's AsyncWrite and AsyncRead
//!     .process() → u32     .launch() → &Launch { sandbox, not_enforced }
//!     .stop()              tells every process to end, and returns at once; dropping it does the same
//!     .stop_within(grace)  the same, with at most so much time between SIGTERM and SIGKILL
//!     .wait().await        → Report { process, status, why, signals_sent, exited, lingering_processes, not_enforced, stderr, usage, duration_ms }
//!     .wait_no_longer().await  → Report, after ending the supervisor itself, where it does not answer
//! run_as_helper_process() → Option<ExitCode>            called first in main
//! ```
//!
//! [`Program::leave`] is the time until which the tool may run. Its supervisor is told of each renewal.
//! A report of a supervisor that was lost (`why`) says how, in `signals_sent` and `not_enforced`, and has no `usage`.

#![forbid(unsafe_code)]

mod cgroup;
mod environment;
mod folder;
mod limits;
mod orphans;
pub mod placeholders;
mod program_spec;
mod sandbox;
mod search_path;
pub mod signals;
mod supervised;
mod supervisor;

pub use cgroup::kill_unlocked_groups;
pub use folder::{CallFolder, new_file};
pub use limits::Limits;
pub use program_spec::{
    ProgramSpec, RawPaths, RawProgram, check_declared_paths, invalid, template,
};
pub use sandbox::{Sandbox, SandboxReport, check_sandbox};
pub use search_path::SearchPath;
pub use supervised::{Program, SpawnError, Stdin, SupervisedProcess, Supervisor};
pub use supervisor::{
    EndReason, Launch, NotStartedCode, RemainingProcess, Report, Status, StderrKept, Usage,
    run_as_helper_process,
};
