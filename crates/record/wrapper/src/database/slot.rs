//! Waiting for a server that takes no connection just now.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::Error;

/// The pause before the second try; each further one is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// A bounded wait for a connection slot.
pub(super) struct SlotWait {
    until: Instant,
    pause: Duration,
}

impl SlotWait {
    /// From now on, at most this long.
    pub(super) fn of(limit: Duration) -> Self {
        Self {
            until: Instant::now() + limit,
            pause: FIRST_PAUSE,
        }
    }

    /// Waits a moment before the next try.
    ///
    /// # Errors
    /// The error itself, where another try is of no use or the time is over.
    pub(super) async fn pause(&mut self, error: Error) -> Result<(), Error> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() || !matches!(error, Error::NoSlot { .. }) {
            return Err(error);
        }
        tracing::debug!(%error, "waiting for a connection slot");
        sleep(self.pause.min(left)).await;
        self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
        Ok(())
    }
}
