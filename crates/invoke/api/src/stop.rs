//! The signal that stops a call, and the receipt of a stop.

use serde::Serialize;
use strum::{AsRefStr, Display, IntoStaticStr};
use tokio::{sync::watch, time::Instant};

/// Why a call is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr, Display, IntoStaticStr, Serialize)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// An operator closed a gate that the run depends on.
    GateClosed,
    /// A gate that was opened with `stop_at_end` ended by its clock.
    WindowEnded,
    /// Somebody stopped the run.
    RunStopped,
    /// The run's lease could not be renewed, or somebody else has it.
    LeaseLost,
    /// The operator asked: Ctrl-C or SIGTERM.
    Interrupted,
    /// The disk of the run's folder has less space left than is to stay free.
    DiskFull,
}

/// The receipt of a stop: what was told to stop, what ended, and what may have happened all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StopRecord {
    /// Why.
    pub reason: StopReason,
    /// What was told to stop, and how, in order: e.g. `SIGTERM to process group 4711`, `SIGKILL to 3 processes`.
    pub signals_sent: Vec<String>,
    /// What is known to have ended: e.g. `process 4711 by signal 15`.
    pub exited: Vec<String>,
    /// What may go on or may have happened: e.g. `whatever the tool did before it was stopped`.
    pub possible_effects: Vec<String>,
}

/// The side that tells a call to stop, and until when it has leave to go on.
#[derive(Clone, Debug)]
pub struct StopHandle {
    signal: watch::Sender<Signal>,
    leave: watch::Sender<Option<Instant>>,
}

/// The side that a call listens to. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stop {
    signal: watch::Receiver<Signal>,
    leave: Deadline,
}

#[derive(Clone, Copy, Debug, Default)]
struct Signal {
    reason: Option<StopReason>,
    is_urgent: bool,
}

/// The time until which a call may run: the end of the run's lease, later after each renewal. A supervisor ends the
/// call at that time by itself, also where the runner stands still.
#[derive(Clone, Debug)]
pub struct Deadline(watch::Receiver<Option<Instant>>);

impl StopHandle {
    /// A signal that has not been given.
    pub fn new() -> (Self, Stop) {
        let (signal, given) = watch::channel(Signal::default());
        let (leave, until) = watch::channel(None);
        let stop = Stop {
            signal: given,
            leave: Deadline(until),
        };
        (Self { signal, leave }, stop)
    }

    /// Gives the signal. The first reason stays. A lost lease is urgent at any time: somebody else may begin.
    pub fn stop(&self, reason: StopReason) {
        self.signal.send_if_modified(|signal| {
            let before = (signal.reason, signal.is_urgent);
            signal.reason.get_or_insert(reason);
            signal.is_urgent |= reason == StopReason::LeaseLost;
            before != (signal.reason, signal.is_urgent)
        });
    }

    /// As [`StopHandle::stop`], and cuts the grace of the call, also where it is being stopped already.
    pub fn stop_now(&self, reason: StopReason) {
        self.signal.send_modify(|signal| {
            signal.reason.get_or_insert(reason);
            signal.is_urgent = true;
        });
    }

    /// Says until when the call has leave to go on, unless this is said again. Where it is never said, for as long as
    /// it takes.
    pub fn extend_deadline(&self, end: Instant) {
        self.leave.send_replace(Some(end));
    }
}

impl Stop {
    /// A signal that is never given.
    pub fn never() -> Self {
        StopHandle::new().1
    }

    /// The reason, if the signal was given.
    pub fn reason(&self) -> Option<StopReason> {
        self.signal.borrow().reason
    }

    /// Whether the call gets only the shortest grace.
    pub fn is_urgent(&self) -> bool {
        self.signal.borrow().is_urgent
    }

    /// Waits until the call gets only the shortest grace; for ever, where nobody is left who could say so.
    pub async fn urgent(&mut self) {
        if self
            .signal
            .wait_for(|signal| signal.is_urgent)
            .await
            .is_err()
        {
            std::future::pending().await
        }
    }

    /// Until when the call has leave to go on.
    pub fn leave(&self) -> Deadline {
        self.leave.clone()
    }

    /// Waits for the signal; for ever, where nobody is left who could give it.
    pub async fn cancelled(&mut self) -> StopReason {
        let given = self.signal.wait_for(|signal| signal.reason.is_some()).await;
        match given.ok().and_then(|signal| signal.reason) {
            Some(reason) => reason,
            None => std::future::pending().await,
        }
    }
}

impl Deadline {
    /// Its end, where one was said.
    pub fn end(&self) -> Option<Instant> {
        *self.0.borrow()
    }

    /// Waits until another end is said; for ever, where nobody is left who could say it.
    pub async fn next_end(&mut self) -> Instant {
        loop {
            match self.0.changed().await {
                Ok(()) => {
                    if let Some(end) = *self.0.borrow_and_update() {
                        return end;
                    }
                }
                Err(_nobody) => std::future::pending().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_reason_stays() {
        let (handle, mut stop) = StopHandle::new();
        assert_eq!(stop.reason(), None);
        handle.stop(StopReason::LeaseLost);
        handle.stop(StopReason::Interrupted);
        assert_eq!(stop.cancelled().await, StopReason::LeaseLost);
        assert_eq!(stop.reason(), Some(StopReason::LeaseLost));
    }

    #[tokio::test]
    async fn a_later_cause_can_make_a_stop_urgent() {
        for reason in [StopReason::LeaseLost, StopReason::GateClosed] {
            let (handle, mut stop) = StopHandle::new();
            handle.stop(StopReason::RunStopped);
            assert!(!stop.is_urgent());
            match reason {
                StopReason::LeaseLost => handle.stop(reason),
                _ => handle.stop_now(reason),
            }
            stop.urgent().await;
            assert_eq!(stop.reason(), Some(StopReason::RunStopped));
        }
    }

    #[tokio::test]
    async fn nobody_left_to_stop_it_is_no_stop() {
        let mut stop = Stop::never();
        let waited =
            tokio::time::timeout(std::time::Duration::from_millis(20), stop.cancelled()).await;
        assert!(waited.is_err());
    }
}
