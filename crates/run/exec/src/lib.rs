//! Builds the runner from settings, with an invoker for each engine. It is the only crate above the runner: a front end
//! that does not depend on it cannot call a tool.
//!
//! ```text
//! ExecutionSettings ─► runner() ─► Runner          invokers.rs
//! InvocationChecker                                whether the engines understand a contract
//! plan_prune()                                   which runs' files may be removed
//! machine.rs                                       what this machine lacks for dry runs and large outputs
//! ```

#![forbid(unsafe_code)]

mod invokers;
mod machine;
mod prune;

pub use dotwrap_invoke::{Mode, ReadyThread, Space, Stop, StopHandle, StopReason, open_file};
pub use dotwrap_runner::{
    Error, FoundOutput, NoProgress, Outcome, Progress, Reverified, ReverifyOptions, RunOptions,
    Runner, RunsDir, Step, WorkerObserver, WorkerOptions,
};
pub use dotwrap_supervisor::{
    CallFolder, SandboxProblem, kill_unlocked_groups, run_as_helper_process, signals,
};
pub use invokers::{ExecutionSettings, InvocationChecker, InvocationRefusal, InvokerError, runner};
pub use machine::{check_sandbox, contract_warnings, disk_findings, sandbox_finding};
pub use prune::{KeepReason, PrunePlan, PruneRules, plan_prune};
