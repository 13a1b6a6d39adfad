//! Calls that are made at the same time travel together: one round trip and one commit for several of them.
//!
//! A function that takes one call or several (`fn_process_runs_…`) is called through one lane. While nothing travels a call goes at
//! once. While something does, calls wait, and those that want the same function go in one statement, the largest company first. Those who
//! come back together are given a moment to call again together: runs that began in step stay in step. So nothing waits for what may
//! never come, and the busier the lane, the larger the companies: group commit, as databases call it, one level up.
//!
//! Runs do not learn of each other. A call that its company could not be carried out with is made again alone, and is answered or
//! refused there.

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

/// How long a statement keeps the lane: one that takes longer waits for something, and nobody else has to wait for that too. And how long
/// a call lets larger companies go first.
const MAX_WAIT: Duration = Duration::from_millis(10);

/// The lane, and what waits for it.
#[derive(Clone)]
pub(crate) struct Batcher(Arc<Mutex<BatchQueue>>);

/// What became of a call: its row, or none where it was left undone.
type CallResult = Result<Option<Row>, Error>;

impl Batcher {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// Lines a call up, and sends off whoever may go now.
    fn enqueue(&self, database: &Database, call: Call) -> oneshot::Receiver<CallResult> {
        let (landed, answer) = oneshot::channel();
        let waiting = PendingCall {
            call,
            landed,
            since: Instant::now(),
            runtime: Handle::current(),
        };
        self.with_queue(|traffic| traffic.push(waiting));
        self.dispatch_next(database);
        answer
    }

    /// Sends off whoever goes next.
    fn dispatch_next(&self, database: &Database) {
        while let Some(company) = self.with_queue(BatchQueue::next) {
            let taken = InFlightGuard(database.clone());
            if let Some(first) = company.first() {
                let runtime = first.runtime.clone();
                runtime.spawn(taken.carry(company));
            }
        }
    }

    fn with_queue<T>(&self, look: impl FnOnce(&mut BatchQueue) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The lane while it is taken. Where this is dropped, whoever waits may go.
struct InFlightGuard(Database);

impl InFlightGuard {
    /// Carries a company, in a task of its own: each caller may give up, or be slow to ask, and the others' calls go on.
    async fn carry(self, company: Vec<PendingCall>) {
        let database = self.0.clone();
        let mut work = pin!(database.execute_batch(company));
        let Ok(answers) = timeout(MAX_WAIT, work.as_mut()).await else {
            drop(self);
            return deliver(work.await);
        };
        // Before they have their answers: the first could be back before the last has its own.
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

/// The moment in which those who came back are expected. Where this is dropped, by its end or with its runtime, it is over.
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

/// Tells each caller what became of its call; one that has given up does not hear it.
fn deliver(answers: Vec<(oneshot::Sender<CallResult>, CallResult)>) {
    for (landed, answer) in answers {
        let _ = landed.send(answer);
    }
}
