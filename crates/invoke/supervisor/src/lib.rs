//! Starts a tool under a supervisor, restricts it, and ends every process that it starts.
//!
//! 1. [`ProgramSpec`] makes a [`Program`] from a contract and a call. [`CallFolder`] is the call's folder,
//!    [`SearchPath`] finds the executable, and [`placeholders`] fills the arguments.
//! 2. [`Supervisor::start`] starts it, and returns a [`SupervisedProcess`] or a [`SpawnError`].
//! 3. [`SupervisedProcess`] has the tool's standard input and output. [`SupervisedProcess::launch`] says which
//!    restrictions hold.
//! 4. [`SupervisedProcess::stop`] tells every process to end. Dropping the value does the same.
//! 5. [`SupervisedProcess::wait`] returns a [`Report`]: how the tool ended, and what was left of it.
//!
//! The supervisor is the same executable. [`run_as_helper_process`] is therefore called first in `main`.
//!
//! [`Program::leave`] is the time until which the tool may run. The supervisor receives each renewal.
//! A report of a lost supervisor names the loss in `why`, and has no `usage`.

#![forbid(unsafe_code)]

mod call_files;
mod cgroup;
mod declared_paths;
mod environment;
mod folder;
mod left_processes;
mod limits;
mod orphans;
pub mod placeholders;
mod privileges;
mod program_spec;
mod raw_program;
mod sandbox;
mod search_path;
pub mod signals;
mod supervised;
mod supervisor;
mod variable_source;

pub use call_files::{CallFiles, InputFile, PendingDigests};
pub use cgroup::kill_unlocked_groups;
pub use declared_paths::check_declared_paths;
pub use folder::{CallFolder, new_file};
pub use limits::Limits;
pub use program_spec::{
    ProgramSpec, bytes as explain_bytes, invalid, listed as explain_list, template,
};
pub use raw_program::{Home, RawPaths, RawProgram};
pub use sandbox::{Sandbox, SandboxProblem, SandboxReport};
pub use search_path::SearchPath;
pub use supervised::{Program, RecordedArgv, SpawnError, Stdin, SupervisedProcess, Supervisor};
pub use supervisor::{
    EndReason, Launch, LeftProcess, NotStartedCode, RemainingProcess, Report, Status, StderrKept,
    Usage, run_as_helper_process,
};
pub use variable_source::VariableSource;
