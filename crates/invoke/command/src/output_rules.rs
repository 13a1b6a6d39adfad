//! What a producer's output has to be like: `output_rules`.

use dotwrap_invoke::{Answer, Failure, Output, UnsupportedContract};
use dotwrap_supervisor::{explain_bytes, invalid};
use serde::Deserialize;

/// The rules, as they are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutputRules {
    /// How small it may be.
    min_bytes: Option<u64>,
    /// How small it may be, as a part of what the last verified run of the same candidate and input left.
    min_ratio: Option<f64>,
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
    /// A rule that every output follows, or none.
    pub(crate) fn check(self) -> Result<(), UnsupportedContract> {
        match (self.min_bytes, self.min_ratio) {
            (None, None) => Err(invalid(
                "output_rules: it has neither min_bytes nor min_ratio",
            )),
            (Some(0), _) => Err(invalid("output_rules.min_bytes: 0 is true of every output")),
            // An output that must be larger than the last would fail each time it is the same.
            (_, Some(ratio)) if !(ratio > 0.0 && ratio <= 1.0) => Err(invalid(
                "output_rules.min_ratio: it is above 0 and at most 1",
            )),
            _ => Ok(()),
        }
    }

    /// The failure of an output that breaks a rule, where that is no warning. `verified` is the size of what the last
    /// verified run left; without one, nothing is compared.
    pub(crate) fn failure(self, output: &Output, verified: Option<u64>) -> Option<Failure> {
        let broken = self.broken(output, verified);
        let broken = broken.filter(|_| self.on == Consequence::Fail)?;
        Some(Failure::new("output_too_small", broken))
    }

    /// In a sentence for people.
    pub(crate) fn explain(self) -> String {
        let what = match self.on {
            Consequence::Fail => "fails",
            Consequence::Warn => "is a warning",
        };
        let least = self.min_bytes.map(explain_bytes);
        let part = self
            .min_ratio
            .map(|ratio| format!("{ratio} of the last verified one"));
        let least: Vec<String> = least.into_iter().chain(part).collect();
        format!("An output of less than {} {what}.", least.join(" or "))
    }

    /// The answer, with a warning where its output breaks a rule that only warns.
    pub(crate) fn warning(self, answer: Answer, verified: Option<u64>) -> Answer {
        let output = answer.output.as_ref();
        match output.and_then(|output| self.broken(output, verified)) {
            Some(what) => answer.warning("output_too_small", &what),
            None => answer,
        }
    }

    /// The rule that it breaks, in a sentence.
    fn broken(self, output: &Output, verified: Option<u64>) -> Option<String> {
        let size = output.size;
        if let Some(least) = self.min_bytes.filter(|least| size < *least) {
            return Some(format!(
                "its output is {size} bytes long, less than {least} (output_rules.min_bytes)"
            ));
        }
        let (ratio, verified) = self.min_ratio.zip(verified)?;
        // Sizes beyond 2^53 bytes lose their last digits, which no ratio depends on.
        ((size as f64) < verified as f64 * ratio).then(|| {
            format!(
                "its output is {size} bytes long, less than {ratio} of the {verified} bytes of the last verified run of the same \
                 candidate and input (output_rules.min_ratio)"
            )
        })
    }
}
