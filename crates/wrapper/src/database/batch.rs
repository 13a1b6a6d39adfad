//! Calls that are made at the same time travel together: one round trip and one commit for several of them.
//!
//! A function that takes one call or several (`fn_process_runs_…`) is called through one lane. While nothing travels a call goes at
//! once. While something does, calls wait, and those that want the same function go in one statement, the largest company first. Those who
//! come back together are given a moment to call again together: runs that began in step stay in step. So nothing waits for what may
//! never come, and the busier the lane, the larger the companies: group commit, as databases call it, one level up.
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
use tokio::{
    runtime::Handle,
    sync::oneshot,
    time::{sleep_until, timeout},
};
use tokio_postgres::Row;

use super::Database;
use crate::error::Error;

/// How many calls go in one statement at most: what one of them does may delay its company.
const MOST_TOGETHER: usize = 32;

/// How long a statement keeps the lane: one that takes longer waits for something, and nobody else has to wait for that too. And how long
/// a call lets larger companies go first.
const PATIENCE: Duration = Duration::from_millis(10);

/// How long calls wait for those who have just come back; the runtime's timer knows no shorter time. It is worth a fraction of a
/// statement's fixed cost, and no tool that does anything notices it.
const A_MOMENT: Duration = Duration::from_millis(1);

/// The lane, and what waits for it.
#[derive(Clone)]
pub(crate) struct Lane(Arc<Mutex<Traffic>>);

#[derive(Default)]
struct Traffic {
    is_taken: bool,
    waiting: Vec<Waiting>,
    /// How many may call again until then: they came back while others were there.
    expected: usize,
    expected_until: Option<Instant>,
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

impl Traffic {
    fn line_up(&mut self, waiting: Waiting) {
        self.expected = self.expected.saturating_sub(1);
        self.waiting.push(waiting);
    }

    /// Who goes now, and takes the lane: the most that wait for one function, or those with whoever has waited too long.
    fn next(&mut self) -> Option<Vec<Waiting>> {
        self.waiting.retain(|waiting| !waiting.landed.is_closed());
        if self.is_taken || self.somebody_comes() {
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
        self.is_taken = true;
        Some(company)
    }

    /// Whether it is worth a moment to wait for those who have just come back.
    fn somebody_comes(&self) -> bool {
        let in_time = self
            .expected_until
            .is_some_and(|until| Instant::now() < until);
        in_time && self.expected > 0 && self.waiting.len() < MOST_TOGETHER
    }

    /// Expects those who have come back to call again, and says until when. One who is alone is not waited for.
    fn expect_back(&mut self, calls: usize) -> Option<Instant> {
        if calls + self.waiting.len() < 2 {
            return None;
        }
        self.expected = calls;
        self.expected_until = Some(Instant::now() + A_MOMENT);
        self.expected_until
    }

    /// Ends the moment until then; another may have begun meanwhile.
    fn expect_no_more(&mut self, until: Instant) {
        if self.expected_until == Some(until) {
            self.expected = 0;
        }
    }

    /// What most wait for. Of two that are as large, always the same goes first, so that the other falls in step with it.
    fn largest_company(&self) -> Option<&'static str> {
        let mut companies = BTreeMap::new();
        for waiting in &self.waiting {
            *companies.entry(waiting.call.function).or_insert(0) += 1;
        }
        let largest = companies.into_iter().max_by_key(|(_, calls)| *calls);
        largest.map(|(function, _)| function)
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
        self.lane().enter(self, call).await.unwrap_or_else(gone)
    }

    /// Makes the calls in one statement: each caller, with what became of its call. Where everybody has given up, the statement is as well.
    async fn carry(&self, company: Vec<Waiting>) -> Vec<(oneshot::Sender<Landed>, Landed)> {
        let Some(function) = company.first().map(|first| first.call.function) else {
            return Vec::new();
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
            () = given_up => return Vec::new(),
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
        company.into_iter().zip(answers).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Longer than a test takes on any machine.
    const LONG: Duration = Duration::from_secs(3600);

    /// What waits, and the callers, who listen for as long as this is held.
    #[derive(Default)]
    struct Platform {
        traffic: Traffic,
        callers: Vec<oneshot::Receiver<Landed>>,
    }

    impl Platform {
        fn line_up(&mut self, function: &'static str, calls: usize) {
            for _ in 0..calls {
                let (landed, caller) = oneshot::channel();
                self.callers.push(caller);
                self.traffic.line_up(Waiting {
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
            self.traffic.expect_back(calls)
        }
    }

    #[tokio::test]
    async fn a_call_goes_at_once_and_the_next_wait_for_it() {
        let mut platform = Platform::default();
        platform.line_up("begin", 1);
        assert_eq!(platform.next(), Some(("begin", 1)));
        platform.line_up("finish", 1);
        platform.line_up("begin", 2);
        assert_eq!(platform.next(), None);
        platform.comes_back(0);
        assert_eq!(platform.next(), Some(("begin", 2)));
    }

    #[tokio::test]
    async fn those_who_came_back_together_go_on_together() {
        let mut platform = Platform::default();
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
    async fn nobody_is_waited_for_longer_than_a_moment() {
        let mut platform = Platform::default();
        platform.line_up("begin", 2);
        platform.next();
        platform.comes_back(2);
        platform.line_up("finish", 1);
        platform.traffic.expected_until = Some(Instant::now());
        assert_eq!(platform.next(), Some(("finish", 1)));
    }

    #[tokio::test]
    async fn one_who_is_alone_is_not_waited_for() {
        let mut platform = Platform::default();
        platform.line_up("begin", 1);
        platform.next();
        assert_eq!(platform.comes_back(1), None);
        platform.line_up("finish", 1);
        assert_eq!(platform.next(), Some(("finish", 1)));
    }

    #[tokio::test]
    async fn of_two_that_are_as_large_always_the_same_goes() {
        for order in [["begin", "finish"], ["finish", "begin"]] {
            let mut platform = Platform::default();
            for function in order {
                platform.line_up(function, 1);
            }
            assert_eq!(platform.next(), Some(("finish", 1)));
        }
    }

    #[tokio::test]
    async fn a_caller_that_gave_up_does_not_travel() {
        let mut platform = Platform::default();
        platform.line_up("begin", 2);
        platform.callers.pop();
        assert_eq!(platform.next(), Some(("begin", 1)));
    }
}
