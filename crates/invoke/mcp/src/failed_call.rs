//! The answer to a call that the tool did not answer: why, and what is known all the same.

use dotwrap_invoke::{Answer, CallOutcome, Failure, ReadInterrupted, StopReason, StopRecord};
use dotwrap_supervisor::{EndReason, Report};
use rmcp::model::CallToolResult;

use crate::{
    failure,
    limits::Interruption,
    session::{McpSession, SessionError},
};

/// The answer to a call that has no answer of the tool's.
pub(crate) fn of(
    broken: SessionError,
    conversation: &McpSession<'_>,
    report: Option<&Report>,
) -> Answer {
    let facts = &conversation.facts;
    // Where nothing was called, nothing of the tool is unknown.
    let cut_off = |code, what| match facts.is_called() {
        true => Failure::unknown(code, what),
        false => Failure::new(code, what),
    };
    let too_much = || cut_off(failure::TOO_LARGE, "the server sent more than it may");
    let ending = match broken {
        SessionError::Interrupted(Interruption::Stopped(reason)) => {
            CallOutcome::Stopped(stop_record(reason, conversation, report))
        }
        SessionError::Interrupted(Interruption::Deadline) => {
            CallOutcome::Failed(cut_off("deadline", "the call took longer than it may"))
        }
        SessionError::Interrupted(Interruption::TooMuch) => CallOutcome::Failed(too_much()),
        // The connection broke because nothing more was read from it.
        SessionError::Failed(_) | SessionError::HandshakeRefused(_)
            if conversation.watch.allowance.is_exceeded() =>
        {
            CallOutcome::Failed(too_much())
        }
        SessionError::Failed(failure) | SessionError::HandshakeRefused(failure) => {
            CallOutcome::Failed(failure)
        }
    };
    Answer::new(match ending {
        CallOutcome::Failed(failure) if facts.is_started() && !facts.is_called() => {
            CallOutcome::Failed(of_started(failure))
        }
        other => other,
    })
}

/// What became of the process counts more than what its server said.
pub(crate) fn apply_stop(
    result: Result<CallToolResult, SessionError>,
    report: &Report,
) -> Result<CallToolResult, SessionError> {
    let (code, what) = match report.why {
        _ if matches!(result, Err(SessionError::Interrupted(_))) => return result,
        EndReason::Lapsed => {
            let lost = Interruption::Stopped(StopReason::LeaseLost);
            return Err(SessionError::Interrupted(lost));
        }
        EndReason::SupervisorLost => (
            "supervisor_lost",
            "the server's supervisor was killed or did not answer; nobody knows whether all of it has ended",
        ),
        EndReason::TooManyProcesses => (
            "too_many_processes",
            "the server ran more processes at once than it may (limits.processes)",
        ),
        _ if !report.survived.is_empty() => (
            "still_running",
            "the server left processes behind that could not be ended",
        ),
        _ => return result,
    };
    Err(Failure::unknown(code, what).into())
}

/// The answer to a call whose tool answered, and whose output nobody had the time to read.
pub(crate) fn unread(why: ReadInterrupted, report: Option<&Report>) -> Answer {
    let reason = match why {
        ReadInterrupted::Stopped(reason) => reason,
        ReadInterrupted::Deadline => {
            let what = "the tool answered, but nothing of its output could be read for a minute";
            return Answer::failed(Failure::new("output_unread", what));
        }
        ReadInterrupted::Broken => {
            let what = "what the tool answered could not be kept";
            return Answer::failed(Failure::new("output_not_kept", what));
        }
    };
    let what = "all of it: the tool had answered, and its output was not read";
    let mut record = StopRecord {
        reason,
        signals_sent: Vec::new(),
        exited: Vec::new(),
        possible_effects: vec![what.to_owned()],
    };
    if let Some(report) = report {
        of_process(report, &mut record);
    }
    Answer::new(CallOutcome::Stopped(record))
}

/// A program does not wait for a call before it does something: what it did until it had ended, nobody here can say.
fn of_started(failure: Failure) -> Failure {
    let message = format!(
        "{}; the tool was not called, but the server's program ran, and what it did is not known",
        failure.message
    );
    Failure::unknown(failure.code, message)
}

fn stop_record(
    reason: StopReason,
    conversation: &McpSession<'_>,
    report: Option<&Report>,
) -> StopRecord {
    let mut record = StopRecord {
        reason,
        signals_sent: conversation.signals_sent.clone(),
        exited: Vec::new(),
        possible_effects: Vec::new(),
    };
    let facts = &conversation.facts;
    if facts.has_run() {
        let what = match facts.is_called() {
            true => "whatever the tool did before it was stopped",
            false => {
                "whatever the server's program did before it was stopped; the tool was not called"
            }
        };
        record.possible_effects.push(what.to_owned());
    }
    match report {
        Some(report) => of_process(report, &mut record),
        None => record
            .exited
            .push("the connection to the server".to_owned()),
    }
    if report.is_none() && facts.is_called() {
        let what = "whatever the service does after it: nobody here can end it";
        record.possible_effects.push(what.to_owned());
    }
    record
}

fn of_process(report: &Report, record: &mut StopRecord) {
    record
        .signals_sent
        .extend(report.signals_sent.iter().cloned());
    if let Some(status) = report.status {
        record
            .exited
            .push(format!("process {} {status}", report.process));
    }
    for ended in &report.ended {
        if !record.exited.contains(ended) {
            record.exited.push(ended.clone());
        }
    }
    let survivors = report.survived.iter();
    record
        .possible_effects
        .extend(survivors.map(|process| format!("{process} still runs")));
    if report.why == EndReason::SupervisorLost {
        let what = "processes of the server may still run: its supervisor was killed";
        record.possible_effects.push(what.to_owned());
    }
}
