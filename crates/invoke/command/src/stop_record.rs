//! The record of a call that was stopped.

use dotwrap_invoke::{Answer, CallOutcome, StopReason, StopRecord};
use dotwrap_supervisor::{EndReason, Report};

/// What was signalled, what ended, and what the tool may have done.
pub(crate) fn stop_record(reason: StopReason, report: &Report) -> StopRecord {
    let what = match report.why {
        EndReason::ToolEnded => "all of it: it had ended by itself, and its output was not read",
        _ => "whatever the tool did before it was stopped",
    };
    let mut may_have_happened = vec![what.to_owned()];
    let survived = report.survived.iter();
    may_have_happened.extend(survived.map(|process| format!("{process} may still run")));
    if report.why == EndReason::SupervisorLost {
        let what = "processes of the tool that nobody found may still run: its supervisor was lost";
        may_have_happened.push(what.to_owned());
    }
    StopRecord {
        reason,
        signals_sent: report.signals_sent.clone(),
        exited: report.ended.clone(),
        possible_effects: may_have_happened,
    }
}

/// Of a call that was stopped before anything had been started.
pub(crate) fn never_started(reason: StopReason) -> Answer {
    let mut answer = Answer::new(CallOutcome::Stopped(StopRecord {
        reason,
        signals_sent: Vec::new(),
        exited: Vec::new(),
        possible_effects: Vec::new(),
    }));
    answer.called = false;
    answer
}
