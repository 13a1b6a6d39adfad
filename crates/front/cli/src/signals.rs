//! Signals that a command listens for.
use std::future::pending;
use std::io;

use dotwrap_exec::signals::was_ignored;
use dotwrap_exec::{Stop, StopHandle, StopReason};
use nix::sys::signal::Signal;
use tokio::signal::unix::{self, SignalKind};

use crate::output::Messages;

/// A signal that is listened for, unless it was ignored on purpose when this program was started: `nohup` means what it
/// says.
#[derive(Debug)]
pub(crate) struct Listener(Option<unix::Signal>);

impl Listener {
    /// Listens from now on.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn of(signal: Signal) -> io::Result<Self> {
        if was_ignored(signal) {
            return Ok(Self(None));
        }
        let kind = SignalKind::from_raw(signal as i32);
        unix::signal(kind).map(|listener| Self(Some(listener)))
    }

    /// Waits for the next one.
    pub(crate) async fn heard(&mut self) {
        match &mut self.0 {
            Some(listener) => _ = listener.recv().await,
            None => pending().await,
        }
    }
}

/// Ctrl-C, Ctrl-\ (SIGQUIT), SIGTERM and a closed terminal stop what is called, and the run is concluded. A second one
/// ends the program at once, and the run is reaped when its lease has run out.
pub(crate) fn interrupt_on_signals(messages: Messages) -> Stop {
    let (handle, stop) = StopHandle::new();
    tokio::spawn(async move {
        let (Ok(mut interrupt), Ok(mut quit), Ok(mut terminate), Ok(mut hang_up)) = (
            Listener::of(Signal::SIGINT),
            Listener::of(Signal::SIGQUIT),
            Listener::of(Signal::SIGTERM),
            Listener::of(Signal::SIGHUP),
        ) else {
            messages.warning(
                "cannot install signal handlers; Ctrl-C ends the program without concluding its run",
            );
            return std::future::pending().await;
        };
        let mut is_first = true;
        loop {
            tokio::select! {
                () = interrupt.heard() => {}
                () = quit.heard() => {}
                () = terminate.heard() => {}
                () = hang_up.heard() => {}
            }
            if !is_first {
                messages.warning(
                    "stopped. The run stays open until its lease expires; then: dotwrap reap",
                );
                std::process::exit(130);
            }
            is_first = false;
            handle.stop(StopReason::Interrupted);
        }
    });
    stop
}
