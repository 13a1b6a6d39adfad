//! Who waits, who goes together, and who is waited for.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::Value as Json;
use tokio::{runtime::Handle, sync::oneshot};

use super::{CallResult, MAX_WAIT};

/// How many calls go in one statement at most: what one of them does may delay its company.
const MAX_BATCH: usize = 32;

/// How long calls wait for those who have just come back; the runtime's timer knows no shorter time. It is worth a fraction of a
/// statement's fixed cost, and no tool that does anything notices it.
const LINGER: Duration = Duration::from_millis(1);

/// What waits for a lane, and whether the lane is taken.
#[derive(Default)]
pub(super) struct BatchQueue {
    pub(super) is_taken: bool,
    waiting: Vec<PendingCall>,
    /// How many may call again until then: they came back while others were there.
    expected: usize,
    expected_until: Option<Instant>,
}

/// A call that waits.
pub(super) struct PendingCall {
    pub(super) call: Call,
    pub(super) landed: oneshot::Sender<CallResult>,
    pub(super) since: Instant,
    /// Where the caller is waiting: a task that is spawned there goes on for as long as anybody does.
    pub(super) runtime: Handle,
}

/// One call of a function that takes several.
pub(super) struct Call {
    pub(super) function: &'static str,
    pub(super) arguments: Json,
}

impl BatchQueue {
    pub(super) fn push(&mut self, waiting: PendingCall) {
        self.expected = self.expected.saturating_sub(1);
        self.waiting.push(waiting);
    }

    /// Who goes now, and takes the lane: the most that wait for one function, or those with whoever has waited too long.
    pub(super) fn next(&mut self) -> Option<Vec<PendingCall>> {
        self.waiting.retain(|waiting| !waiting.landed.is_closed());
        if self.is_taken || self.should_linger() {
            return None;
        }
        let oldest = self.waiting.first()?;
        let function = if oldest.since.elapsed() > MAX_WAIT {
            oldest.call.function
        } else {
            self.largest_batch()?
        };
        let mut places = MAX_BATCH;
        let company = self.waiting.extract_if(.., |waiting| {
            let goes = waiting.call.function == function && places > 0;
            places -= usize::from(goes);
            goes
        });
        let company: Vec<PendingCall> = company.collect();
        self.is_taken = true;
        Some(company)
    }

    /// Whether it is worth a moment to wait for those who have just come back.
    fn should_linger(&self) -> bool {
        let in_time = self
            .expected_until
            .is_some_and(|until| Instant::now() < until);
        in_time && self.expected > 0 && self.waiting.len() < MAX_BATCH
    }

    /// Expects those who have come back to call again, and says until when. One who is alone is not waited for.
    pub(super) fn start_linger(&mut self, calls: usize) -> Option<Instant> {
        if calls + self.waiting.len() < 2 {
            return None;
        }
        self.expected = calls;
        self.expected_until = Some(Instant::now() + LINGER);
        self.expected_until
    }

    /// Ends the moment until then; another may have begun meanwhile.
    pub(super) fn end_linger(&mut self, until: Instant) {
        if self.expected_until == Some(until) {
            self.expected = 0;
        }
    }

    /// What most wait for. Of two that are as large, always the same goes first, so that the other falls in step with it.
    fn largest_batch(&self) -> Option<&'static str> {
        let mut companies = BTreeMap::new();
        for waiting in &self.waiting {
            *companies.entry(waiting.call.function).or_insert(0) += 1;
        }
        let largest = companies.into_iter().max_by_key(|(_, calls)| *calls);
        largest.map(|(function, _)| function)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Longer than a test takes on any machine.
    const LONG: Duration = Duration::from_secs(3600);

    /// What waits, and the callers, who listen for as long as this is held.
    #[derive(Default)]
    struct TestQueue {
        traffic: BatchQueue,
        callers: Vec<oneshot::Receiver<CallResult>>,
    }

    impl TestQueue {
        fn line_up(&mut self, function: &'static str, calls: usize) {
            for _ in 0..calls {
                let (landed, caller) = oneshot::channel();
                self.callers.push(caller);
                self.traffic.push(PendingCall {
                    call: Call {
                        function,
                        arguments: Json::Null,
                    },
                    landed,
                    // Nobody has waited too long, however slow the machine.
                    since: Instant::now() + LONG,
                    runtime: Handle::current(),
                });
            }
        }

        /// Who goes: the function, and how many calls of it.
        fn next(&mut self) -> Option<(&'static str, usize)> {
            let company = self.traffic.next()?;
            Some((company[0].call.function, company.len()))
        }

        /// What travelled is back.
        fn comes_back(&mut self, calls: usize) -> Option<Instant> {
            self.traffic.is_taken = false;
            self.traffic.start_linger(calls)
        }
    }

    #[tokio::test]
    async fn first_call_is_sent_at_once_and_later_calls_queue() {
        let mut platform = TestQueue::default();
        platform.line_up("begin", 1);
        assert_eq!(platform.next(), Some(("begin", 1)));
        platform.line_up("finish", 1);
        platform.line_up("begin", 2);
        assert_eq!(platform.next(), None);
        platform.comes_back(0);
        assert_eq!(platform.next(), Some(("begin", 2)));
    }

    #[tokio::test]
    async fn calls_that_return_together_form_the_next_batch() {
        let mut platform = TestQueue::default();
        platform.line_up("begin", 3);
        assert_eq!(platform.next(), Some(("begin", 3)));
        assert!(platform.comes_back(3).is_some());
        platform.traffic.expected_until = Some(Instant::now() + LONG);
        platform.line_up("finish", 2);
        assert_eq!(platform.next(), None, "the third is not back yet");
        platform.line_up("finish", 1);
        assert_eq!(platform.next(), Some(("finish", 3)));
    }

    #[tokio::test]
    async fn linger_is_bounded() {
        let mut platform = TestQueue::default();
        platform.line_up("begin", 2);
        platform.next();
        platform.comes_back(2);
        platform.line_up("finish", 1);
        platform.traffic.expected_until = Some(Instant::now());
        assert_eq!(platform.next(), Some(("finish", 1)));
    }

    #[tokio::test]
    async fn single_caller_does_not_linger() {
        let mut platform = TestQueue::default();
        platform.line_up("begin", 1);
        platform.next();
        assert_eq!(platform.comes_back(1), None);
        platform.line_up("finish", 1);
        assert_eq!(platform.next(), Some(("finish", 1)));
    }

    #[tokio::test]
    async fn equal_batches_are_chosen_deterministically() {
        for order in [["begin", "finish"], ["finish", "begin"]] {
            let mut platform = TestQueue::default();
            for function in order {
                platform.line_up(function, 1);
            }
            assert_eq!(platform.next(), Some(("finish", 1)));
        }
    }

    #[tokio::test]
    async fn cancelled_call_is_not_sent() {
        let mut platform = TestQueue::default();
        platform.line_up("begin", 2);
        platform.callers.pop();
        assert_eq!(platform.next(), Some(("begin", 1)));
    }
}
