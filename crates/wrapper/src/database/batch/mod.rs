//! Calls that are made at the same time travel together: one round trip and one commit for several of them.
//!
//! A function that takes one call or several (`fn_process_runs_…`) is called through one lane. While nothing travels a call goes at
//! once. While something does, calls wait, and those that want the same function go in one statement, the largest company first. Those who
//! come back together are given a moment to call again together: runs that began in step stay in step. So nothing waits for what may
//! never come, and the busier the lane, the larger the companies: group commit, as databases call it, one level up.
//!
//! Runs do not learn of each other. A call that its company could not be carried out with is made again alone, and is answered or
//! refused there.

mod carriage;
mod traffic;

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

use self::traffic::{Call, Traffic, Waiting};
use super::Database;
use crate::error::Error;

/// How long a statement keeps the lane: one that takes longer waits for something, and nobody else has to wait for that too. And how long
/// a call lets larger companies go first.
const PATIENCE: Duration = Duration::from_millis(10);

/// The lane, and what waits for it.
#[derive(Clone)]
pub(crate) struct Lane(Arc<Mutex<Traffic>>);

/// What became of a call: its row, or none where it was left undone.
type Landed = Result<Option<Row>, Error>;

impl Lane {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// Lines a call up, and sends off whoever may go now.
    fn enter(&self, database: &Database, call: Call) -> oneshot::Receiver<Landed> {
        let (landed, answer) = oneshot::channel();
        let waiting = Waiting {
            call,
            landed,
            since: Instant::now(),
            runtime: Handle::current(),
        };
        self.with(|traffic| traffic.line_up(waiting));
        self.depart(database);
        answer
    }

    /// Sends off whoever goes next.
    fn depart(&self, database: &Database) {
        while let Some(company) = self.with(Traffic::next) {
            let taken = Taken(database.clone());
            if let Some(first) = company.first() {
                let runtime = first.runtime.clone();
                runtime.spawn(taken.carry(company));
            }
        }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Traffic) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The lane while it is taken. Where this is dropped, whoever waits may go.
struct Taken(Database);

impl Taken {
    /// Carries a company, in a task of its own: each caller may give up, or be slow to ask, and the others' calls go on.
    async fn carry(self, company: Vec<Waiting>) {
        let database = self.0.clone();
        let mut work = pin!(database.carry(company));
        let Ok(answers) = timeout(PATIENCE, work.as_mut()).await else {
            drop(self);
            return deliver(work.await);
        };
        // Before they have their answers: the first could be back before the last has its own.
        let until = database
            .lane()
            .with(|traffic| traffic.expect_back(answers.len()));
        drop(self);
        deliver(answers);
        if let Some(until) = until {
            let _moment = Moment {
                database: database.clone(),
                until,
            };
            sleep_until(until.into()).await;
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let lane = self.0.lane();
        lane.with(|traffic| traffic.is_taken = false);
        lane.depart(&self.0);
    }
}

/// The moment in which those who came back are expected. Where this is dropped, by its end or with its runtime, it is over.
struct Moment {
    database: Database,
    until: Instant,
}

impl Drop for Moment {
    fn drop(&mut self) {
        let lane = self.database.lane();
        lane.with(|traffic| traffic.expect_no_more(self.until));
        lane.depart(&self.database);
    }
}

/// Tells each caller what became of its call; one that has given up does not hear it.
fn deliver(answers: Vec<(oneshot::Sender<Landed>, Landed)>) {
    for (landed, answer) in answers {
        let _ = landed.send(answer);
    }
}
