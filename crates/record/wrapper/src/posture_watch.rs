//! The current posture, for callers with a call in flight: a closing gate stops the call.
//!
//! All runs of a process share one watch with one connection, which listens and reads the posture. While tools are
//! called the process keeps no other connection.
//!
//! A session that can listen receives a notification of a closing gate. Otherwise the watch polls: behind a
//! transaction-mode pooler, and for a gate that expires, which sends no notification.

use std::{future::poll_fn, sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tokio_postgres::AsyncMessage;

use crate::{Wrapper, database::open, error::Error, types::Posture};

/// What `fn_dot_gate_set` and `fn_dot_lease_force_release` notify.
const CHANNEL: &str = "dotwrap_gate";

/// How long to wait before listening is tried again, at first; twice as long each further time, up to the longest.
const RECONNECT_DELAY: Duration = Duration::from_millis(250);

/// The longest wait before listening is tried again.
const MAX_RECONNECT_DELAY: Duration = Duration::from_secs(5);

/// How long a connection of the pool is idle before it is closed: a tool may run for hours.
const IDLE: Duration = Duration::from_secs(1);

/// The posture as it was last seen. Cheap to clone; the watching ends with the last clone.
#[derive(Clone, Debug)]
pub struct PostureWatch {
    seen: watch::Receiver<Option<Observation>>,
    notices: watch::Receiver<()>,
    _tasks: Arc<[AbortOnDrop; 2]>,
}

#[derive(Clone, Copy, Debug)]
struct Observation {
    posture: Posture,
    /// When it was asked for: it is not older than this.
    asked_at: Instant,
}

/// A task that is aborted when its last user drops this.
#[derive(Debug)]
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl PostureWatch {
    /// Another watch, which receives only notifications from now on.
    #[must_use]
    pub fn subscribe(&self) -> Self {
        let mut fresh = self.clone();
        fresh.notices.mark_unchanged();
        fresh
    }

    /// Waits for the next notification of this watch: a gate was changed, or a lease was released by force. Never
    /// returns where a session cannot listen.
    pub async fn notified(&mut self) {
        if self.notices.changed().await.is_err() {
            std::future::pending().await
        }
    }

    /// The posture last read; None where it could not be read yet.
    pub fn posture(&self) -> Option<Posture> {
        self.seen.borrow().map(|seen| seen.posture)
    }

    /// Waits until a read that began after this call returns a posture for which `is_wanted` is true. Earlier reads do
    /// not count, because a gate may have been opened since. It causes no read of its own: each changed gate causes
    /// one, and the watch polls at its interval.
    pub async fn until(&mut self, is_wanted: impl Fn(Posture) -> bool) -> Posture {
        let now = Instant::now();
        let counts = |seen: &Observation| seen.asked_at >= now && is_wanted(seen.posture);
        let found = self
            .seen
            .wait_for(|seen| seen.as_ref().is_some_and(counts))
            .await;
        match found.ok().and_then(|seen| *seen) {
            Some(seen) => seen.posture,
            // The watching task is gone with its runtime.
            None => std::future::pending().await,
        }
    }
}

impl Wrapper {
    /// Keeps an eye on the posture: at every notification of a changed gate, and this often without one.
    pub fn watch_posture(&self, every: Duration) -> PostureWatch {
        let (sender, seen) = watch::channel(None);
        let changed = Arc::new(Notify::new());
        let (notify, notices) = watch::channel(());
        let listening = tokio::spawn(listen(self.clone(), Arc::clone(&changed), notify));
        let asking = tokio::spawn(poll(self.clone(), every, changed, sender));
        PostureWatch {
            seen,
            notices,
            _tasks: Arc::new([AbortOnDrop(listening), AbortOnDrop(asking)]),
        }
    }
}

async fn poll(
    wrapper: Wrapper,
    every: Duration,
    changed: Arc<Notify>,
    seen: watch::Sender<Option<Observation>>,
) {
    loop {
        let asked_at = Instant::now();
        match wrapper.posture_on_kept().await {
            Ok(posture) => {
                seen.send_replace(Some(Observation { posture, asked_at }));
            }
            // The posture is unknown then. A lease holder notices by its renewal that the database is unreachable.
            Err(error) => tracing::debug!(%error, "the posture could not be read"),
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
            tracing::debug!(%error, "no notifications of gates; the posture is asked for instead");
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
