//! Patterns that say what a verifier's output means: `pass_if`, `fail_if`, `error_if`.

use dotwrap_invoke::UnsupportedContract;
use dotwrap_supervisor::invalid;
use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;

/// How large a compiled pattern may be, in bytes.
const SIZE_LIMIT: usize = 1 << 20;

/// The patterns of one key, by the stream that they look at.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPatterns {
    stdout: Option<String>,
    stderr: Option<String>,
}

/// As [`RawPatterns`], compiled.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patterns {
    stdout: Option<Regex>,
    stderr: Option<Regex>,
}

/// What a verifier printed, as far as it is compared with patterns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Printed {
    /// None where it is longer than is compared.
    pub(crate) stdout: Option<Vec<u8>>,
    /// What is kept of it.
    pub(crate) stderr: Option<Vec<u8>>,
}

/// All patterns of a contract.
#[derive(Clone, Debug, Default)]
pub(crate) struct VerdictPatterns {
    pub(crate) pass_if: Option<Patterns>,
    pub(crate) fail_if: Option<Patterns>,
    pub(crate) error_if: Option<Patterns>,
}

impl VerdictPatterns {
    /// Compiles them.
    ///
    /// # Errors
    /// `invocation_invalid`, with the key.
    pub(crate) fn read(
        pass_if: Option<RawPatterns>,
        fail_if: Option<RawPatterns>,
        error_if: Option<RawPatterns>,
    ) -> Result<Self, UnsupportedContract> {
        let read = |key, raw: Option<RawPatterns>| raw.map(|raw| raw.compiled(key)).transpose();
        Ok(Self {
            pass_if: read("pass_if", pass_if)?,
            fail_if: read("fail_if", fail_if)?,
            error_if: read("error_if", error_if)?,
        })
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// Whether one looks at standard error.
    pub(crate) fn looks_at_stderr(&self) -> bool {
        self.all().any(|patterns| patterns.stderr.is_some())
    }

    /// Whether one looks at standard output.
    pub(crate) fn looks_at_stdout(&self) -> bool {
        self.all().any(|patterns| patterns.stdout.is_some())
    }

    fn all(&self) -> impl Iterator<Item = &Patterns> {
        let all = [&self.pass_if, &self.fail_if, &self.error_if];
        all.into_iter().flatten()
    }
}

/// Compiled patterns have no equality; a contract without any is the default one.
impl PartialEq for VerdictPatterns {
    fn eq(&self, other: &Self) -> bool {
        self.is_empty() && other.is_empty()
    }
}

impl RawPatterns {
    fn compiled(self, key: &str) -> Result<Patterns, UnsupportedContract> {
        if self.stdout.is_none() && self.stderr.is_none() {
            return Err(invalid(format!(
                "{key}: no pattern; write {key} = {{ stdout = \"…\" }} or {{ stderr = \"…\" }}"
            )));
        }
        let compile = |stream: &str, pattern: Option<String>| {
            let compiled = pattern.map(|pattern| {
                let mut builder = RegexBuilder::new(&pattern);
                builder.size_limit(SIZE_LIMIT).multi_line(true);
                builder.build()
            });
            let compiled = compiled.transpose();
            compiled.map_err(|error| invalid(format!("{key}.{stream}: {error}")))
        };
        Ok(Patterns {
            stdout: compile("stdout", self.stdout)?,
            stderr: compile("stderr", self.stderr)?,
        })
    }
}

impl Patterns {
    /// Whether one of them is found. What was too long to be compared matches nothing.
    pub(crate) fn is_any_found(&self, printed: &Printed) -> bool {
        self.found(printed).any(|is_found| is_found)
    }

    /// Whether each of them is found.
    pub(crate) fn are_all_found(&self, printed: &Printed) -> bool {
        self.found(printed).all(|is_found| is_found)
    }

    fn found(&self, printed: &Printed) -> impl Iterator<Item = bool> {
        let streams = [
            (&self.stdout, &printed.stdout),
            (&self.stderr, &printed.stderr),
        ];
        let found = streams.map(|(pattern, text)| {
            let pattern = pattern.as_ref()?;
            Some(text.as_ref().is_some_and(|text| pattern.is_match(text)))
        });
        found.into_iter().flatten()
    }
}
