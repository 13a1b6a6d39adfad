//! The trait.

use std::path::{Path, PathBuf};

use dotwrap_types::{CandidateCode, Contract, ProcessRunId};
use futures_util::future::BoxFuture;
use jiff::Timestamp;

use crate::{Answer, Mode, Stop, ToolCall};

/// Why a contract cannot be called by this invoker. Said before a receipt is opened, so that nothing of it gets into
/// the ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct UnsupportedContract {
    /// A stable word, e.g. `invocation_invalid`, `host_not_allowed`, `program_missing`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whether only this machine cannot call it: a program, a token or an allowed host is missing here. Another
    /// machine may call it.
    pub is_local: bool,
}

impl UnsupportedContract {
    /// A contract that says something this invoker does not understand.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
            is_local: false,
        }
    }

    /// A contract that this machine cannot call, and another one may.
    pub fn local(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            is_local: true,
            ..Self::new(code, message)
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// What the place of a run's output depends on.
#[derive(Clone, Copy, Debug)]
pub struct OutputPathRequest<'a> {
    /// The form in which the producer is called.
    pub mode: Mode,
    /// What the run is evidence for.
    pub candidate: &'a CandidateCode,
    /// The run.
    pub process_run_id: ProcessRunId,
    /// What the run is given.
    pub input_ref: Option<&'a str>,
    /// The folder that the producer's call will have.
    pub folder: &'a Path,
    /// What `{date}` and `{time}` stand for.
    pub at: Timestamp,
}

/// Calls one kind of tool.
///
/// # What every implementation promises
/// - The call ends within [`ToolCall::time_limit`] and a short grace, and soon after [`Stop`] says so, whatever the
///   tool does.
/// - Nothing of the tool is left running behind it, as far as that can be had; what cannot is said in the evidence.
/// - The answer claims no more than happened. What the tool says of itself is passed on as what it is: said.
/// - No secret gets into the answer.
pub trait Invoker: Send + Sync {
    /// Looks at a contract before anything is written.
    ///
    /// # Errors
    /// What is wrong with it, and what to do.
    fn check(&self, contract: &Contract, mode: Mode) -> Result<(), UnsupportedContract>;

    /// Whether a contract's `invocation` is understood at all, on whatever machine: keys that are not known, values of
    /// another type. What only this machine lacks is [`Invoker::check`]'s.
    ///
    /// # Errors
    /// What is not understood.
    fn check_invocation(&self, _contract: &Contract) -> Result<(), UnsupportedContract> {
        Ok(())
    }

    /// What a contract that can be called probably lacks, in sentences for people.
    fn warnings(&self, _contract: &Contract) -> Vec<String> {
        Vec::new()
    }

    /// Where a producer's contract wants its output, before anything is written; none where the invoker has a place of
    /// its own for it.
    ///
    /// # Errors
    /// The place is taken, or cannot be one.
    fn output_path(
        &self,
        _contract: &Contract,
        _request: &OutputPathRequest<'_>,
    ) -> Result<Option<PathBuf>, UnsupportedContract> {
        Ok(None)
    }

    /// What a contract's `invocation` comes to, in sentences for people: one for each rule, also where it is the
    /// default.
    ///
    /// # Errors
    /// What is not understood, as [`Invoker::check_invocation`].
    fn explain(&self, contract: &Contract) -> Result<Vec<String>, UnsupportedContract> {
        self.check_invocation(contract).map(|()| Vec::new())
    }

    /// Calls the tool.
    fn invoke<'a>(&'a self, call: &'a ToolCall, stop: Stop) -> BoxFuture<'a, Answer>;
}
