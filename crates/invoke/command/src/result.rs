//! From what became of a call to the answer that is owed for it.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

use dotwrap_invoke::{
    Answer, CallOutcome, Failure, MockSearch, Output, ReadInterrupted, ReadLimit, ReadyThread,
    Secrets, Stop, StopReason, ToolReport, open_file, read_apart_by, read_deadline,
};
use dotwrap_types::{ComponentRole, Verdict};
use nix::sys::signal::Signal;
use serde_json::{Map, Value as Json};
use tokio::time::Instant;

use dotwrap_supervisor::{EndReason, Status};

use crate::{
    capture::CaptureEnd, patterns::Printed, prepare::Prepared, run::CompletedCall,
    spec::OutputSource, stop_record::stop_record, verdict,
};

/// Many programs look for their configuration and keys at home, and fail without.
const OWN_HOME: &str =
    "; its HOME was an empty folder (`home = \"runner\"` in the contract gives it the runner's)";

/// What a verifier prints is looked at up to this length, in bytes.
const MAX_VERDICT_BYTES: u64 = 1024 * 1024;

/// Says what became of the call, without evidence.
pub(crate) async fn conclude(
    role: ComponentRole,
    prepared: &Prepared,
    ran: &CompletedCall,
    reader: Option<ReadyThread>,
    stop: Stop,
    deadline: Instant,
) -> Answer {
    let answer = match classify_exit(prepared, ran) {
        Ok(status) => judge_output(role, prepared, ran, status, reader, stop, deadline).await,
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
                "its supervisor was killed or did not answer; nobody knows what it did, or whether all of it has ended",
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
            None => cut_off(
                "stop_requested",
                "its supervisor was told by somebody to stop it",
            ),
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
            None => cut_off("exit_unknown", "nobody saw how it ended"),
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
    deadline: Instant,
) -> Answer {
    if let Some(failure) = judge_status(role, prepared, status) {
        return Answer::failed(failure);
    }
    let reading = Reading::of(role, prepared);
    let read = match reader {
        Some(reader) => {
            let reading = move |limit: &ReadLimit| reading.read(limit);
            read_apart_by(reader, reading, &mut stop, read_deadline(deadline)).await
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
            "deadline",
            "it ended in time, but its output could not be read in time",
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
    failed.then(|| {
        let mut message = format!("it ended {status}");
        if prepared.spec.program.has_own_home() {
            message += OWN_HOME;
        }
        Failure::new("exit_status", message)
    })
}

/// Whether a producer did its work and says so with a status of its own.
fn is_warning(prepared: &Prepared, status: Status) -> bool {
    matches!(status, Status::Exited(code) if prepared.spec.warn_exit.contains(&code))
}

/// An output that was read to its end.
struct ReadOutput {
    output: Output,
    /// What a verifier printed; nothing, of a producer.
    report: ToolReport,
    /// Whether the tool says that it only simulated its work, in its output or beside it.
    is_mock: bool,
    /// What was searched for that, by the name of the file: `output`, `stdout`.
    searches: Map<String, Json>,
    /// What a verifier printed, where it is short enough to be compared.
    printed: Printed,
}

/// What is to be read when a tool has ended: its output, and what it said of itself.
struct Reading {
    role: ComponentRole,
    output: PathBuf,
    most: u64,
    /// What it printed beside its output.
    beside: Option<PathBuf>,
    /// Where what it complained is kept.
    stderr: PathBuf,
    secrets: Secrets,
}

impl Reading {
    fn of(role: ComponentRole, prepared: &Prepared) -> Self {
        let folder = &prepared.folder;
        let (most, beside) = match prepared.spec.output {
            OutputSource::File => (
                prepared.program.limits.output_bytes(),
                Some(folder.stdout()),
            ),
            // It was counted while it came.
            OutputSource::Stdout => (u64::MAX, None),
        };
        Self {
            role,
            output: prepared.output(),
            most,
            beside,
            stderr: folder.stderr(),
            secrets: prepared.spec.program.secrets(),
        }
    }

    /// Reads the whole of it: it may be long, and its digest, what it says and its text are read one after the other.
    fn read(&self, limit: &ReadLimit) -> Result<ReadOutput, Failure> {
        self.check_secrets(limit)?;
        let output = read_at_most(&self.output, self.most, limit)?;
        let mut read = match self.role {
            ComponentRole::Producer => ReadOutput::of_producer(output),
            ComponentRole::Verifier => ReadOutput::of_verifier(output, &self.stderr, limit)?,
        };
        if self.role == ComponentRole::Producer {
            read.search("output", &self.output, limit);
        }
        if let Some(stdout) = &self.beside {
            read.search("stdout", stdout, limit);
        }
        Ok(read)
    }

    /// What holds a secret that the tool was given is no output that counts. What the tool wrote by itself stays
    /// where it is.
    fn check_secrets(&self, limit: &ReadLimit) -> Result<(), Failure> {
        let places = [Some(&self.output), self.beside.as_ref(), Some(&self.stderr)];
        for place in places.into_iter().flatten() {
            if self
                .secrets
                .is_in_output(place, limit)
                .map_err(|error| unusable(&error))?
            {
                return Err(Failure::new(
                    "secret_in_output",
                    "the tool says a secret that it was given; what it printed was removed",
                ));
            }
        }
        Ok(())
    }
}

fn unusable(error: &io::Error) -> Failure {
    Failure::new("output_unusable", not_readable(error))
}

fn read_at_most(path: &Path, most: u64, limit: &ReadLimit) -> Result<Output, Failure> {
    let size = Output::size_at(path, limit).map_err(|error| unusable(&error))?;
    if size > most {
        let message =
            format!("its output is {size} bytes long, more than it may be (limits.output_bytes)");
        return Err(Failure::new("output_too_large", message));
    }
    Output::of_within(path, limit).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::new(
            "output_missing",
            "it ended as if all were well, and left no output",
        ),
        _ => unusable(&error),
    })
}

impl ReadOutput {
    fn of_producer(output: Output) -> Self {
        Self {
            output,
            report: ToolReport::nothing(),
            is_mock: false,
            searches: Map::new(),
            printed: Printed::default(),
        }
    }

    /// All that a verifier printed is read: its verdict may be anywhere.
    fn of_verifier(output: Output, stderr: &Path, limit: &ReadLimit) -> Result<Self, Failure> {
        let report = ToolReport::in_file(&output.path, MAX_VERDICT_BYTES, limit)
            .map_err(|error| Failure::new("output_unusable", error.to_string()))?;
        Ok(Self {
            is_mock: report.is_mock(),
            printed: Printed {
                stdout: bytes_in(&output.path),
                stderr: bytes_in(stderr),
            },
            report,
            ..Self::of_producer(output)
        })
    }

    /// Searches a file for `is_mock`, and keeps what was searched: a search that was not complete must not pass for one
    /// that was.
    fn search(&mut self, name: &str, path: &Path, limit: &ReadLimit) {
        let search = MockSearch::in_file(path, limit).unwrap_or(MockSearch::interrupted());
        self.is_mock |= search.is_mock;
        self.searches.insert(name.to_owned(), search.evidence());
    }
}

/// A short file's content. A longer one, or one that has grown meanwhile, has none.
fn bytes_in(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = open_file(path).ok()??;
    let length = file.take(MAX_VERDICT_BYTES + 1).read_to_end(&mut bytes);
    (length.ok()? as u64 <= MAX_VERDICT_BYTES).then_some(bytes)
}

/// Without the names below the output: the tool chose them, and they may be long, or secrets.
fn not_readable(error: &io::Error) -> String {
    match (error.kind(), error.raw_os_error()) {
        (io::ErrorKind::Unsupported, _) => {
            "its output is, or holds, something that is neither a file nor a folder nor a link in a folder".to_owned()
        }
        (_, Some(code)) => {
            let what = io::Error::from_raw_os_error(code);
            format!("its output can not be read: {what}")
        }
        (kind, None) => format!("its output can not be read: {kind}"),
    }
}

/// What it printed and what is in the file must be the same: the file is in a folder in which it may write.
fn check_stdout(
    prepared: &Prepared,
    ran: &CompletedCall,
    read: ReadOutput,
) -> Result<ReadOutput, Failure> {
    if prepared.spec.output == OutputSource::File {
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
    if let Some(failure) = rules.and_then(|rules| rules.failure(&read.output)) {
        return Answer::failed(failure);
    }
    let mut answer = produced(read);
    if is_warning(prepared, status) {
        let message = format!("it ended {status}, which its contract lists in warn_exit");
        answer = answer.warning("warn_exit", &message);
    }
    match rules {
        Some(rules) => rules.warning(answer),
        None => answer,
    }
}

fn produced(read: ReadOutput) -> Answer {
    let mut answer = Answer::new(CallOutcome::Completed);
    answer.is_mock = read.is_mock;
    answer.output = Some(read.output);
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
