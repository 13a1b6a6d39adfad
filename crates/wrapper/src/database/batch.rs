//! Calls that are made at the same time travel together: one round trip and one commit for several of them.
//!
//! A function that takes one call or several (`fn_process_runs_…`) is called through a few lanes. While one is free a call goes at
//! once, alone. Calls that come while none is wait for the first that gets free, and all that wait for one function by then go in one
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

    /// A lane if there is one free, and else a place among those that wait.
    fn enter(&self, database: &Database, call: Call) -> Entered {
        self.with(|traffic| {
            if traffic.free > 0 {
                traffic.free -= 1;
                let database = database.clone();
                return Entered::Now(Lane { database }, call);
            }
            let (landed, answer) = oneshot::channel();
            traffic.waiting.push(Waiting { call, landed });
            Entered::Later(answer)
        })
    }

    fn with<T>(&self, look: impl FnOnce(&mut Traffic) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

enum Entered {
    Now(Lane, Call),
    Later(oneshot::Receiver<Landed>),
}

/// A lane that is taken. Whoever waits takes it over where it is dropped.
struct Lane {
    database: Database,
}

impl Lane {
    /// Keeps the lane while this is done, but not for longer than its patience.
    async fn keep<T>(self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        match timeout(LANE_PATIENCE, work.as_mut()).await {
            Ok(done) => done,
            Err(_) => {
                drop(self);
                work.await
            }
        }
    }

    /// Carries those who waited, in a task of its own: each of them may give up, and the others' calls go on.
    async fn carry(self, company: Vec<Waiting>) {
        let database = self.database.clone();
        self.keep(database.carry(company)).await;
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let lanes = self.database.lanes();
        let company = lanes.with(|traffic| {
            let company = traffic.next();
            if company.is_empty() {
                traffic.free += 1;
            }
            company
        });
        if company.is_empty() {
            return;
        }
        match Handle::try_current() {
            Ok(runtime) => {
                let database = self.database.clone();
                runtime.spawn(Self { database }.carry(company));
            }
            // There is no runtime any more, so that nobody waits.
            Err(_) => lanes.with(|traffic| {
                traffic.free += 1;
                traffic.waiting.clear();
            }),
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
        let answer = match self.lanes().enter(self, call) {
            Entered::Later(answer) => answer,
            Entered::Now(lane, call) => return lane.keep(self.alone(call)).await,
        };
        let gone = |_| Err(Error::Answer("the runtime ended".to_owned()));
        answer.await.unwrap_or_else(gone)
    }

    async fn alone(&self, call: Call) -> Landed {
        let calls = Json::Array(vec![call.arguments]);
        match self.send_together(call.function, calls).await {
            Ok(rows) => Ok(rows.into_iter().next()),
            Err(error) => lost(&error).map_or(Ok(None), Err),
        }
    }

    /// Makes the calls in one statement, and tells each what became of it.
    async fn carry(&self, company: Vec<Waiting>) {
        let Some(function) = company.first().map(|first| first.call.function) else {
            return;
        };
        let (calls, company): (Vec<_>, Vec<_>) = company
            .into_iter()
            .map(|waiting| (waiting.call.arguments, waiting.landed))
            .unzip();
        let mut answers: Vec<Landed> = company.iter().map(|_| Ok(None)).collect();
        match self.send_together(function, Json::Array(calls)).await {
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
            known_undone,
        } => Some(Error::TimedOut {
            limit,
            known_undone,
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
