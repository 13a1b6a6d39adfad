//! The signals of a worker: drain first, then stop.
use std::time::Duration;

use dotwrap_exec::{Stop, StopHandle, StopReason};
use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep_until};

use crate::output::Messages;
use crate::signals::Listener;

/// What a signal asks for.
enum Asked {
    /// Claim nothing more, and finish what is under way within the time.
    Drain,
    /// Claim nothing more, and finish what is under way.
    Replace,
    /// Stop what is under way.
    Stop,
}

/// How far the worker has been stopped.
#[derive(PartialEq)]
enum Phase {
    Working,
    Draining(Option<Instant>),
    Stopping,
}

/// Returns what drains the worker and what stops its calls.
///
/// SIGINT and SIGTERM drain it; when the time is over, or at a second one, its calls are stopped and concluded; a third
/// one ends the program at once. SIGQUIT and SIGHUP stop the calls. SIGUSR1 drains without a limit: a newer worker
/// replaces this one.
pub(super) fn listen(drain_timeout: Duration, messages: Messages) -> (Stop, Stop) {
    let (drain_handle, drain) = StopHandle::new();
    let (stop_handle, interrupt) = StopHandle::new();
    let (Ok(mut interrupted), Ok(mut terminated), Ok(mut quit), Ok(mut hung_up), Ok(mut replaced)) = (
        Listener::of(Signal::SIGINT),
        Listener::of(Signal::SIGTERM),
        Listener::of(Signal::SIGQUIT),
        Listener::of(Signal::SIGHUP),
        Listener::of(Signal::SIGUSR1),
    ) else {
        messages
            .warning("signals cannot be heard; Ctrl-C ends the worker without concluding its runs");
        return (drain, interrupt);
    };
    tokio::spawn(async move {
        let mut phase = Phase::Working;
        loop {
            let asked = tokio::select! {
                () = interrupted.heard() => Asked::Drain,
                () = terminated.heard() => Asked::Drain,
                () = quit.heard() => Asked::Stop,
                () = hung_up.heard() => Asked::Stop,
                () = replaced.heard() => Asked::Replace,
                () = end_of(&phase) => Asked::Stop,
            };
            phase = match (asked, phase) {
                (Asked::Replace, Phase::Working) => {
                    messages.note("nothing more is claimed; what is under way goes on to its end");
                    drain_handle.stop(StopReason::Interrupted);
                    Phase::Draining(None)
                }
                (Asked::Replace, phase) => phase,
                (Asked::Drain, Phase::Working | Phase::Draining(None)) => {
                    messages.note(format!(
                        "nothing more is claimed; what is under way is stopped in {} s, or at a second signal",
                        drain_timeout.as_secs()
                    ));
                    drain_handle.stop(StopReason::Interrupted);
                    Phase::Draining(Some(Instant::now() + drain_timeout))
                }
                (_, Phase::Working | Phase::Draining(_)) => {
                    messages.warning("what is under way is stopped");
                    drain_handle.stop(StopReason::Interrupted);
                    stop_handle.stop(StopReason::Interrupted);
                    Phase::Stopping
                }
                (_, Phase::Stopping) => {
                    messages.warning(
                        "ended at once; what is not concluded is left to `dotwrap reap`, when its lease has run out",
                    );
                    std::process::exit(130);
                }
            };
        }
    });
    (drain, interrupt)
}

/// The end of the time for draining; never where there is none.
async fn end_of(phase: &Phase) {
    match phase {
        Phase::Draining(Some(until)) => sleep_until(*until).await,
        _ => std::future::pending().await,
    }
}
