//! The report of a verification.

use serde::Serialize;

/// The findings of all checks, in execution order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The verified schema.
    pub schema: String,
    /// All checks, also those without findings.
    pub checks: Vec<CheckResult>,
}

impl Report {
    /// Whether no rule is violated. Warnings do not count.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.violations() == 0
    }

    /// The number of violations of all checks.
    #[must_use]
    pub fn violations(&self) -> u64 {
        self.total(Severity::Violation)
    }

    /// The number of warnings of all checks.
    #[must_use]
    pub fn warnings(&self) -> u64 {
        self.total(Severity::Warning)
    }

    /// The checks with findings, including warnings.
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

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckResult {
    /// Its name. A released name keeps its meaning.
    pub name: &'static str,
    /// Its family, such as `runs` or `evidence`.
    pub family: &'static str,
    /// Its rule, in one sentence.
    pub rule: &'static str,
    /// The source of the rule.
    pub source: &'static str,
    /// What a finding means.
    pub severity: Severity,
    /// The number of findings.
    pub count: u64,
    /// The first of them, by subject; as many as [`crate::VerifyOptions::sample`] allows.
    pub violations: Vec<Violation>,
}

/// What a finding means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The contract's functions cannot have written this: they were bypassed, or have a defect.
    Violation,
    /// It can be legitimate (the registry keeps no history of its pairs, a caller may write its own tags), but needs a
    /// review.
    Warning,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The object: the id of a row, a candidate, a table, a function.
    pub subject: String,
    /// The defect.
    pub what: String,
}
