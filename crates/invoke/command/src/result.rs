//! From what became of a call to the answer that is owed for it.

use dotwrap_invoke::{
    Answer, CallOutcome, Failure, ReadInterrupted, ReadLimit, ReadyThread, Stop, StopReason,
    read_apart_by,
};
use dotwrap_types::{ComponentRole, Verdict};
use nix::sys::signal::Signal;

use dotwrap_supervisor::{EndReason, Status};

use crate::{
    capture::CaptureEnd,
    home,
    prepare::Prepared,
    reading::{ReadOutput, Reading},
    run::CompletedCall,
    stop_record::stop_record,
    verdict,
};

/// Says what became of the call, without evidence.
pub(crate) async fn conclude(
    role: ComponentRole,
    prepared: &Prepared,
    ran: &CompletedCall,
    reader: Option<ReadyThread>,
    stop: Stop,
) -> Answer {
    let answer = match classify_exit(prepared, ran) {
        Ok(status) => judge_output(role, prepared, ran, status, reader, stop).await,
        Err(ending) => Answer::new(ending),
    };
    match (&answer.ending, role) {
        (CallOutcome::Failed(_), ComponentRole::Verifier) => Answer {
            verdict: Some(Verdict::Error),
            ..answer
        },
        _ => answer,
    }
}

/// The tool's exit status, where it ended by itself.
fn classify_exit(prepared: &Prepared, ran: &CompletedCall) -> Result<Status, CallOutcome> {
    let report = &ran.report;
    let cut_off = |code, message: &str| Err(CallOutcome::Failed(Failure::unknown(code, message)));
    match (report.why, ran.stdout_end) {
        (EndReason::SupervisorLost, _) => match ran.stopped {
            Some(reason) => Err(CallOutcome::Stopped(stop_record(reason, report))),
            None => cut_off(
                "supervisor_lost",
                "the supervisor was killed or did not answer; what the tool did is unknown, and whether all of it has ended",
            ),
        },
        (EndReason::Lapsed, _) => Err(CallOutcome::Stopped(stop_record(
            StopReason::LeaseLost,
            report,
        ))),
        (EndReason::Told | EndReason::ToolEnded, Some(CaptureEnd::TooLarge)) => cut_off(
            "output_too_large",
            "it printed more than it may (limits.stdout_bytes) and was stopped",
        ),
        (EndReason::Told, Some(CaptureEnd::Broken)) => cut_off(
            "output_not_kept",
            "what it printed could not be kept, and it was stopped",
        ),
        (EndReason::Told | EndReason::Abandoned, _) => match ran.stopped {
            Some(reason) => Err(CallOutcome::Stopped(stop_record(reason, report))),
            None => cut_off("stop_requested", "the supervisor was stopped from outside"),
        },
        (EndReason::Deadline, _) => cut_off("deadline", "its time was over (timeout_ms)"),
        (EndReason::TooManyProcesses, _) => cut_off(
            "too_many_processes",
            "it ran more processes at once than it may (limits.processes)",
        ),
        (EndReason::ToolEnded, _) if !report.survived.is_empty() => cut_off(
            "still_running",
            "it left processes behind that could not be ended",
        ),
        (EndReason::ToolEnded, _) => match report.status {
            Some(Status::Signalled(signal)) => {
                Err(CallOutcome::Failed(by_signal(prepared, signal)))
            }
            Some(status) => Ok(status),
            None => cut_off("exit_unknown", "the exit status is unknown"),
        },
    }
}

fn by_signal(prepared: &Prepared, signal: i32) -> Failure {
    let cpu_limited = prepared.program.limits.cpu_seconds.is_some();
    if signal == Signal::SIGXFSZ as i32 {
        return Failure::unknown(
            "output_too_large",
            "it wrote a file that is longer than it may be (limits.output_bytes)",
        );
    }
    if cpu_limited && signal == Signal::SIGXCPU as i32 {
        return Failure::unknown(
            "cpu_limit",
            "it used more processor time than it may (limits.cpu_seconds)",
        );
    }
    Failure::unknown("signal", format!("it ended by signal {signal}"))
}

/// What a tool that ended by itself has left.
async fn judge_output(
    role: ComponentRole,
    prepared: &Prepared,
    ran: &CompletedCall,
    status: Status,
    reader: Option<ReadyThread>,
    mut stop: Stop,
) -> Answer {
    if let Some(mut failure) = judge_status(role, prepared, status) {
        if prepared.spec.program.has_own_home() {
            let stderr = prepared.folder.stderr();
            if home::is_missed(reader, stderr, &mut stop).await {
                failure.message += home::HINT;
            }
        }
        return Answer::failed(failure);
    }
    let reading = Reading::of(role, prepared);
    let read = match reader {
        Some(reader) => {
            let reading = move |limit: &ReadLimit| reading.read(limit);
            read_apart_by(reader, reading, &mut stop, &prepared.reading).await
        }
        None => Err(ReadInterrupted::Broken),
    };
    let read = match read {
        Ok(read) => read,
        // A stop before the output is read leaves a tool that did its work, and nothing to show for it.
        Err(ReadInterrupted::Stopped(reason)) => {
            let record = stop_record(reason, &ran.report);
            return Answer::new(CallOutcome::Stopped(record));
        }
        Err(ReadInterrupted::Deadline) => Err(Failure::new(
            "output_unread",
            "it ended, but nothing of its output could be read for a minute",
        )),
        Err(ReadInterrupted::Broken) => {
            Err(Failure::new("output_unusable", "it could not be read"))
        }
    };
    let read = read.and_then(|read| check_stdout(prepared, ran, read));
    match (read, role) {
        (Err(failure), _) => Answer::failed(failure),
        (Ok(read), ComponentRole::Producer) => of_producer(prepared, status, read),
        (Ok(read), ComponentRole::Verifier) => verified(prepared, status, read),
    }
}

fn judge_status(role: ComponentRole, prepared: &Prepared, status: Status) -> Option<Failure> {
    let failed = match role {
        ComponentRole::Producer => {
            verdict::of_status(&prepared.spec, status) != Verdict::Pass
                && !is_warning(prepared, status)
        }
        ComponentRole::Verifier => verdict::of_status(&prepared.spec, status) == Verdict::Error,
    };
    failed.then(|| Failure::new("exit_status", format!("it ended {status}")))
}

/// Whether a producer did its work and says so with a status of its own.
fn is_warning(prepared: &Prepared, status: Status) -> bool {
    matches!(status, Status::Exited(code) if prepared.spec.warn_exit.contains(&code))
}

/// What it printed and what is in the file must be the same: the file is in a folder in which it may write.
fn check_stdout(
    prepared: &Prepared,
    ran: &CompletedCall,
    read: ReadOutput,
) -> Result<ReadOutput, Failure> {
    if !prepared.spec.output.is_printed() {
        return Ok(read);
    }
    match &ran.stdout {
        Ok(captured) if captured.digest == Some(read.output.digest) => Ok(read),
        Ok(captured) if captured.digest.is_some() => Err(Failure::new(
            "output_tampered",
            "the file that keeps what it printed was changed while it ran",
        )),
        Ok(_) => Err(Failure::new(
            "output_incomplete",
            "it has ended, but somebody whom it handed its standard output to still holds it",
        )),
        Err(error) => Err(Failure::new("output_not_kept", error.to_string())),
    }
}

fn of_producer(prepared: &Prepared, status: Status, read: ReadOutput) -> Answer {
    let rules = prepared.spec.output_rules;
    if let Some(failure) =
        rules.and_then(|rules| rules.failure(&read.output, prepared.verified_bytes))
    {
        return Answer::failed(failure);
    }
    let mut answer = produced(read);
    if is_warning(prepared, status) {
        let message = format!("it ended {status}, which its contract lists in warn_exit");
        answer = answer.warning("warn_exit", &message);
    }
    match rules {
        Some(rules) => rules.warning(answer, prepared.verified_bytes),
        None => answer,
    }
}

fn produced(read: ReadOutput) -> Answer {
    let mut answer = Answer::new(CallOutcome::Completed);
    answer.is_mock = read.is_mock;
    answer.output = Some(read.output);
    answer.fields = read.fields;
    if read.searches.is_empty() {
        return answer;
    }
    answer.with("is_mock_search", read.searches)
}

fn verified(prepared: &Prepared, status: Status, read: ReadOutput) -> Answer {
    let judgement = verdict::assess(&prepared.spec, status, &read.report, &read.printed);
    let mut answer = produced(read);
    answer.verdict = Some(judgement.verdict);
    answer.verified_digest = judgement.verified_digest;
    if !judgement.reasons.is_empty() {
        answer = answer.with("not_passed_reasons", judgement.reasons);
    }
    answer
}
