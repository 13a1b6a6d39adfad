//! Whether runs with a call in flight may go on: a closed gate, an ended window, a stop and a lost lease stop the call.
//!
//! All runs of a process share one watch with one connection, which listens and asks for all of them in one round trip
//! (`fn_process_run_stop_cause`: null where `fn_process_run_may_continue` is true). While tools are called the process
//! keeps no other connection.
//!
//! A session that can listen receives a notification of a closing gate and of a stop. Otherwise the watch polls: behind
//! a transaction-mode pooler, and for a window that ends, which sends no notification.

use std::{
    collections::HashMap,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value as Json;
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tokio_postgres::AsyncMessage;
use uuid::Uuid;

use crate::{
    Wrapper,
    database::{Call, Value, decode_error, open},
    error::Error,
    lease::Lease,
    types::{LeaseToken, ProcessRunId},
};

/// What `fn_dot_gate_set`, `fn_dot_run_stop` and `fn_dot_lease_force_release` notify.
const CHANNEL: &str = "dotwrap_gate";

/// How long to wait before listening is tried again, at first; twice as long each further time, up to the longest.
const RECONNECT_DELAY: Duration = Duration::from_millis(250);

/// The longest wait before listening is tried again.
const MAX_RECONNECT_DELAY: Duration = Duration::from_secs(5);

/// How long a connection of the pool is idle before it is closed: a tool may run for hours.
const IDLE: Duration = Duration::from_secs(1);

/// Why a run may not go on, as `fn_process_run_stop_cause` says it.
#[derive(Clone, Debug, PartialEq)]
pub struct StopCause(Json);

impl StopCause {
    /// `gate_closed`, `window_ended`, `run_stopped`, `lease_lost`, or a word of a newer contract.
    pub fn word(&self) -> &str {
        self.0["cause"].as_str().unwrap_or_default()
    }

    /// Whether the call gets only the shortest grace.
    pub fn is_urgent(&self) -> bool {
        self.0["now"] == true
    }

    /// All of it: `cause`, `gate`, `by`, `reason`, `at`, `now`.
    pub fn as_json(&self) -> &Json {
        &self.0
    }
}

/// The watch over the runs of a process. Cheap to clone; the watching ends with the last clone.
#[derive(Clone, Debug)]
pub struct RunWatch {
    runs: Arc<Watched>,
    answered: watch::Receiver<Option<Instant>>,
    notices: watch::Receiver<()>,
    changed: Arc<Notify>,
    _tasks: Arc<[AbortOnDrop; 2]>,
}

/// One run that is watched until this is dropped.
#[derive(Debug)]
pub struct WatchedRun {
    process_run_id: ProcessRunId,
    runs: Arc<Watched>,
    cause: watch::Receiver<Option<StopCause>>,
}

/// The runs that are asked for.
#[derive(Debug, Default)]
struct Watched(Mutex<HashMap<ProcessRunId, Entry>>);

#[derive(Debug)]
struct Entry {
    token: LeaseToken,
    cause: watch::Sender<Option<StopCause>>,
}

/// A task that is aborted when its last user drops this.
#[derive(Debug)]
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Watched {
    fn lock(&self) -> MutexGuard<'_, HashMap<ProcessRunId, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn questions(&self) -> (Vec<Uuid>, Vec<Uuid>) {
        let runs = self.lock();
        let asked = runs.iter();
        asked
            .map(|(run, entry)| (run.as_uuid(), entry.token.as_uuid()))
            .unzip()
    }

    fn tell(&self, answers: Vec<(Uuid, Option<Json>)>) {
        let runs = self.lock();
        for (run, cause) in answers {
            if let Some(entry) = runs.get(&ProcessRunId::from(run))
                && let Some(cause) = cause.map(StopCause)
            {
                // The first cause stays, but one that became urgent.
                entry.cause.send_if_modified(|told| {
                    let is_news = told
                        .as_ref()
                        .is_none_or(|told| cause.is_urgent() && !told.is_urgent());
                    if is_news {
                        *told = Some(cause);
                    }
                    is_news
                });
            }
        }
    }
}

impl RunWatch {
    /// Another watch, which receives only notifications from now on.
    #[must_use]
    pub fn subscribe(&self) -> Self {
        let mut fresh = self.clone();
        fresh.notices.mark_unchanged();
        fresh
    }

    /// Waits for the next notification of this watch: a gate was changed, a run was stopped, or a lease was released by
    /// force. Never returns where a session cannot listen.
    pub async fn notified(&mut self) {
        if self.notices.changed().await.is_err() {
            std::future::pending().await
        }
    }

    /// Waits until the database answered a question that was asked after this call. It causes no question of its own.
    pub async fn answered(&mut self) {
        let now = Instant::now();
        let is_later =
            |asked_at: &Option<Instant>| asked_at.is_some_and(|asked_at| asked_at >= now);
        if self.answered.wait_for(is_later).await.is_err() {
            // The watching task is gone with its runtime.
            std::future::pending().await
        }
    }

    /// Watches a run under its lease, and asks for it at once.
    #[must_use]
    pub fn watch(&self, process_run_id: ProcessRunId, lease: &Lease) -> WatchedRun {
        let (sender, cause) = watch::channel(None);
        let entry = Entry {
            token: lease.token(),
            cause: sender,
        };
        self.runs.lock().insert(process_run_id, entry);
        self.changed.notify_one();
        WatchedRun {
            process_run_id,
            runs: Arc::clone(&self.runs),
            cause,
        }
    }
}

impl WatchedRun {
    /// Waits until the run may not go on, and returns why.
    pub async fn stopped(&mut self) -> StopCause {
        self.until(|_| true).await
    }

    /// Waits until the run may not go on and its call gets only the shortest grace.
    pub async fn urgent(&mut self) -> StopCause {
        self.until(StopCause::is_urgent).await
    }

    async fn until(&mut self, is_wanted: impl Fn(&StopCause) -> bool) -> StopCause {
        let told = |cause: &Option<StopCause>| cause.as_ref().is_some_and(&is_wanted);
        let found = self.cause.wait_for(told).await;
        match found.ok().and_then(|cause| cause.clone()) {
            Some(cause) => cause,
            None => std::future::pending().await,
        }
    }
}

impl Drop for WatchedRun {
    fn drop(&mut self) {
        self.runs.lock().remove(&self.process_run_id);
    }
}

impl Wrapper {
    /// Watches runs: at every notification, and this often without one.
    pub fn watch_runs(&self, every: Duration) -> RunWatch {
        let (sender, answered) = watch::channel(None);
        let changed = Arc::new(Notify::new());
        let (notify, notices) = watch::channel(());
        let runs = Arc::new(Watched::default());
        let listening = tokio::spawn(listen(self.clone(), Arc::clone(&changed), notify));
        let asking = poll(
            self.clone(),
            every,
            Arc::clone(&changed),
            Arc::clone(&runs),
            sender,
        );
        RunWatch {
            runs,
            answered,
            notices,
            changed,
            _tasks: Arc::new([AbortOnDrop(listening), AbortOnDrop(tokio::spawn(asking))]),
        }
    }

    /// Whether a run's tools may go on (`fn_process_run_may_continue`).
    ///
    /// # Errors
    /// Refused as `snapshot_too_old`.
    pub async fn may_continue(
        &self,
        process_run_id: ProcessRunId,
        lease: &Lease,
    ) -> Result<bool, Error> {
        let call = Call::to("fn_process_run_may_continue")
            .with("p_process_run_id", process_run_id)
            .with("p_lease_token", lease.token())
            .idempotent();
        self.database.value(&call).await
    }

    /// Asks for all runs in one round trip, on the connection that the watch keeps.
    async fn stop_causes(&self, runs: &Watched) -> Result<Vec<(Uuid, Option<Json>)>, Error> {
        let (ids, tokens) = runs.questions();
        let values = [Value::Uuids(ids), Value::Uuids(tokens)];
        let schema = self.database.quoted_schema();
        let statement = format!(
            "SELECT r.process_run_id, {schema}.fn_process_run_stop_cause(r.process_run_id, r.lease_token)
             FROM unnest($1, $2) AS r (process_run_id, lease_token)"
        );
        let rows = self.database.rows_on_kept(&statement, &values).await?;
        rows.iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect::<Result<_, _>>()
            .map_err(decode_error)
    }
}

async fn poll(
    wrapper: Wrapper,
    every: Duration,
    changed: Arc<Notify>,
    runs: Arc<Watched>,
    answered: watch::Sender<Option<Instant>>,
) {
    loop {
        let asked_at = Instant::now();
        match wrapper.stop_causes(&runs).await {
            Ok(answers) => {
                runs.tell(answers);
                answered.send_replace(Some(asked_at));
            }
            // Nothing is known then. A lease holder notices by its renewal that the database is unreachable.
            Err(error) => tracing::debug!(%error, "whether runs may go on could not be asked"),
        }
        wrapper.database.close_idle(IDLE);
        let _ = timeout(every, changed.notified()).await;
    }
}

async fn listen(wrapper: Wrapper, changed: Arc<Notify>, notify: watch::Sender<()>) {
    let mut pause = RECONNECT_DELAY;
    loop {
        let begun = Instant::now();
        let kept = Keeping(&wrapper);
        if let Err(error) = listen_once(&wrapper, &changed, &notify).await {
            tracing::debug!(%error, "no notifications of gates and stops; they are asked for instead");
        }
        drop(kept);
        if begun.elapsed() > MAX_RECONNECT_DELAY {
            pause = RECONNECT_DELAY;
        }
        sleep(pause).await;
        pause = pause.saturating_mul(2).min(MAX_RECONNECT_DELAY);
    }
}

/// Empties the place of the kept connection, also where the task that drives it is ended.
struct Keeping<'a>(&'a Wrapper);

impl Drop for Keeping<'_> {
    fn drop(&mut self) {
        self.0.database.kept().give_up();
    }
}

/// Listens until the connection ends, or is given up.
async fn listen_once(
    wrapper: &Wrapper,
    changed: &Notify,
    notify: &watch::Sender<()>,
) -> Result<(), Error> {
    let target = wrapper.target();
    let lost = |error: &tokio_postgres::Error| Error::of_connection(error, &target.to_string());
    let (client, mut connection) = open(target).await?;
    let client = Arc::new(client);
    let kept = wrapper.database.kept();
    let subscribe = async {
        client
            .batch_execute(&format!("LISTEN {CHANNEL}"))
            .await
            .map_err(|error| lost(&error))?;
        kept.put(Arc::clone(&client));
        // What changed before the listening began was not notified.
        changed.notify_one();
        notify.send_replace(());
        kept.given_up().await;
        Ok(())
    };
    let notifications = async {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            // Its payload is the schema: other installations of the database have gates of their own.
            if let AsyncMessage::Notification(notice) = message.map_err(|error| lost(&error))?
                && notice.payload() == wrapper.schema()
            {
                changed.notify_one();
                notify.send_replace(());
            }
        }
        Ok(())
    };
    tokio::select! {
        ended = subscribe => ended,
        ended = notifications => ended,
    }
}
