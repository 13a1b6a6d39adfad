//! What a worker tells the service manager that started it: `sd_notify`. Without one, which is without NOTIFY_SOCKET,
//! nothing is told.
use std::sync::Mutex;
use std::time::{Duration, Instant};

use dotwrap_exec::Stop;
use sd_notify::{NotifyState, notify};
use tokio::task::JoinHandle;

/// The longest pause between two signs of life, where the watchdog allows a longer one.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The service manager.
#[derive(Debug)]
pub(super) struct ServiceManager {
    /// The pause between two signs of life; none where no watchdog waits for one.
    pause: Option<Duration>,
    told_at: Mutex<Option<Instant>>,
}

impl ServiceManager {
    /// As NOTIFY_SOCKET and WATCHDOG_USEC say.
    pub(super) fn of_environment() -> Self {
        // Twice as often as is asked for, as its manual says.
        let pause = sd_notify::watchdog_enabled().map(|limit| (limit / 2).min(LONGEST_PAUSE));
        Self {
            pause,
            told_at: Mutex::default(),
        }
    }

    /// The worker has its connection and its signal handlers, and claims from now on.
    pub(super) fn ready(&self, name: &str) {
        let status = format!("{name} waits for requests");
        tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
    }

    /// Tells when the worker begins to stop, by either signal. The returned task ends when it is told.
    pub(super) fn tell_when_stopping(
        &self,
        mut drain: Stop,
        mut interrupt: Stop,
    ) -> JoinHandle<()> {
        tokio::spawn(async move {
            tokio::select! {
                _ = drain.cancelled() => {}
                _ = interrupt.cancelled() => {}
            }
            let status = NotifyState::Status("stopping: nothing more is claimed");
            tell(&[NotifyState::Stopping, status]);
        })
    }

    /// A sign of life. It comes from the loop that claims, and not from a timer: a worker whose loop hangs is to be
    /// restarted, however alive its process is.
    pub(super) fn alive(&self) {
        let (Some(pause), Ok(mut told_at)) = (self.pause, self.told_at.lock()) else {
            return;
        };
        if told_at.is_none_or(|told_at| told_at.elapsed() >= pause) {
            *told_at = Some(Instant::now());
            tell(&[NotifyState::Watchdog]);
        }
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = notify(state) {
        tracing::debug!(%error, "the service manager was not told");
    }
}
