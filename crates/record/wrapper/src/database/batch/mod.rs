//! Group commit: concurrent calls share one statement, and so one round trip and one commit.
//!
//! All calls of batch functions (`fn_process_run_…_batch`) go through one queue. A call is sent at once while no
//! statement is in flight. Otherwise calls queue, and all calls of one function are sent in one statement, the largest
//! batch first. After a batch returns, its callers get a short linger to call again together, so that runs that began
//! together stay together. No call waits for another one that may never come, and the batch size grows with the load.
//!
//! Runs do not affect each other. A call that fails because of its batch is repeated alone, and succeeds or is refused
//! there.

mod dispatch;
mod queue;

use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    runtime::Handle,
    sync::oneshot,
    time::{sleep_until, timeout},
};
use tokio_postgres::Row;

use self::queue::{BatchQueue, Call, PendingCall};
use super::Database;
use crate::error::Error;

/// The longest time that a statement blocks the queue: a longer one waits for a lock, and other calls need not. Also
/// the longest time for which larger batches overtake a call.
const MAX_WAIT: Duration = Duration::from_millis(10);

/// The queue and its state.
#[derive(Clone)]
pub(crate) struct Batcher(Arc<Mutex<BatchQueue>>);

/// The result of a call: its row, or `None` where the function skipped it.
type CallResult = Result<Option<Row>, Error>;

impl Batcher {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// Queues a call, and sends the next batch where none is in flight.
    fn enqueue(&self, database: &Database, call: Call) -> oneshot::Receiver<CallResult> {
        let (reply, answer) = oneshot::channel();
        let waiting = PendingCall {
            call,
            reply,
            since: Instant::now(),
            runtime: Handle::current(),
        };
        self.with_queue(|traffic| traffic.push(waiting));
        self.dispatch_next(database);
        answer
    }

    /// Sends the next batch.
    fn dispatch_next(&self, database: &Database) {
        while let Some(callers) = self.with_queue(BatchQueue::next) {
            let taken = InFlightGuard(database.clone());
            if let Some(first) = callers.first() {
                let runtime = first.runtime.clone();
                runtime.spawn(taken.carry(callers));
            }
        }
    }

    fn with_queue<T>(&self, look: impl FnOnce(&mut BatchQueue) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Marks the queue as busy. Dropping it lets the next batch go.
struct InFlightGuard(Database);

impl InFlightGuard {
    /// Executes a batch in its own task: a caller may be cancelled or slow to poll while the other calls go on.
    async fn carry(self, callers: Vec<PendingCall>) {
        let database = self.0.clone();
        let mut work = pin!(database.execute_batch(callers));
        let Ok(answers) = timeout(MAX_WAIT, work.as_mut()).await else {
            drop(self);
            return deliver(work.await);
        };
        // Before the results are distributed: the first caller could be back before the last has its result.
        let until = database
            .batcher()
            .with_queue(|traffic| traffic.start_linger(answers.len()));
        drop(self);
        deliver(answers);
        if let Some(until) = until {
            let _moment = LingerGuard {
                database: database.clone(),
                until,
            };
            sleep_until(until.into()).await;
        }
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        let lane = self.0.batcher();
        lane.with_queue(|traffic| traffic.is_taken = false);
        lane.dispatch_next(&self.0);
    }
}

/// The linger after a batch. It ends by timeout, or when this is dropped with its runtime.
struct LingerGuard {
    database: Database,
    until: Instant,
}

impl Drop for LingerGuard {
    fn drop(&mut self) {
        let lane = self.database.batcher();
        lane.with_queue(|traffic| traffic.end_linger(self.until));
        lane.dispatch_next(&self.database);
    }
}

/// Sends each caller its result; a cancelled caller receives none.
fn deliver(answers: Vec<(oneshot::Sender<CallResult>, CallResult)>) {
    for (reply, answer) in answers {
        let _ = reply.send(answer);
    }
}
