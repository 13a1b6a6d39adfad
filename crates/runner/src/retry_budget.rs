//! How long a run goes on trying to record what it knows, while the database is away.

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

/// The patience of a run whose lease is short-lived: a database needs that long to start again.
const MIN_BUDGET: Duration = Duration::from_secs(30);

/// How much of it is left once somebody said stop: a database that is there answers sooner, busy as it may be.
const BUDGET_AFTER_STOP: Duration = Duration::from_secs(10);

/// How long each recording is tried all the same, where others have spent the patience: the database may be back.
const MIN_ATTEMPT: Duration = Duration::from_secs(1);

/// How long a recording may take before it is said that it is waited for.
const NOTICE_AFTER: Duration = Duration::from_secs(3);

/// Recordings that fail one after the other share it: without a database, the third is not waited for all over again.
pub(crate) struct RetryBudget<'a> {
    whole: Duration,
    interrupt: Stop,
    progress: &'a dyn Progress,
    runs: &'a Path,
    spent: Mutex<Used>,
}

/// Since the last recording that came through.
#[derive(Debug, Default)]
struct Used {
    since: Option<Instant>,
    hurried_since: Option<Instant>,
    is_told: bool,
}

impl<'a> RetryBudget<'a> {
    /// The patience of a run with this lease, whose files are in `runs`. It is short once `interrupt` is given.
    pub(crate) fn of(
        lease_ttl: Duration,
        interrupt: Stop,
        progress: &'a dyn Progress,
        runs: &'a Path,
    ) -> Self {
        Self {
            // Behind its lease somebody else may have concluded the run.
            whole: lease_ttl.max(MIN_BUDGET),
            interrupt,
            progress,
            runs,
            spent: Mutex::default(),
        }
    }

    /// Waits for its end, for the sake of a recording that is begun now.
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

    /// Says that it is being spent, and what for; once.
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

    /// Where the run's files are.
    pub(crate) fn runs(&self) -> &Path {
        self.runs
    }

    fn since(&self) -> Instant {
        self.with(|spent| *spent.since.get_or_insert_with(Instant::now))
    }

    /// After a recording that came through.
    pub(crate) fn reset(&self) {
        self.with(|spent| *spent = Used::default());
    }

    fn with<T>(&self, look: impl FnOnce(&mut Used) -> T) -> T {
        look(&mut self.spent.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes a recording once, and says so where it takes its time.
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

    /// What is known of a recording that was given up while it was under way.
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

    /// As long as a lease may be.
    const ONE_DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn budget_spans_the_lease_and_has_a_minimum() {
        let whole = |ttl| RetryBudget::of(ttl, Stop::never(), &NoProgress, Path::new("/")).whole;
        assert_eq!(whole(ONE_DAY), ONE_DAY);
        assert_eq!(whole(Duration::from_secs(1)), MIN_BUDGET);
    }
}
