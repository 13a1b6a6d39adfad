//! The time of a kill: a delay, or a state of the run.

use std::time::Duration;

use tokio::time::sleep;
use tokio_postgres::Client;

use crate::fixture::Fixture;
use crate::run_process::Attempt;

/// The poll interval.
const PAUSE: Duration = Duration::from_millis(3);

/// A point in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InjectionPoint {
    /// After a delay from its start.
    After(Duration),
    /// The header and the producer's receipt are committed.
    Begun,
    /// The producer is running.
    ProducerWorks,
    /// The second transaction waits for the header's lock.
    ProducerIsRecorded,
    /// The producer's row and the verifier's receipt are committed.
    Produced,
    /// The verifier is running.
    VerifierWorks,
    /// The third transaction waits for the header's lock.
    VerifierIsRecorded,
    /// The conclusion is committed, and may not be acknowledged yet.
    Concluded,
}

/// A point in a run, plus a short delay.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trigger {
    pub(crate) moment: InjectionPoint,
    pub(crate) and: Duration,
}

/// The result of waiting for a point.
pub(crate) struct Kept {
    /// False where the run ended before.
    pub(crate) was_reached: bool,
    /// The lock that blocks a transaction; dropping it releases the lock.
    _lock: Option<Client>,
}

/// What waits for a state is not polled further when the run is over.
const STEPS: [InjectionPoint; 7] = [
    InjectionPoint::Begun,
    InjectionPoint::ProducerWorks,
    InjectionPoint::ProducerIsRecorded,
    InjectionPoint::Produced,
    InjectionPoint::VerifierWorks,
    InjectionPoint::VerifierIsRecorded,
    InjectionPoint::Concluded,
];

impl Trigger {
    /// The point of a round: alternately a step and a delay, so that every step is covered.
    pub(crate) fn of_round(round: usize, dice: &mut fastrand::Rng) -> Self {
        let moment = match round % (STEPS.len() + 3) {
            step if step < STEPS.len() => STEPS[step],
            // Half of them early, where a run connects and prepares.
            _ => {
                let latest = if dice.bool() { 150 } else { 1_500 };
                InjectionPoint::After(Duration::from_millis(dice.u64(..latest)))
            }
        };
        let and = match dice.u8(..3) {
            0 => Duration::ZERO,
            1 => Duration::from_micros(dice.u64(..10_000)),
            _ => Duration::from_millis(dice.u64(..60)),
        };
        Self { moment, and }
    }

    /// Waits for it.
    pub(crate) async fn keep(self, site: &Fixture, attempt: &mut Attempt) -> Kept {
        let kept = match self.moment {
            InjectionPoint::After(time) => {
                sleep(time).await;
                Kept {
                    was_reached: !attempt.is_over(),
                    _lock: None,
                }
            }
            InjectionPoint::ProducerIsRecorded => recording(site, attempt, "producer").await,
            InjectionPoint::VerifierIsRecorded => recording(site, attempt, "verifier").await,
            state => Kept {
                was_reached: until(site, attempt, state).await,
                _lock: None,
            },
        };
        sleep(self.and).await;
        kept
    }
}

/// Waits for a state. Returns false where the run ended before.
async fn until(site: &Fixture, attempt: &mut Attempt, state: InjectionPoint) -> bool {
    let run = attempt.order.run;
    let table = match state {
        InjectionPoint::ProducerWorks => return called(site, attempt, "producer").await,
        InjectionPoint::VerifierWorks => return called(site, attempt, "verifier").await,
        InjectionPoint::Begun => "process_run_observation",
        InjectionPoint::Produced => "process_component_observation",
        _ => "process_run_conclusion",
    };
    let client = site.server.client().await;
    let question = format!("SELECT EXISTS (SELECT FROM dot.{table} WHERE process_run_id = $1)");
    let question = client.prepare(&question).await.unwrap();
    loop {
        let is_there: bool = client.query_one(&question, &[&run]).await.unwrap().get(0);
        if is_there || attempt.is_over() {
            return is_there;
        }
        sleep(PAUSE).await;
    }
}

async fn called(site: &Fixture, attempt: &mut Attempt, role: &str) -> bool {
    loop {
        let is_called = site.calls().has(attempt.order.run, role);
        if is_called || attempt.is_over() {
            return is_called;
        }
        sleep(PAUSE).await;
    }
}

/// Locks the header while a tool runs, and waits until the next transaction is blocked by it.
async fn recording(site: &Fixture, attempt: &mut Attempt, role: &str) -> Kept {
    if !called(site, attempt, role).await {
        return Kept {
            was_reached: false,
            _lock: None,
        };
    }
    let client = site.server.client().await;
    client.batch_execute("BEGIN").await.unwrap();
    let lock = "SELECT FROM dot.process_run_observation WHERE process_run_id = $1 FOR UPDATE";
    client.query(lock, &[&attempt.order.run]).await.unwrap();
    let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid)))";
    let was_reached = loop {
        let is_waiting: bool = client.query_one(waits, &[]).await.unwrap().get(0);
        if is_waiting || attempt.is_over() {
            break is_waiting;
        }
        sleep(PAUSE).await;
    };
    Kept {
        was_reached,
        _lock: Some(client),
    }
}
