//! What a verifier's ending means. Of all that it says, the worst counts: one that exits with 0 and prints that the output is
//! wrong has not passed it.

use dotwrap_invoke::{Digest, ToolReport};
use dotwrap_types::Verdict;
use serde_json::Value as Json;

use dotwrap_supervisor::Status;

use crate::spec::Spec;

/// What a verifier said.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct VerdictAssessment {
    pub(crate) verdict: Verdict,
    pub(crate) verified_digest: Option<Digest>,
    /// Each reason why it is no pass.
    pub(crate) reasons: Vec<String>,
}

/// The exit status alone.
pub(crate) fn of_status(spec: &Spec, status: Status) -> Verdict {
    match status {
        Status::Exited(code) if spec.error_exit.contains(&code) => Verdict::Error,
        Status::Exited(code) if spec.success_exit.contains(&code) => Verdict::Pass,
        Status::Exited(_) => Verdict::Fail,
        Status::Signalled(_) => Verdict::Error,
    }
}

/// Everything it said.
///
/// `printed` is its standard output as text where it is short enough to be compared with `pass_stdout`.
pub(crate) fn assess(
    spec: &Spec,
    status: Status,
    said: &ToolReport,
    printed: Option<&str>,
) -> VerdictAssessment {
    let mut judgement = VerdictAssessment {
        verdict: Verdict::Pass,
        verified_digest: None,
        reasons: Vec::new(),
    };
    judgement.downgrade(of_status(spec, status), || format!("it ended {status}"));
    if let Some(expected) = &spec.pass_stdout
        && printed.map(str::trim_end) != Some(expected.trim_end())
    {
        judgement.downgrade(Verdict::Fail, || {
            "it did not print what a pass prints".to_owned()
        });
    }
    match said {
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
    // What the contract says a pass looks like is clear, whatever it looks like.
    let is_agreed = spec.pass_stdout.is_some() && judgement.verdict == Verdict::Pass;
    if said.has_ambiguous_verdict() && !is_agreed {
        judgement.downgrade(Verdict::Error, || {
            "it speaks of a verdict, and not in the member `verdict` of one JSON object that is all it prints".to_owned()
        });
    }
    // Whoever ended with another status has said clearly that it is no pass, in whatever letters it explains that.
    if said.is_not_utf8() && judgement.verdict == Verdict::Pass && !is_agreed {
        judgement.downgrade(Verdict::Error, || {
            "what it prints is no text (UTF-8, without NUL), so that nobody can tell what it says".to_owned()
        });
    }
    judgement
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
