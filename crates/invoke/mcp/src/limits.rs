//! What ends a step of a call from outside.

use dotwrap_invoke::{Stop, StopReason};
use tokio::time::Instant;

use crate::byte_budget::ByteBudget;

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

/// What a call listens to while it waits for the server.
#[derive(Debug)]
pub(crate) struct LimitWatch {
    pub(crate) stop: Stop,
    pub(crate) deadline: Instant,
    pub(crate) allowance: ByteBudget,
}

impl LimitWatch {
    /// Waits for a step, and for whatever interrupts it.
    pub(crate) async fn over<T>(
        &mut self,
        step: impl Future<Output = T>,
    ) -> Result<T, Interruption> {
        tokio::select! {
            // A stop that is there already wins over a step that would succeed at once.
            biased;
            reason = self.stop.cancelled() => Err(Interruption::Stopped(reason)),
            () = tokio::time::sleep_until(self.deadline) => Err(Interruption::Deadline),
            () = self.allowance.exceeded() => Err(Interruption::TooMuch),
            done = step => Ok(done),
        }
    }
}
