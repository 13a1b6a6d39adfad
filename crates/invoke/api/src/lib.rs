//! The one small trait behind which tools are called, and what goes in and comes out.
//!
//! ```text
//! runner ──► ToolCall ──► Invoker::invoke ──► Answer ──► runner ──► the ledger
//!               │              ▲
//!               └─ Stop ───────┘   a gate closed, a lease was lost, somebody pressed Ctrl-C
//! ```
//!
//! An invoker is chosen by the DOT's engine. It knows how to call one kind of tool and how to say honestly what became
//! of it. It opens no receipt and writes no row: that is the runner's, through the wrapper.

#![forbid(unsafe_code)]

mod answer;
mod call;
mod digest;
mod hosts;
mod invoker;
mod mock_search;
mod mounts;
mod output;
mod parent;
mod reading;
mod ready_thread;
mod reported;
mod secrets;
mod space;
mod stamped_file;
mod stop;
pub mod strict_json;
mod template;

pub use answer::{Answer, CallOutcome, Failure, add_warning};
pub use call::{Mode, Produced, ToolCall};
pub use digest::Digest;
pub use hosts::{AllowedHosts, InvalidHost};
pub use invoker::{Invoker, OutputPathRequest, UnsupportedContract};
pub use mock_search::{MockSearch, Searched};
pub use mounts::{Mount, current_mounts, mounts};
pub use output::{Change, EntryError, Output, open_file};
pub use reading::{ReadInterrupted, ReadLimit, ReadProgress, read_apart, read_apart_by};
pub use ready_thread::ReadyThread;
pub use reported::{Mentions, ToolReport, has_mock, reports_mock};
pub use secrets::Secrets;
pub use space::{Space, free_bytes};
pub use stamped_file::StampedFile;
pub use stop::{Deadline, Stop, StopHandle, StopReason, StopRecord};
pub use template::{Template, TemplateError, Values};
