//! What ends a step of a call from outside.

use std::time::Duration;

use dotwrap_invoke::{Stop, StopReason};
use tokio::time::Instant;

use crate::allowance::Allowance;

/// What reading the output may take at least, however little is left of the call's time.
const READING: Duration = Duration::from_secs(5);

/// Why a step did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// The runner says so.
    Stopped(StopReason),
    /// The call's time is over.
    Deadline,
    /// The server sent more than it may.
    TooMuch,
}

/// Why the output of a tool that answered was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// The runner says so.
    Stopped(StopReason),
    /// The call's time is over.
    Deadline,
}

/// What a call listens to while it waits for the server.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) stop: Stop,
    pub(crate) deadline: Instant,
    pub(crate) allowance: Allowance,
}

impl Watch {
    /// Waits for a step, and for whatever interrupts it.
    pub(crate) async fn over<T>(
        &mut self,
        step: impl Future<Output = T>,
    ) -> Result<T, Interruption> {
        tokio::select! {
            // A stop that is there already wins over a step that would succeed at once.
            biased;
            reason = self.stop.given() => Err(Interruption::Stopped(reason)),
            () = tokio::time::sleep_until(self.deadline) => Err(Interruption::Deadline),
            () = self.allowance.exceeded() => Err(Interruption::TooMuch),
            done = step => Ok(done),
        }
    }

    /// Waits for the output of a tool that answered to be read. The server has ended, so that it can not send too much any
    /// more.
    pub(crate) async fn over_reading<T>(
        &mut self,
        reading: impl Future<Output = T>,
    ) -> Result<T, Unread> {
        let end = self.deadline.max(Instant::now() + READING);
        tokio::select! {
            biased;
            reason = self.stop.given() => Err(Unread::Stopped(reason)),
            read = reading => Ok(read),
            () = tokio::time::sleep_until(end) => Err(Unread::Deadline),
        }
    }
}
