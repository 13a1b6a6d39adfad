//! What a verifier's ending means. Of all that it says, the worst counts: one that exits with 0 and prints that the
//! output is wrong has not passed it.

use dotwrap_invoke::{Digest, ToolReport};
use dotwrap_types::Verdict;
use serde_json::Value as Json;

use dotwrap_supervisor::Status;

use crate::{
    patterns::{Patterns, Printed, VerdictPatterns},
    spec::Spec,
};

/// What a verifier said.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct VerdictAssessment {
    pub(crate) verdict: Verdict,
    pub(crate) verified_digest: Option<Digest>,
    /// Each reason why it is no pass.
    pub(crate) reasons: Vec<String>,
}

/// The first exit status by which a shell says that a program did not run to its end.
const SHELL_FAILURES: i32 = 126;

/// The exit status alone.
pub(crate) fn of_status(spec: &Spec, status: Status) -> Verdict {
    match status {
        Status::Exited(code) if spec.error_exit.contains(&code) => Verdict::Error,
        Status::Exited(code) if spec.success_exit.contains(&code) => Verdict::Pass,
        // A shell reports so that a program cannot be executed, is not there, or was ended by a signal.
        Status::Exited(SHELL_FAILURES..) => Verdict::Error,
        Status::Exited(_) => Verdict::Fail,
        Status::Signalled(_) => Verdict::Error,
    }
}

/// Everything it said.
///
/// `printed` is what it printed where it is short enough to be compared.
pub(crate) fn assess(
    spec: &Spec,
    status: Status,
    report: &ToolReport,
    printed: &Printed,
) -> VerdictAssessment {
    let mut judgement = VerdictAssessment {
        verdict: Verdict::Pass,
        verified_digest: None,
        reasons: Vec::new(),
    };
    judgement.downgrade(of_status(spec, status), || format!("it ended {status}"));
    if let Some(expected) = &spec.pass_stdout
        && text_of(printed).map(str::trim_end) != Some(expected.trim_end())
    {
        judgement.downgrade(Verdict::Fail, || {
            "it did not print what a pass prints".to_owned()
        });
    }
    judgement.take_patterns(&spec.patterns, printed);
    match report {
        ToolReport::TooLong(_) => {
            judgement.downgrade(Verdict::Error, || "its JSON object is too long".to_owned());
        }
        ToolReport::Json(Json::Object(members)) => {
            if let Some(verdict) = members.get("verdict") {
                let (verdict, reason) = of_member(verdict);
                judgement.downgrade(verdict, || reason.to_owned());
            }
            for name in ["output_digest", "verified_digest"] {
                if let Some(digest) = members.get(name) {
                    judgement.take_digest(name, digest);
                }
            }
        }
        ToolReport::Json(_) | ToolReport::Text(_) => {}
    }
    // What the contract says of standard output is clear. Without that, plain text decides nothing, and an object with
    // a verdict does.
    let has_rule = spec.pass_stdout.is_some() || spec.patterns.looks_at_stdout();
    if report.has_ambiguous_verdict_member() && !has_rule {
        judgement.downgrade(Verdict::Error, || {
            "it prints a JSON object with the member `verdict`, and that is not all it prints"
                .to_owned()
        });
    }
    judgement
}

fn text_of(printed: &Printed) -> Option<&str> {
    std::str::from_utf8(printed.stdout.as_deref()?).ok()
}

fn of_member(verdict: &Json) -> (Verdict, &'static str) {
    match verdict.as_str() {
        Some("pass") => (Verdict::Pass, ""),
        Some("fail") => (Verdict::Fail, "its verdict is fail"),
        Some("error") => (Verdict::Error, "its verdict is error"),
        _ => (
            Verdict::Error,
            "its verdict is none of pass, fail and error",
        ),
    }
}

impl VerdictAssessment {
    fn downgrade(&mut self, verdict: Verdict, reason: impl FnOnce() -> String) {
        if verdict == Verdict::Pass {
            return;
        }
        self.reasons.push(reason());
        if rank(verdict) > rank(self.verdict) {
            self.verdict = verdict;
        }
    }

    fn take_patterns(&mut self, patterns: &VerdictPatterns, printed: &Printed) {
        let is_found = |patterns: &Option<_>| {
            let patterns: Option<&Patterns> = patterns.as_ref();
            patterns.is_some_and(|patterns| patterns.is_any_found(printed))
        };
        if is_found(&patterns.error_if) {
            self.downgrade(Verdict::Error, || {
                "it printed what error_if looks for".to_owned()
            });
        }
        if is_found(&patterns.fail_if) {
            self.downgrade(Verdict::Fail, || {
                "it printed what fail_if looks for".to_owned()
            });
        }
        let pass_if = patterns.pass_if.as_ref();
        if pass_if.is_some_and(|patterns| !patterns.are_all_found(printed)) {
            self.downgrade(Verdict::Fail, || {
                "it did not print what pass_if looks for".to_owned()
            });
        }
        let is_cut = |looks: bool, text: &Option<_>| looks && text.is_none();
        if is_cut(patterns.looks_at_stdout(), &printed.stdout)
            || is_cut(patterns.looks_at_stderr(), &printed.stderr)
        {
            self.downgrade(Verdict::Error, || {
                "it printed more than the contract's patterns are compared with".to_owned()
            });
        }
    }

    fn take_digest(&mut self, name: &str, digest: &Json) {
        match digest.as_str().and_then(|text| text.parse().ok()) {
            Some(digest) if self.verified_digest.is_none_or(|earlier| earlier == digest) => {
                self.verified_digest = Some(digest);
            }
            Some(_) => self.downgrade(Verdict::Error, || {
                "it names two different digests".to_owned()
            }),
            None => self.downgrade(Verdict::Error, || {
                format!("its {name} is no SHA-256 digest")
            }),
        }
    }
}

fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Pass => 0,
        Verdict::Fail => 1,
        Verdict::Error => 2,
    }
}
