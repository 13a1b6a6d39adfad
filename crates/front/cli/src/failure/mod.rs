//! What a command reports when it cannot do what was asked: a code, a sentence, a hint, and the exit status.

mod from_libraries;
mod hints;
use std::fmt;

use dotwrap_app::visible::{escaped_json, shown_lines};
use miette::{Diagnostic, Severity};
use serde::Serialize;
use serde_json::{Value, json};

use crate::exit_status::ExitStatus;

/// One failed command, ready to be shown to a person (through miette) or to a program (as a JSON object).
#[derive(Debug)]
pub(crate) struct Failure {
    /// The refusal's code, or one of this program's own (`usage`, `unreachable`, `internal`, …).
    pub(crate) code: String,
    /// What was wrong, in one sentence.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    /// What a program may want to know beyond the code.
    pub(crate) detail: Value,
    /// How the process ends.
    pub(crate) status: ExitStatus,
}

impl Failure {
    /// A failure without hint or detail.
    pub(crate) fn new(
        status: ExitStatus,
        code: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            hint: None,
            detail: json!({}),
            status,
        }
    }

    /// The command line or a file given to it is not usable.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ExitStatus::Usage, "usage", message)
    }

    /// A defect of this program.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(ExitStatus::Internal, "internal", message)
    }

    /// A failure of which the command's output gives the reason.
    pub(crate) fn without_reason(status: ExitStatus) -> Self {
        let (code, message) = match status {
            ExitStatus::Failed => ("failed", "FAILED: the output says what"),
            ExitStatus::Blocked => ("blocked", "BLOCKED: the output says by what"),
            _ => ("not_done", "NOT DONE: the output says why"),
        };
        Self::new(status, code, message)
    }

    /// The same failure with a sentence that says what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same failure with what a program may want to know.
    pub(crate) fn detail(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }

    /// The reader of standard output went away (`dotwrap runs ls | head`): no failure that anybody should see.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.code == BROKEN_PIPE
    }

    /// The JSON object that `--output json` puts on standard error.
    pub(crate) fn to_json(&self) -> String {
        let Self {
            code,
            message,
            hint,
            detail,
            ..
        } = self;
        // Four values that are JSON already: this cannot fail, and would still be JSON if it did.
        let text = serde_json::to_string(&Shown {
            code,
            message,
            hint,
            detail,
        });
        text.map_or_else(|_| "{}".to_owned(), |text| escaped_json(&text))
    }
}

/// The failure in the order in which people read it.
#[derive(Serialize)]
struct Shown<'a> {
    code: &'a str,
    message: &'a str,
    hint: &'a Option<String>,
    detail: &'a Value,
}

const BROKEN_PIPE: &str = "broken_pipe";

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It may repeat what somebody recorded.
        formatter.write_str(&shown_lines(&self.message))
    }
}

impl std::error::Error for Failure {}

impl Diagnostic for Failure {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.code))
    }

    fn severity(&self) -> Option<Severity> {
        Some(Severity::Error)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.hint
            .as_ref()
            .map(|hint| Box::new(shown_lines(hint)) as Box<dyn fmt::Display>)
    }
}

impl From<std::io::Error> for Failure {
    /// Only writing to standard output is left to this conversion; code that opens a file names it.
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::new(
                ExitStatus::Done,
                BROKEN_PIPE,
                "the reader of standard output went away",
            );
        }
        Self::new(
            ExitStatus::OutputFailed,
            "output_failed",
            format!("the output cannot be written: {error}"),
        )
        .hint("what was asked for may be done all the same: see the ledger, e.g. dotwrap runs show last")
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        if error.io_error_kind() == Some(std::io::ErrorKind::BrokenPipe) {
            return std::io::Error::from(std::io::ErrorKind::BrokenPipe).into();
        }
        Self::internal(format!("the output cannot be written as JSON: {error}"))
    }
}
