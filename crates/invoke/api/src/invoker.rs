//! The trait.

use dotwrap_types::Contract;
use futures_util::future::BoxFuture;

use crate::{Answer, Mode, Stop, ToolCall};

/// Why a contract can not be called by this invoker. Said before a receipt is opened, so that nothing of it gets into
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

/// Calls one kind of tool.
///
/// # What every implementation promises
/// - The call ends within [`ToolCall::time_limit`] and a short grace, and soon after [`Stop`] says so, whatever the
///   tool does.
/// - Nothing of the tool is left running behind it, as far as that can be had; what can not is said in the evidence.
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

    /// Calls the tool.
    fn invoke<'a>(&'a self, call: &'a ToolCall, stop: Stop) -> BoxFuture<'a, Answer>;
}
