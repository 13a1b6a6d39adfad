//! Repeats a recording until its outcome is known.
//!
//! Each recording is one transaction, so it is committed or not. Where the result was lost, the recording is repeated:
//! if the first attempt was committed, the second one returns the same result or is refused.

use std::{pin::pin, time::Duration};

use dotwrap_wrapper::{Error, RefusalCode};
use tokio::time::sleep;

use crate::{recording_error::described, retry_budget::RetryBudget};

/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(250);

/// The known outcome of a recording.
#[derive(Debug)]
pub(crate) enum Commit<T> {
    /// It was committed; this is its result.
    Recorded(T),
    /// An earlier attempt, whose result was lost, was committed.
    RecordedBefore,
    /// It was not committed.
    NotMade(Error),
}

/// Attempts a recording, and repeats it while its outcome is unknown and the budget lasts.
pub(crate) async fn commit_with_retry<T, Recording>(
    budget: &RetryBudget<'_>,
    recording: impl Fn() -> Recording,
) -> Commit<T>
where
    Recording: Future<Output = Result<T, Error>>,
{
    let mut end = pin!(budget.end());
    let mut in_doubt = None;
    loop {
        let error = tokio::select! {
            biased;
            answered = budget.attempt(recording()) => match answered {
                Ok(answer) => {
                    budget.reset();
                    return Commit::Recorded(answer);
                }
                Err(error) => error,
            },
            () = &mut end => {
                return Commit::NotMade(in_doubt.unwrap_or_else(|| budget.timed_out()));
            }
        };
        if in_doubt.is_some() && is_already_done(&error) {
            return Commit::RecordedBefore;
        }
        if !should_retry(&error) {
            return Commit::NotMade(error);
        }
        tracing::debug!(%error, "a recording did not come through, or its answer was lost; trying again");
        budget.notify_waiting(&described(&error, budget.runs()));
        tokio::select! {
            () = &mut end => return Commit::NotMade(error),
            () = sleep(PAUSE) => {}
        }
        if error.refusal().is_none() {
            in_doubt = Some(error);
        }
    }
}

/// Whether the refusal of a repetition shows that an earlier attempt was committed.
fn is_already_done(error: &Error) -> bool {
    error.refusal().is_some_and(|refusal| {
        [
            RefusalCode::RunConcluded,
            RefusalCode::IdInUse,
            RefusalCode::InvocationMismatch,
        ]
        .contains(&refusal.code)
    })
}

/// A refused recording was not committed and would be refused again, except where another transaction is in its way.
fn should_retry(error: &Error) -> bool {
    match error.refusal() {
        Some(refusal) => [RefusalCode::Busy, RefusalCode::LeaseHeld].contains(&refusal.code),
        None => error.is_transient(),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        path::Path,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use dotwrap_invoke::{Stop, StopHandle, StopReason};
    use tokio::time::Instant;

    use super::*;
    use crate::{NoProgress, Progress, Step};

    /// Counts the notifications that the run is waiting.
    #[derive(Default)]
    struct Waits(AtomicUsize);

    impl Progress for Waits {
        fn step(&self, step: Step<'_>) {
            if let Step::Waiting { .. } = step {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    async fn away() -> Result<(), Error> {
        Err(Error::Unreachable {
            target: "nowhere".to_owned(),
            reason: "it is gone".to_owned(),
        })
    }

    /// The longest time to live of a lease.
    const ONE_DAY: Duration = Duration::from_secs(86_400);

    /// Without a database, each of these alone would wait for the whole budget of at least half a minute.
    #[tokio::test(start_paused = true)]
    async fn failing_recordings_after_a_stop_share_the_remaining_budget() {
        let waits = Waits::default();
        let (handle, interrupt) = StopHandle::new();
        handle.stop(StopReason::Interrupted);
        let budget = RetryBudget::of(ONE_DAY, interrupt, &waits, Path::new("/"));
        let begun = Instant::now();
        for _ in 0..3 {
            let settled = commit_with_retry(&budget, away).await;
            assert!(
                matches!(settled, Commit::NotMade(Error::Unreachable { .. })),
                "{settled:?}"
            );
        }
        assert!(begun.elapsed() < Duration::from_secs(30));
        assert_eq!(waits.0.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn stop_interrupts_a_hanging_recording() {
        let (handle, interrupt) = StopHandle::new();
        let budget = RetryBudget::of(ONE_DAY, interrupt, &NoProgress, Path::new("/"));
        let begun = Instant::now();
        let settled = commit_with_retry(&budget, || {
            handle.stop(StopReason::Interrupted);
            std::future::pending::<Result<(), Error>>()
        });
        let settled = settled.await;
        assert!(
            matches!(settled, Commit::NotMade(Error::TimedOut { .. })),
            "{settled:?}"
        );
        assert!(begun.elapsed() < Duration::from_secs(30));
    }

    #[tokio::test(start_paused = true)]
    async fn second_attempt_that_finds_the_row_is_done() {
        let (waits, tries) = (Waits::default(), AtomicUsize::new(0));
        let budget = RetryBudget::of(ONE_DAY, Stop::never(), &waits, Path::new("/"));
        let settled = commit_with_retry(&budget, || async {
            match tries.fetch_add(1, Ordering::SeqCst) {
                0 => away().await,
                _ => Ok(()),
            }
        });
        let settled = settled.await;
        assert!(matches!(settled, Commit::Recorded(())), "{settled:?}");
        assert_eq!(waits.0.load(Ordering::SeqCst), 1);
    }
}
