//! Calls a program, and stays in charge of everything that it starts.
//!
//! ```text
//! CommandInvoker ─► Prepared ─► Supervisor::start ─► Supervised ─► Report ─► Answer
//!   spec.rs          prepare.rs   supervised.rs         run.rs       supervisor/   conclude.rs, verdict.rs, evidence.rs
//! ```
//!
//! # A tool under supervision
//! Whoever else starts programs uses the lower half:
//!
//! ```text
//! Supervisor::of_this_program() | Supervisor::with_executable(path)
//!     .start(Program { path, arg0, arguments, environment, folder, stderr, limits, sandbox, time_limit }, Stdin)
//!                                → Result<Supervised, NotStarted>
//! Supervised { stdin: Option<pipe::Sender>, stdout: Option<pipe::Receiver> }     tokio's AsyncWrite and AsyncRead
//!     .process() → u32     .launch() → &Launch { sandbox, not_enforced }
//!     .stop()              tells everything to end, returns at once; dropping it does the same
//!     .wait().await        → Report { process, status, why, told, ended, leftover, survived, stderr, usage, duration_ms }
//! run_if_asked() → Option<ExitCode>                                              first thing in main
//! ```
//!
//! with [`CallFolder`], [`SearchPath`], [`environment`] and [`places`] to make a [`Program`] from a call.

#![forbid(unsafe_code)]

mod abandoned;
mod capture;
mod conclude;
pub mod environment;
mod evidence;
mod folder;
mod invoker;
mod limits;
pub mod places;
mod prepare;
mod run;
mod said;
mod sandbox;
mod search_path;
mod spec;
pub mod strict_json;
mod supervised;
mod supervisor;
mod verdict;

pub use folder::CallFolder;
pub use invoker::CommandInvoker;
pub use limits::Limits;
pub use said::{has_mock, pretends};
pub use sandbox::{Sandbox, SandboxReport};
pub use search_path::SearchPath;
pub use supervised::{NotStarted, Program, Stdin, Supervised, Supervisor};
pub use supervisor::{Launch, Leftover, Report, Status, StderrKept, Usage, Why, run_if_asked};
