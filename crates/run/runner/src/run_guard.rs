//! While a run has calls in flight, renews its lease, watches the gates and forwards Ctrl-C. A lost lease, a closed
//! gate, Ctrl-C and a disk that is nearly full each stop the call.

use std::path::{Path, PathBuf};
use std::time::Duration;

use dotwrap_invoke::{Mode, Stop, StopHandle, StopReason, free_bytes};
use dotwrap_wrapper::{Lease, Posture, PostureWatch, Wrapper};
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
        mode: Mode,
        posture: PostureWatch,
        interrupt: Stop,
    ) -> Self {
        let (handle, stop) = StopHandle::new();
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
            posture.subscribe(),
            handle.clone(),
        );
        let watching_gates = watch_gates(posture, mode, handle.clone());
        let hearing = forward_interrupt(interrupt, handle.clone());
        // One task for all three. None ends another: a call that is being stopped keeps its lease.
        let watching = tokio::spawn(async {
            tokio::join!(renewing, watching_gates, hearing);
        });
        Self {
            stop,
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
    mut notices: PostureWatch,
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

async fn watch_gates(mut posture: PostureWatch, mode: Mode, handle: StopHandle) {
    let needed = match mode {
        Mode::DryRun => Posture::DryRunOnly,
        Mode::RealRun => Posture::RealRun,
    };
    let _ = posture.until(|posture| posture < needed).await;
    handle.stop(StopReason::GateClosed);
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
