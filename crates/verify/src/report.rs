//! What is found.

use serde::Serialize;

/// What the judge found, check by check, in the order in which they were asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The schema that was judged.
    pub schema: String,
    /// Every check, also those that found nothing.
    pub checks: Vec<CheckResult>,
}

impl Report {
    /// Whether no rule is broken. Warnings do not count.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.violations() == 0
    }

    /// How many violations there are, over all checks.
    #[must_use]
    pub fn violations(&self) -> u64 {
        self.total(Severity::Violation)
    }

    /// How many warnings there are, over all checks.
    #[must_use]
    pub fn warnings(&self) -> u64 {
        self.total(Severity::Warning)
    }

    /// The checks that found something, warnings too.
    pub fn failed(&self) -> impl Iterator<Item = &CheckResult> {
        self.checks.iter().filter(|check| check.count > 0)
    }

    fn total(&self, severity: Severity) -> u64 {
        let checks = self.checks.iter();
        checks
            .filter(|check| check.severity == severity)
            .map(|check| check.count)
            .sum()
    }
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckResult {
    /// Its name. Names are stable: once released, one keeps its meaning.
    pub name: &'static str,
    /// What it is about, such as `runs` or `evidence`.
    pub family: &'static str,
    /// The rule that it holds the ledger to, in one sentence.
    pub rule: &'static str,
    /// Where the rule comes from.
    pub source: &'static str,
    /// What a finding means.
    pub severity: Severity,
    /// How many findings there are.
    pub count: u64,
    /// The first of them, by subject; as many as [`crate::VerifyOptions::sample`] allows.
    pub violations: Vec<Violation>,
}

/// What a finding means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The contract's functions cannot have written this: something went round them, or they are wrong.
    Violation,
    /// It can be legitimate (the registry keeps no history of its pairs, a caller may write its own tags), but needs a
    /// review.
    Warning,
}

/// One thing that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// What it is about: the id of a row, a candidate, a table, a function.
    pub subject: String,
    /// What is wrong with it.
    pub what: String,
}
