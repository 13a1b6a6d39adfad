//! Calls that are made at the same time travel together: one round trip and one commit for several of them.
//!
//! A function that takes one call or several (`fn_process_runs_…`) is called through two lanes. While nothing travels a call goes at
//! once. While something does, calls wait until half of all there are want the same function, or until what travels is back, and go in one
//! statement. So nothing waits for what may never come, and the busier the lanes, the larger the batches: group commit, as databases
//! call it, one level up.
//!
//! Runs do not learn of each other. A call that its company could not be carried out with is made again alone, and is answered or
//! refused there.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
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

/// How long a statement keeps its lane: one that takes longer waits for something, and nobody else has to wait for that too. And how long
/// a call lets larger companies go first.
const PATIENCE: Duration = Duration::from_millis(10);

/// The lanes, and what waits for one.
#[derive(Clone)]
pub(crate) struct Lanes(Arc<Mutex<Traffic>>);

struct Traffic {
    free: usize,
    /// How many calls the lanes carry that are taken.
    travelling: usize,
    waiting: Vec<Waiting>,
}

struct Waiting {
    call: Call,
    landed: oneshot::Sender<Landed>,
    since: Instant,
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
            travelling: 0,
            waiting: Vec::new(),
        })))
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
        self.with(|traffic| traffic.waiting.push(waiting));
        self.depart(database);
        answer
    }

    /// Sends off whoever goes next.
    fn depart(&self, database: &Database) {
        while let Some(company) = self.with(Traffic::next) {
            let lane = Lane {
                database: database.clone(),
                calls: company.len(),
            };
            if let Some(first) = company.first() {
                let runtime = first.runtime.clone();
                runtime.spawn(lane.carry(company));
            }
        }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Traffic) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A lane that is taken. Where it is dropped, whoever waits may go.
struct Lane {
    database: Database,
    calls: usize,
}

impl Lane {
    /// Carries a company, in a task of its own: each caller may give up, or be slow to ask, and the others' calls go on.
    async fn carry(self, company: Vec<Waiting>) {
        let database = self.database.clone();
        let mut work = pin!(database.carry(company));
        if timeout(PATIENCE, work.as_mut()).await.is_err() {
            drop(self);
            work.await;
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let lanes = self.database.lanes();
        lanes.with(|traffic| {
            traffic.free += 1;
            traffic.travelling -= self.calls;
        });
        lanes.depart(&self.database);
    }
}

impl Traffic {
    /// Who goes now, and takes a lane: the most that wait for one function, or those with whoever has waited too long.
    fn next(&mut self) -> Option<Vec<Waiting>> {
        self.waiting.retain(|waiting| !waiting.landed.is_closed());
        if self.free == 0 {
            return None;
        }
        let oldest = self.waiting.first()?;
        let function = if oldest.since.elapsed() > PATIENCE {
            oldest.call.function
        } else {
            self.largest_company()?
        };
        let mut places = MOST_TOGETHER;
        let company = self.waiting.extract_if(.., |waiting| {
            let goes = waiting.call.function == function && places > 0;
            places -= usize::from(goes);
            goes
        });
        let company: Vec<Waiting> = company.collect();
        self.free -= 1;
        self.travelling += company.len();
        Some(company)
    }

    /// What most wait for. A statement for one call costs nearly as much as one for several: while another travels, it waits until
    /// half of all calls can go with it, or as many as it takes.
    fn largest_company(&self) -> Option<&'static str> {
        let mut companies = BTreeMap::new();
        for waiting in &self.waiting {
            *companies.entry(waiting.call.function).or_insert(0) += 1;
        }
        let (function, together) = companies.into_iter().max_by_key(|(_, calls)| *calls)?;
        let half = (self.waiting.len() + self.travelling).div_ceil(2);
        let enough = self.travelling == 0 || together >= half.min(MOST_TOGETHER);
        enough.then_some(function)
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
