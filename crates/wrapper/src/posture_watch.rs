//! The posture, kept up to date for whoever has a call in flight: a gate that closes stops it.
//!
//! All runs of a process share one watch, and it is one connection: it listens, and reads the posture. While tools are called
//! it is the only one that the process keeps.
//!
//! A closing gate is told by a notification where a session can listen, and is found by asking again and again where it can
//! not: behind a transaction-mode pooler, or for a gate that the clock closes, which notifies nobody.

use std::{future::poll_fn, sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tokio_postgres::AsyncMessage;

use crate::{Wrapper, error::Error, types::Posture};

/// What `fn_dot_gate_set` and `fn_dot_lease_force_release` notify.
const CHANNEL: &str = "dotwrap_gate";

/// How long to wait before listening is tried again, at first; twice as long each further time, up to the longest.
const RECONNECT_DELAY: Duration = Duration::from_millis(250);

/// The longest wait before listening is tried again.
const LISTEN_AGAIN_AT_LAST: Duration = Duration::from_secs(5);

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

/// A task that ends when nobody is interested any more.
#[derive(Debug)]
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl PostureWatch {
    /// Another one, to which what was notified before now is nothing new.
    #[must_use]
    pub fn subscribe(&self) -> Self {
        let mut fresh = self.clone();
        fresh.notices.mark_unchanged();
        fresh
    }

    /// Waits for a notification that it has not told of yet: a gate was changed, or a lease was taken away from its holder. For ever,
    /// where a session can not listen.
    pub async fn notified(&mut self) {
        if self.notices.changed().await.is_err() {
            std::future::pending().await
        }
    }

    /// The posture as it was last seen; none: it could not be read yet.
    pub fn posture(&self) -> Option<Posture> {
        self.seen.borrow().map(|seen| seen.posture)
    }

    /// Waits until the posture was seen, by a look that began from now on, to be one that `is_wanted` says yes to. What was
    /// seen earlier does not count: a gate may have been opened since. It asks for no look of its own: one comes with every
    /// changed gate, and in any case as often as was said when the watching began.
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
            // Nothing is known then. Whoever holds a lease learns by its renewal that the database is gone.
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
        if begun.elapsed() > LISTEN_AGAIN_AT_LAST {
            pause = RECONNECT_DELAY;
        }
        sleep(pause).await;
        pause = pause.saturating_mul(2).min(LISTEN_AGAIN_AT_LAST);
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
    let (client, mut connection) = target.open().await?;
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
