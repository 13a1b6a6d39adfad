//! While a run has calls in flight, renews its lease, asks whether it may go on, watches the disk and forwards Ctrl-C. A
//! lost lease, a closed gate, a stop, a disk that is nearly full and Ctrl-C each stop the call.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use dotwrap_invoke::{Stop, StopHandle, StopReason, free_bytes};
use dotwrap_wrapper::{Lease, ProcessRunId, RunWatch, StopCause, WatchedRun, Wrapper};
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::{Instant, sleep, timeout},
};

/// The shortest pause between two attempts to renew while the database is unreachable.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);

/// The interval at which the free space of the disk is read.
const DISK_INTERVAL: Duration = Duration::from_millis(300);

/// Guards one run until it is dropped.
#[derive(Debug)]
pub(crate) struct RunGuard {
    stop: Stop,
    cause: Arc<OnceLock<StopCause>>,
    handle: StopHandle,
    watching: Vec<JoinHandle<()>>,
}

impl RunGuard {
    /// Starts. The lease was acquired or renewed at `held_since`, for `lifetime`.
    pub(crate) fn start(
        wrapper: &Wrapper,
        lease: Lease,
        lifetime: Duration,
        held_since: Instant,
        process_run_id: ProcessRunId,
        watch: &RunWatch,
        interrupt: Stop,
    ) -> Self {
        let (handle, stop) = StopHandle::new();
        let cause = Arc::new(OnceLock::new());
        let watched = watch.watch(process_run_id, &lease);
        // Before any call: otherwise a stop that arrived while the run was being begun would be noticed too late.
        if let Some(reason) = interrupt.reason() {
            handle.stop(reason);
        }
        handle.extend_deadline(held_since + lifetime);
        let renewing = renew(
            wrapper.clone(),
            lease,
            lifetime,
            held_since,
            watch.subscribe(),
            handle.clone(),
        );
        let watching_run = stop_at_cause(watched, handle.clone(), Arc::clone(&cause));
        let hearing = forward_interrupt(interrupt, handle.clone());
        // One task for all three. None ends another: a call that is being stopped keeps its lease.
        let watching = tokio::spawn(async {
            tokio::join!(renewing, watching_run, hearing);
        });
        Self {
            stop,
            cause,
            handle,
            watching: vec![watching],
        }
    }

    /// Stops the call also when this folder's disk has less than so many free bytes. 0 bytes watches nothing.
    pub(crate) fn watching_disk(mut self, folder: &Path, min_free_bytes: u64) -> Self {
        if min_free_bytes > 0 {
            let watching = watch_disk(folder.to_owned(), min_free_bytes, self.handle.clone());
            self.watching.push(tokio::spawn(watching));
        }
        self
    }

    /// The stop signal of a call.
    pub(crate) fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Why the database says that the run may not go on, once it says so.
    pub(crate) fn cause(&self) -> Option<&StopCause> {
        self.cause.get()
    }
}

impl Drop for RunGuard {
    fn drop(&mut self) {
        self.watching.iter().for_each(JoinHandle::abort);
    }
}

/// Renews at a third of the lease's time to live, independently of the call's own deadline: a slow tool keeps its
/// lease, and a lost lease stops a tool before its deadline. Checks at once after a notification, because the next
/// holder of a lease that was released by force may call the same tool. The notification is that of a gate change.
async fn renew(
    wrapper: Wrapper,
    lease: Lease,
    lifetime: Duration,
    mut held_since: Instant,
    mut notices: RunWatch,
    handle: StopHandle,
) {
    let third = lifetime / 3;
    let mut pause = third.saturating_sub(held_since.elapsed());
    loop {
        tokio::select! {
            () = sleep(pause) => {}
            () = notices.notified() => {}
        }
        let asked_at = Instant::now();
        let left = lifetime.saturating_sub(held_since.elapsed());
        match timeout(left.min(third), wrapper.renew_lease(&lease, lifetime)).await {
            Ok(Ok(true)) => {
                // Counted from before the request, because the database may have answered late.
                held_since = asked_at;
                handle.extend_deadline(held_since + lifetime);
                pause = third;
            }
            Ok(Ok(false)) => break,
            Ok(Err(error)) if !error.is_transient() => {
                tracing::warn!(%error, lease = lease.name(), "the lease could not be renewed");
                break;
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, lease = lease.name(), "the lease could not be renewed yet");
                pause = (third / 8).max(SHORTEST_PAUSE);
            }
            Err(_) => pause = SHORTEST_PAUSE,
        }
        if held_since.elapsed() >= lifetime {
            break;
        }
    }
    handle.stop(StopReason::LeaseLost);
}

/// Stops the call as soon as the run may not go on. A call that is being stopped already loses its grace where the
/// cause becomes urgent.
async fn stop_at_cause(
    mut watched: WatchedRun,
    handle: StopHandle,
    known: Arc<OnceLock<StopCause>>,
) {
    let cause = watched.stopped().await;
    let reason = reason_of(cause.word());
    let is_urgent = cause.is_urgent();
    let _ = known.set(cause);
    handle.stop(reason);
    if !is_urgent {
        watched.urgent().await;
    }
    handle.stop_now(reason);
}

/// The reason for a call's stop where the contract gives this cause.
pub(crate) fn reason_of(cause: &str) -> StopReason {
    match cause {
        "gate_closed" => StopReason::GateClosed,
        "window_ended" => StopReason::WindowEnded,
        "lease_lost" | "never_begun" => StopReason::LeaseLost,
        // Also what a newer contract may say.
        _ => StopReason::RunStopped,
    }
}

/// Looks a few times a second. A file system that does not answer keeps one blocking thread, and nothing else, waiting.
async fn watch_disk(folder: PathBuf, min_free_bytes: u64, handle: StopHandle) {
    loop {
        sleep(DISK_INTERVAL).await;
        let looked_at = folder.clone();
        let free = spawn_blocking(move || free_bytes(&looked_at)).await;
        if let Ok(Ok(free)) = free
            && free < min_free_bytes
        {
            tracing::warn!(free, min_free_bytes, folder = %folder.display(), "the disk is nearly full");
            handle.stop(StopReason::DiskFull);
            return;
        }
    }
}

async fn forward_interrupt(mut interrupt: Stop, handle: StopHandle) {
    handle.stop(interrupt.cancelled().await);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn disk_with_less_than_is_to_stay_free_stops_the_call() {
        let folder = tempfile::tempdir().unwrap();
        let (handle, stop) = StopHandle::new();
        watch_disk(folder.path().to_owned(), u64::MAX, handle).await;
        assert_eq!(stop.reason(), Some(StopReason::DiskFull));
    }
}
