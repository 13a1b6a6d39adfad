//! What went wrong, for people and for programs.

mod from_libraries;

pub use from_libraries::FREE_SPACE;

use std::fmt;

use dotwrap_wrapper::ErrorClass;
use serde_json::{Value, json};

/// Something else is in the way now: the contract's code, and that of a server without a connection slot.
pub const BUSY: &str = "busy";

/// Why something cannot be done. A front end turns the class into an exit status or an HTTP status.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The refusal's code, or one of the program's own (`usage`, `unreachable`, `internal`, …). Stable.
    pub code: String,
    /// What was wrong, in one sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// What a program may want to know beyond the code: a JSON object.
    pub detail: Value,
    /// What kind of failure it is.
    pub class: ErrorClass,
}

impl Problem {
    /// A problem without hint or detail.
    pub fn new(class: ErrorClass, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            hint: None,
            detail: json!({}),
            class,
        }
    }

    /// An argument or a file cannot be used.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Argument, "usage", message)
    }

    /// A defect of the program.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Internal, "internal", message)
    }

    /// The same problem with a sentence that says what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same problem with what a program may want to know.
    #[must_use]
    pub fn detail(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}
