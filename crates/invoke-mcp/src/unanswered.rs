//! The answer to a call that the tool did not answer: why, and what is known all the same.

use dotwrap_invoke::{Answer, Ending, Failure, StopReason, StopRecord, Unread};
use dotwrap_invoke_command::{Report, Why};

use crate::{
    conversation::{Broken, Conversation},
    failure,
    interruption::Interruption,
};

/// The answer to a call that has no answer of the tool's.
pub(crate) fn of(
    broken: Broken,
    conversation: &Conversation<'_>,
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
        Broken::Interrupted(Interruption::Stopped(reason)) => {
            Ending::Stopped(receipt(reason, conversation, report))
        }
        Broken::Interrupted(Interruption::Deadline) => {
            Ending::Failed(cut_off("deadline", "the call took longer than it may"))
        }
        Broken::Interrupted(Interruption::TooMuch) => Ending::Failed(too_much()),
        // The connection broke because nothing more was read from it.
        Broken::Failed(_) | Broken::HandshakeRefused(_)
            if conversation.watch.allowance.is_exceeded() =>
        {
            Ending::Failed(too_much())
        }
        Broken::Failed(failure) | Broken::HandshakeRefused(failure) => Ending::Failed(failure),
    };
    Answer::new(match ending {
        Ending::Failed(failure) if facts.is_started() && !facts.is_called() => {
            Ending::Failed(of_started(failure))
        }
        other => other,
    })
}

/// The answer to a call whose tool answered, and whose output nobody had the time to read.
pub(crate) fn unread(why: Unread, report: Option<&Report>) -> Answer {
    let reason = match why {
        Unread::Stopped(reason) => reason,
        Unread::Deadline => {
            let what = "the tool answered in time, but its output could not be read in time";
            return Answer::failed(Failure::new("deadline", what));
        }
        Unread::Broken => {
            let what = "what the tool answered could not be kept";
            return Answer::failed(Failure::new("output_not_kept", what));
        }
    };
    let what = "all of it: the tool had answered, and its output was not read";
    let mut record = StopRecord {
        reason,
        told: Vec::new(),
        ended: Vec::new(),
        may_have_happened: vec![what.to_owned()],
    };
    if let Some(report) = report {
        of_process(report, &mut record);
    }
    Answer::new(Ending::Stopped(record))
}

/// A program does not wait for a call before it does something: what it did until it had ended, nobody here can say.
fn of_started(failure: Failure) -> Failure {
    let message = format!(
        "{}; the tool was not called, but the server's program ran, and what it did is not known",
        failure.message
    );
    Failure::unknown(failure.code, message)
}

fn receipt(
    reason: StopReason,
    conversation: &Conversation<'_>,
    report: Option<&Report>,
) -> StopRecord {
    let mut record = StopRecord {
        reason,
        told: conversation.told.clone(),
        ended: Vec::new(),
        may_have_happened: Vec::new(),
    };
    let facts = &conversation.facts;
    if facts.has_run() {
        let what = match facts.is_called() {
            true => "whatever the tool did before it was stopped",
            false => {
                "whatever the server's program did before it was stopped; the tool was not called"
            }
        };
        record.may_have_happened.push(what.to_owned());
    }
    match report {
        Some(report) => of_process(report, &mut record),
        None => record.ended.push("the connection to the server".to_owned()),
    }
    if report.is_none() && facts.is_called() {
        let what = "whatever the service does after it: nobody here can end it";
        record.may_have_happened.push(what.to_owned());
    }
    record
}

fn of_process(report: &Report, record: &mut StopRecord) {
    record.told.extend(report.told.iter().cloned());
    if let Some(status) = report.status {
        record
            .ended
            .push(format!("process {} {status}", report.process));
    }
    for ended in &report.ended {
        if !record.ended.contains(ended) {
            record.ended.push(ended.clone());
        }
    }
    let survivors = report.survived.iter();
    record
        .may_have_happened
        .extend(survivors.map(|process| format!("{process} still runs")));
    if report.why == Why::SupervisorLost {
        let what = "processes of the server may still run: its supervisor was killed";
        record.may_have_happened.push(what.to_owned());
    }
}
