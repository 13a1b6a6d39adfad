//! Signals that a command listens for.
use std::future::pending;
use std::io;

use dotwrap_exec::signals::was_ignored;
use nix::sys::signal::Signal;
use tokio::signal::unix::{self, SignalKind};

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
