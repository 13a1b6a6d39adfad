//! The queue of calls: batch formation and linger.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::Value as Json;
use tokio::{runtime::Handle, sync::oneshot};

use super::{CallResult, MAX_WAIT};

/// The largest batch: one slow call delays its whole batch.
const MAX_BATCH: usize = 32;

/// How long the queue lingers for callers that just returned, which is the shortest time of the runtime's timer. It
/// costs a fraction of a statement's fixed cost, and is negligible beside any tool.
const LINGER: Duration = Duration::from_millis(1);

/// The queued calls, and whether a batch is in flight.
#[derive(Default)]
pub(super) struct BatchQueue {
    pub(super) is_taken: bool,
    waiting: Vec<PendingCall>,
    /// How many callers may call again until then: those of the last batch.
    expected: usize,
    expected_until: Option<Instant>,
}

/// A queued call.
pub(super) struct PendingCall {
    pub(super) call: Call,
    pub(super) reply: oneshot::Sender<CallResult>,
    pub(super) since: Instant,
    /// The caller's runtime: a task that is spawned there lives as long as the caller's.
    pub(super) runtime: Handle,
}

/// One call of a batch function.
pub(super) struct Call {
    pub(super) function: &'static str,
    pub(super) arguments: Json,
}

impl BatchQueue {
    pub(super) fn push(&mut self, waiting: PendingCall) {
        self.expected = self.expected.saturating_sub(1);
        self.waiting.push(waiting);
    }

    /// Takes the next batch: the most calls of one function, or those with the call that waited too long.
    pub(super) fn next(&mut self) -> Option<Vec<PendingCall>> {
        self.waiting.retain(|pending| !pending.reply.is_closed());
        if self.is_taken || self.should_linger() {
            return None;
        }
        let oldest = self.waiting.first()?;
        let function = if oldest.since.elapsed() > MAX_WAIT {
            oldest.call.function
        } else {
            self.largest_batch()?
        };
        let mut free = MAX_BATCH;
        let batch = self.waiting.extract_if(.., |pending| {
            let is_taken = pending.call.function == function && free > 0;
            free -= usize::from(is_taken);
            is_taken
        });
        let batch: Vec<PendingCall> = batch.collect();
        self.is_taken = true;
        Some(batch)
    }

    /// Whether a linger is worthwhile.
    fn should_linger(&self) -> bool {
        let in_time = self
            .expected_until
            .is_some_and(|until| Instant::now() < until);
        in_time && self.expected > 0 && self.waiting.len() < MAX_BATCH
    }

    /// Starts the linger for the callers of the last batch, and returns its end. A single caller does not linger.
    pub(super) fn start_linger(&mut self, calls: usize) -> Option<Instant> {
        if calls + self.waiting.len() < 2 {
            return None;
        }
        self.expected = calls;
        self.expected_until = Some(Instant::now() + LINGER);
        self.expected_until
    }

    /// Ends the linger with this end; a later one may have begun meanwhile.
    pub(super) fn end_linger(&mut self, until: Instant) {
        if self.expected_until == Some(until) {
            self.expected = 0;
        }
    }

    /// The function with the most queued calls. Ties are broken by a fixed order, so that runs fall into step.
    fn largest_batch(&self) -> Option<&'static str> {
        let mut sizes = BTreeMap::new();
        for pending in &self.waiting {
            *sizes.entry(pending.call.function).or_insert(0) += 1;
        }
        let largest = sizes.into_iter().max_by_key(|(_, calls)| *calls);
        largest.map(|(function, _)| function)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Longer than a test takes on any machine.
    const LONG: Duration = Duration::from_secs(3600);

    /// The queue, and the callers, which receive results for as long as this is held.
    #[derive(Default)]
    struct TestQueue {
        inner: BatchQueue,
        callers: Vec<oneshot::Receiver<CallResult>>,
    }

    impl TestQueue {
        fn enqueue(&mut self, function: &'static str, calls: usize) {
            for _ in 0..calls {
                let (reply, caller) = oneshot::channel();
                self.callers.push(caller);
                self.inner.push(PendingCall {
                    call: Call {
                        function,
                        arguments: Json::Null,
                    },
                    reply,
                    // No call has waited too long, however slow the machine.
                    since: Instant::now() + LONG,
                    runtime: Handle::current(),
                });
            }
        }

        /// Takes the next batch: the function and the number of its calls.
        fn next(&mut self) -> Option<(&'static str, usize)> {
            let batch = self.inner.next()?;
            Some((batch[0].call.function, batch.len()))
        }

        /// A batch returned.
        fn batch_returns(&mut self, calls: usize) -> Option<Instant> {
            self.inner.is_taken = false;
            self.inner.start_linger(calls)
        }
    }

    #[tokio::test]
    async fn first_call_is_sent_at_once_and_later_calls_queue() {
        let mut queue = TestQueue::default();
        queue.enqueue("begin", 1);
        assert_eq!(queue.next(), Some(("begin", 1)));
        queue.enqueue("finish", 1);
        queue.enqueue("begin", 2);
        assert_eq!(queue.next(), None);
        queue.batch_returns(0);
        assert_eq!(queue.next(), Some(("begin", 2)));
    }

    #[tokio::test]
    async fn calls_that_return_together_form_the_next_batch() {
        let mut queue = TestQueue::default();
        queue.enqueue("begin", 3);
        assert_eq!(queue.next(), Some(("begin", 3)));
        assert!(queue.batch_returns(3).is_some());
        queue.inner.expected_until = Some(Instant::now() + LONG);
        queue.enqueue("finish", 2);
        assert_eq!(queue.next(), None, "the third is not back yet");
        queue.enqueue("finish", 1);
        assert_eq!(queue.next(), Some(("finish", 3)));
    }

    #[tokio::test]
    async fn linger_is_bounded() {
        let mut queue = TestQueue::default();
        queue.enqueue("begin", 2);
        queue.next();
        queue.batch_returns(2);
        queue.enqueue("finish", 1);
        queue.inner.expected_until = Some(Instant::now());
        assert_eq!(queue.next(), Some(("finish", 1)));
    }

    #[tokio::test]
    async fn single_caller_does_not_linger() {
        let mut queue = TestQueue::default();
        queue.enqueue("begin", 1);
        queue.next();
        assert_eq!(queue.batch_returns(1), None);
        queue.enqueue("finish", 1);
        assert_eq!(queue.next(), Some(("finish", 1)));
    }

    #[tokio::test]
    async fn equal_batches_are_chosen_deterministically() {
        for order in [["begin", "finish"], ["finish", "begin"]] {
            let mut queue = TestQueue::default();
            for function in order {
                queue.enqueue(function, 1);
            }
            assert_eq!(queue.next(), Some(("finish", 1)));
        }
    }

    #[tokio::test]
    async fn cancelled_call_is_not_sent() {
        let mut queue = TestQueue::default();
        queue.enqueue("begin", 2);
        queue.callers.pop();
        assert_eq!(queue.next(), Some(("begin", 1)));
    }
}
