//! Who or what stopped a run.

use dotwrap_wrapper::Run;

/// Who stopped the run, and why.
pub(super) fn by(run: &Run) -> Option<String> {
    let (by, why) = (run.stopped_by.as_ref()?, run.stop_reason.as_ref()?);
    Some(format!("{by}: {why}"))
}

/// The change of a gate that stopped the run, where that was one.
pub(super) fn cause(run: &Run) -> Option<String> {
    let cause = run.evidence_ref.get("stop_cause")?;
    let text = |name: &str| cause[name].as_str().unwrap_or_default();
    let what = match text("cause") {
        "gate_closed" => "closed",
        "window_ended" => "ended",
        _ => return None,
    };
    let at_once = match &cause["now"] {
        serde_json::Value::Bool(true) => ", at once",
        _ => "",
    };
    let (gate, by, reason) = (text("gate"), text("by"), text("reason"));
    Some(format!("{gate} {what}{at_once}, {by}: {reason}"))
}
