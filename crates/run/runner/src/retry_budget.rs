//! The time that a run may spend on recording its results while the database is unreachable.

use std::{
    path::Path,
    pin::pin,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use dotwrap_invoke::Stop;
use dotwrap_wrapper::Error;
use tokio::time::{Instant, sleep, sleep_until};

use crate::{Progress, Step};

/// The budget of a run with a short lease: the time that a database needs to restart.
const MIN_BUDGET: Duration = Duration::from_secs(30);

/// The remaining budget after a stop. A reachable database answers sooner, even under load.
const BUDGET_AFTER_STOP: Duration = Duration::from_secs(10);

/// Each recording is attempted for this long even if others used up the budget: the database may be back.
const MIN_ATTEMPT: Duration = Duration::from_secs(1);

/// A recording that takes longer than this is reported as waiting.
const NOTICE_AFTER: Duration = Duration::from_secs(3);

/// Consecutive failing recordings share one budget, so that the third does not wait for all of it again.
pub(crate) struct RetryBudget<'a> {
    whole: Duration,
    interrupt: Stop,
    progress: &'a dyn Progress,
    runs: &'a Path,
    spent: Mutex<Used>,
}

/// Since the last recording that succeeded.
#[derive(Debug, Default)]
struct Used {
    since: Option<Instant>,
    hurried_since: Option<Instant>,
    is_told: bool,
}

impl<'a> RetryBudget<'a> {
    /// The budget of a run with this lease, whose files are in `runs`. It is short after `interrupt`.
    pub(crate) fn of(
        lease_ttl: Duration,
        interrupt: Stop,
        progress: &'a dyn Progress,
        runs: &'a Path,
    ) -> Self {
        Self {
            // After the lease expired, another process may have concluded the run.
            whole: lease_ttl.max(MIN_BUDGET),
            interrupt,
            progress,
            runs,
            spent: Mutex::default(),
        }
    }

    /// Waits until the budget of a recording that starts now is used up.
    pub(crate) async fn end(&self) {
        let at_least = Instant::now() + MIN_ATTEMPT;
        let mut interrupt = self.interrupt.clone();
        let hurried = async {
            interrupt.cancelled().await;
            let since = self.with(|spent| *spent.hurried_since.get_or_insert_with(Instant::now));
            sleep_until(at_least.max(since + BUDGET_AFTER_STOP)).await;
        };
        tokio::select! {
            () = sleep_until(at_least.max(self.since() + self.whole)) => {}
            () = hurried => {}
        }
    }

    /// Reports once that the run is waiting, and for what.
    pub(crate) fn notify_waiting(&self, why: &str) {
        if self.with(|spent| std::mem::replace(&mut spent.is_told, true)) {
            return;
        }
        let at_most = match self.interrupt.reason() {
            Some(_) => BUDGET_AFTER_STOP,
            None => self.whole.saturating_sub(self.since().elapsed()),
        };
        self.progress.step(Step::Waiting { why, at_most });
    }

    /// The location of the run's files.
    pub(crate) fn runs(&self) -> &Path {
        self.runs
    }

    fn since(&self) -> Instant {
        self.with(|spent| *spent.since.get_or_insert_with(Instant::now))
    }

    /// Resets the budget after a recording that succeeded.
    pub(crate) fn reset(&self) {
        self.with(|spent| *spent = Used::default());
    }

    fn with<T>(&self, look: impl FnOnce(&mut Used) -> T) -> T {
        look(&mut self.spent.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Attempts a recording once, and reports where it takes long.
    pub(crate) async fn attempt<T>(
        &self,
        recording: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let mut recording = pin!(recording);
        tokio::select! {
            biased;
            answered = recording.as_mut() => return answered,
            () = sleep(NOTICE_AFTER) => self.notify_waiting("the database has not answered yet"),
        }
        recording.await
    }

    /// The error of a recording that was abandoned in flight.
    pub(crate) fn timed_out(&self) -> Error {
        Error::TimedOut {
            limit: self.since().elapsed(),
            known_undone: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NoProgress;

    /// The longest time to live of a lease.
    const ONE_DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn budget_spans_the_lease_and_has_a_minimum() {
        let whole = |ttl| RetryBudget::of(ttl, Stop::never(), &NoProgress, Path::new("/")).whole;
        assert_eq!(whole(ONE_DAY), ONE_DAY);
        assert_eq!(whole(Duration::from_secs(1)), MIN_BUDGET);
    }
}
