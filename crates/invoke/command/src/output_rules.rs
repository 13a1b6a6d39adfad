//! What a producer's output has to be like: `output_rules`.

use dotwrap_invoke::{Answer, Failure, Output, UnsupportedContract};
use dotwrap_supervisor::{explain_bytes, invalid};
use serde::Deserialize;

/// The rules, as they are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutputRules {
    /// How small it may be.
    min_bytes: u64,
    /// What follows where it is smaller.
    #[serde(default)]
    on: Consequence,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Consequence {
    #[default]
    Fail,
    Warn,
}

impl OutputRules {
    /// # Errors
    /// A rule that every output follows.
    pub(crate) fn check(self) -> Result<(), UnsupportedContract> {
        match self.min_bytes {
            0 => Err(invalid("output_rules.min_bytes: 0 is true of every output")),
            _ => Ok(()),
        }
    }

    /// In a sentence for people.
    pub(crate) fn explain(self) -> String {
        let what = match self.on {
            Consequence::Fail => "fails",
            Consequence::Warn => "is a warning",
        };
        let least = explain_bytes(self.min_bytes);
        format!("An output of less than {least} {what}.")
    }

    /// The failure of an output that breaks a rule, where that is no warning.
    pub(crate) fn failure(self, output: &Output) -> Option<Failure> {
        let is_failure = self.is_broken(output) && self.on == Consequence::Fail;
        is_failure.then(|| Failure::new("output_too_small", self.what(output)))
    }

    /// The answer, with a warning where its output breaks a rule that only warns.
    pub(crate) fn warning(self, answer: Answer) -> Answer {
        match &answer.output {
            Some(output) if self.is_broken(output) => {
                let what = self.what(output);
                answer.warning("output_too_small", &what)
            }
            _ => answer,
        }
    }

    fn is_broken(self, output: &Output) -> bool {
        output.size < self.min_bytes
    }

    fn what(self, output: &Output) -> String {
        format!(
            "its output is {} bytes long, less than {} (output_rules.min_bytes)",
            output.size, self.min_bytes
        )
    }
}
