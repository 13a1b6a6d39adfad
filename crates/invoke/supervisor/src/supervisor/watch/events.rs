//! What a supervisor hears, each from a thread that waits for it.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    os::{fd::OwnedFd, unix::net::UnixStream},
    sync::mpsc::{Receiver, Sender},
    thread,
    time::Duration,
};

use nix::{
    errno::Errno,
    sys::{
        signal::{SigSet, Signal},
        wait::{WaitStatus, waitpid},
    },
};

use crate::{
    signals,
    supervisor::{
        EndReason, Status,
        launch::Step,
        protocol::{DEADLINE, Launch, NotStartedCode, Refusal, STOP},
    },
};

/// What comes first, and what comes next.
pub(super) enum Event {
    Launched(Launch),
    NotLaunched(Refusal),
    Ended(i32, Status),
    AllEnded,
    Told(EndReason),
    /// The longest grace.
    Hurry(Duration),
    /// Until when the tool has leave to go on, by [`clock`].
    Leave(Duration),
}

/// Hears of something in a thread of its own.
///
/// # Errors
/// There is no thread to be had.
pub(super) fn in_thread(
    events: &Sender<Event>,
    work: impl FnOnce(&Sender<Event>) + Send + 'static,
) -> io::Result<()> {
    let events = events.clone();
    thread::Builder::new().spawn(move || work(&events))?;
    Ok(())
}

/// Who tells the supervisor to end means the tool as well. They are waited for in a thread. What was ignored on purpose
/// when it started is not listened for: a blocked signal would be heard all the same.
pub(super) fn block_signals() -> SigSet {
    let signals: SigSet = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]
        .into_iter()
        .filter(|signal| !signals::was_ignored(*signal))
        .collect();
    let _ = signals.thread_block();
    signals
}

/// What the launcher says until it has become the tool, which closes its end.
pub(super) fn read_launch(mut status: io::PipeReader, events: &Sender<Event>) {
    let mut said = Vec::new();
    let _ = status.read_to_end(&mut said);
    let mut steps = said
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok());
    let event = match (steps.next(), steps.next()) {
        (Some(Step::Ready(launch)), None) => Event::Launched(launch),
        (_, Some(Step::Failed(why))) | (Some(Step::Failed(why)), _) => Event::NotLaunched(why),
        _ => Event::NotLaunched(Refusal::new(
            NotStartedCode::Other,
            "the launcher ended early",
        )),
    };
    let _ = events.send(event);
}

/// Asks for every child that ends, adopted ones included, until the kernel says that there is none. Begins when there
/// is one, which it is told; it is never told where none was started.
pub(super) fn reap(is_started: &Receiver<()>, events: &Sender<Event>) {
    if is_started.recv().is_err() {
        return;
    }
    loop {
        let event = match waitpid(None, None) {
            Ok(WaitStatus::Exited(process, status)) => {
                Event::Ended(process.as_raw(), Status::Exited(status))
            }
            Ok(WaitStatus::Signaled(process, signal, _)) => {
                Event::Ended(process.as_raw(), Status::Signalled(signal as i32))
            }
            Err(Errno::ECHILD) => {
                let _ = events.send(Event::AllEnded);
                return;
            }
            Ok(_) | Err(_) => continue,
        };
        if events.send(event).is_err() {
            return;
        }
    }
}

/// A line says until when the tool may go on, or is an order to stop; a further order can cut the grace. The end of the
/// channel says that dotwrap is gone.
pub(super) fn listen(control: UnixStream, events: &Sender<Event>) {
    let milliseconds = |line: &str, word: &str| {
        let number = line.strip_prefix(word)?.trim().parse().ok()?;
        Some(Duration::from_millis(number))
    };
    let lines = BufReader::new(File::from(OwnedFd::from(control))).lines();
    for line in lines.map_while(Result::ok) {
        if let Some(until) = milliseconds(&line, DEADLINE) {
            let _ = events.send(Event::Leave(until));
            continue;
        }
        if let Some(grace) = milliseconds(&line, STOP) {
            let _ = events.send(Event::Hurry(grace));
        }
        let _ = events.send(Event::Told(EndReason::Told));
    }
    let _ = events.send(Event::Told(EndReason::Abandoned));
}
