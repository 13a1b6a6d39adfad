//! Calls that are made at the same time travel together: one round trip and one commit for several of them.
//!
//! A function that takes one call or several (`fn_process_runs_…`) is called through a few lanes. While one is free a call goes at
//! once. Calls that come while none is wait for the first that gets free, and all that wait for one function by then go in one
//! statement. So nothing is held back to fill a batch, and the busier the lanes, the larger the batches: group commit, as databases
//! call it, one level up.
//!
//! Runs do not learn of each other. A call that its company could not be carried out with is made again alone, and is answered or
//! refused there.

use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value as Json;
use tokio::{runtime::Handle, sync::oneshot, time::timeout};
use tokio_postgres::Row;

use super::Database;
use crate::error::Error;

/// How many statements are on their way at once. Two keep a server busy while their answers travel; more would make smaller batches
/// (`dotwrap-bench-executed` shows both).
const LANES: usize = 2;

/// How many calls go in one statement at most: what one of them does may delay its company.
const MOST_TOGETHER: usize = 32;

/// How long a statement keeps its lane. One that takes longer waits for something, and nobody else has to wait for that too.
const LANE_PATIENCE: Duration = Duration::from_millis(10);

/// The lanes, and what waits for one.
#[derive(Clone)]
pub(crate) struct Lanes(Arc<Mutex<Traffic>>);

struct Traffic {
    free: usize,
    waiting: Vec<Waiting>,
}

struct Waiting {
    call: Call,
    landed: oneshot::Sender<Landed>,
    /// Where the caller is waiting: a task that is spawned there goes on for as long as anybody does.
    runtime: Handle,
}

/// What became of a call: its row, or none where it was left undone.
type Landed = Result<Option<Row>, Error>;

/// One call of a function that takes several.
struct Call {
    function: &'static str,
    arguments: Json,
}

impl Lanes {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Traffic {
            free: LANES,
            waiting: Vec::new(),
        })))
    }

    /// Lines a call up, and sends it off if a lane is free.
    fn enter(&self, database: &Database, call: Call) -> oneshot::Receiver<Landed> {
        let (landed, answer) = oneshot::channel();
        let waiting = Waiting {
            call,
            landed,
            runtime: Handle::current(),
        };
        let lane = self.with(|traffic| {
            traffic.waiting.push(waiting);
            let is_free = traffic.free > 0;
            traffic.free -= usize::from(is_free);
            is_free
        });
        if lane {
            let database = database.clone();
            drop(Lane { database });
        }
        answer
    }

    fn with<T>(&self, look: impl FnOnce(&mut Traffic) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A lane that is taken. Whoever waits takes it over where it is dropped.
struct Lane {
    database: Database,
}

impl Lane {
    /// Carries a company, in a task of its own: each caller may give up, or be slow to ask, and the others' calls go on.
    async fn carry(self, company: Vec<Waiting>) {
        let database = self.database.clone();
        let mut work = pin!(database.carry(company));
        if timeout(LANE_PATIENCE, work.as_mut()).await.is_err() {
            drop(self);
            work.await;
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let company = self.database.lanes().with(|traffic| {
            let company = traffic.next();
            if company.is_empty() {
                traffic.free += 1;
            }
            company
        });
        if let Some(first) = company.first() {
            let runtime = first.runtime.clone();
            let database = self.database.clone();
            runtime.spawn(Self { database }.carry(company));
        }
    }
}

impl Traffic {
    /// Who goes next: whoever waited longest, and all who wait for the same function.
    fn next(&mut self) -> Vec<Waiting> {
        self.waiting.retain(|waiting| !waiting.landed.is_closed());
        let Some(function) = self.waiting.first().map(|first| first.call.function) else {
            return Vec::new();
        };
        let mut places = MOST_TOGETHER;
        let company = self.waiting.extract_if(.., |waiting| {
            let goes = waiting.call.function == function && places > 0;
            places -= usize::from(goes);
            goes
        });
        company.collect()
    }
}

impl Database {
    /// Makes one call of a function that takes several, with whichever others wait for a lane. `None`: the function left it undone, and
    /// nothing of it is written.
    pub(super) async fn travel(
        &self,
        function: &'static str,
        arguments: Json,
    ) -> Result<Option<Row>, Error> {
        let call = Call {
            function,
            arguments,
        };
        let gone = |_| {
            Err(Error::Unreachable {
                target: self.target().to_string(),
                reason: "the task that made the call ended".to_owned(),
            })
        };
        self.lanes().enter(self, call).await.unwrap_or_else(gone)
    }

    /// Makes the calls in one statement, and tells each what became of it. Where everybody has given up, the statement is as well.
    async fn carry(&self, company: Vec<Waiting>) {
        let Some(function) = company.first().map(|first| first.call.function) else {
            return;
        };
        let (calls, mut company): (Vec<_>, Vec<_>) = company
            .into_iter()
            .map(|waiting| (waiting.call.arguments, waiting.landed))
            .unzip();
        let given_up = async {
            for landed in &mut company {
                landed.closed().await;
            }
        };
        let outcome = tokio::select! {
            outcome = self.send_together(function, Json::Array(calls)) => outcome,
            () = given_up => return,
        };
        let mut answers: Vec<Landed> = company.iter().map(|_| Ok(None)).collect();
        match outcome {
            Ok(rows) => {
                for row in rows {
                    let place = row.try_get::<_, i64>("call_number").ok();
                    let place = place.and_then(|number| usize::try_from(number - 1).ok());
                    if let Some(answer) = place.and_then(|place| answers.get_mut(place)) {
                        *answer = Ok(Some(row));
                    }
                }
            }
            Err(error) => {
                tracing::debug!(%error, calls = company.len(), "calls that went together failed");
                for answer in &mut answers {
                    *answer = lost(&error).map_or(Ok(None), Err);
                }
            }
        }
        for (landed, answer) in company.into_iter().zip(answers) {
            let _ = landed.send(answer);
        }
    }
}

/// An error after which nobody knows whether the statement was carried out, or that another statement would meet as well; once for each
/// who went with it. After any other nothing was written, and the call is made by itself.
fn lost(error: &Error) -> Option<Error> {
    match error {
        Error::Unreachable { target, reason } => Some(Error::Unreachable {
            target: target.clone(),
            reason: reason.clone(),
        }),
        &Error::TimedOut {
            limit,
            known_undone: false,
        } => Some(Error::TimedOut {
            limit,
            known_undone: false,
        }),
        &Error::PoolExhausted { waited } => Some(Error::PoolExhausted { waited }),
        Error::Database {
            sqlstate: None,
            message,
            ..
        } => Some(Error::Answer(message.clone())),
        _ => None,
    }
}
