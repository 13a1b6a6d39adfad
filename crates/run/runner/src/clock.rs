//! The clock of a run: the machine's, or one set by the database's.
//!
//! The database refuses call times that are more than a day in its future. A machine with a wrong clock would have
//! called its tool by then. Therefore this clock is compared with the database's before any call, and runs
//! independently of later changes of the machine's clock.

use std::sync::Mutex;

use dotwrap_wrapper::ProcessRunId;
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Duration, Instant, timeout};

use crate::Runner;

/// Smaller differences are ignored.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(60);

/// How long a comparison of the clocks is valid.
const COMPARED_FOR: Duration = Duration::from_secs(60);

/// Time limit of the comparison. A run without one uses its machine's clock.
const COMPARING: Duration = Duration::from_secs(3);

/// The clock of one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunClock {
    began_at: Timestamp,
    began: Instant,
    offset: SignedDuration,
}

/// The difference between the database's clock and this machine's, and the time of the comparison.
#[derive(Debug, Default)]
pub(crate) struct Comparison(Mutex<Option<(Instant, SignedDuration)>>);

impl Comparison {
    fn offset(&self) -> Option<SignedDuration> {
        let compared = self.0.lock().ok()?;
        compared
            .filter(|(when, _)| when.elapsed() < COMPARED_FOR)
            .map(|(_, offset)| offset)
    }

    fn set(&self, offset: SignedDuration) {
        if let Ok(mut compared) = self.0.lock() {
            *compared = Some((Instant::now(), offset));
        }
    }
}

impl RunClock {
    fn with(offset: SignedDuration) -> Self {
        let offset = match offset.abs() < TOLERANCE {
            true => SignedDuration::ZERO,
            false => offset,
        };
        let now = Timestamp::now();
        Self {
            began_at: now.saturating_add(offset).unwrap_or(now),
            began: Instant::now(),
            offset,
        }
    }

    /// The current time.
    pub(crate) fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.began.elapsed()).unwrap_or(SignedDuration::ZERO);
        self.began_at
            .saturating_add(passed)
            .unwrap_or(self.began_at)
    }

    /// The milliseconds that the database's clock is ahead, where the clock was set by it.
    pub(crate) fn offset_ms(&self) -> Option<i64> {
        (!self.offset.is_zero()).then(|| i64::try_from(self.offset.as_millis()).unwrap_or(i64::MAX))
    }
}

impl Runner {
    /// The clock of a run that was just begun.
    pub(crate) async fn clock(&self, run: ProcessRunId) -> RunClock {
        if let Some(offset) = self.compared.offset() {
            return RunClock::with(offset);
        }
        match timeout(COMPARING, self.wrapper.run(run)).await {
            Ok(Ok(Some(row))) => {
                // By the database's clock, at the time of the query.
                let there = row.created_at.saturating_add(row.age.as_duration());
                let offset = there.map_or(SignedDuration::ZERO, |there| {
                    there.duration_since(Timestamp::now())
                });
                self.compared.set(offset);
                RunClock::with(offset)
            }
            _ => RunClock::with(SignedDuration::ZERO),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_differ_little_are_not_set() {
        assert_eq!(
            RunClock::with(SignedDuration::from_secs(5)).offset_ms(),
            None
        );
        let clock = RunClock::with(SignedDuration::from_hours(-36));
        assert_eq!(clock.offset_ms(), Some(-36 * 3_600_000));
        let behind = Timestamp::now().duration_since(clock.now());
        assert!((behind - SignedDuration::from_hours(36)).abs() < SignedDuration::from_mins(10));
    }
}
