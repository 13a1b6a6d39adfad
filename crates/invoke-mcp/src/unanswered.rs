//! The answer to a call that the tool did not answer: why, and what is known all the same.

use dotwrap_invoke::{Answer, Ending, Failure, StopReason, StopRecord};
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
    let is_called = conversation.facts.is_called();
    // Nothing was called, so nothing of the tool is unknown.
    let cut_off = |code, what| match is_called {
        true => Failure::unknown(code, what),
        false => Failure::new(code, what),
    };
    let too_much = || cut_off(failure::TOO_LARGE, "the server sent more than it may");
    Answer::new(match broken {
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
    })
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
    if conversation.facts.is_called() {
        let what = "whatever the tool did before it was stopped";
        record.may_have_happened.push(what.to_owned());
    }
    match report {
        Some(report) => of_process(report, &mut record),
        None => record.ended.push("the connection to the server".to_owned()),
    }
    if report.is_none() && conversation.facts.is_called() {
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
