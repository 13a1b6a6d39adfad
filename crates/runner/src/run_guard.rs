//! While a run has calls in flight: its lease is renewed, the gates are watched, and Ctrl-C is heard. Any of them stops the
//! call.

use std::time::Duration;

use dotwrap_invoke::{Mode, Stop, StopHandle, StopReason};
use dotwrap_wrapper::{Lease, Posture, PostureWatch, Wrapper};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use crate::transient::is_transient;

/// The shortest pause between two tries to renew while the database is away.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);

/// Watches over one run until it is dropped.
#[derive(Debug)]
pub(crate) struct RunGuard {
    stop: Stop,
    watching: JoinHandle<()>,
}

impl RunGuard {
    /// Begins to watch. The lease was taken or renewed at `held_since`, for `lifetime`.
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
        // Before anything is called: an order that came while the run was being begun would else be heard too late.
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
        let hearing = forward_interrupt(interrupt, handle);
        // One task for all three. None ends another: a call that is being stopped keeps its lease.
        let watching = tokio::spawn(async {
            tokio::join!(renewing, watching_gates, hearing);
        });
        Self { stop, watching }
    }

    /// What a call listens to.
    pub(crate) fn stop(&self) -> Stop {
        self.stop.clone()
    }
}

impl Drop for RunGuard {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

/// Renews at a third of the lease's life, apart from the call's own deadline: a tool that takes its time keeps its lease,
/// and a lost lease stops a tool that has time left. One that an operator took away is looked at at once, as
/// its next holder may call the same tool; the notification of it is that of a changed gate, which makes it look as well.
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
                // Counted from before the question: the database may have answered late.
                held_since = asked_at;
                handle.extend_deadline(held_since + lifetime);
                pause = third;
            }
            Ok(Ok(false)) => break,
            Ok(Err(error)) if !is_transient(&error) => {
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

async fn forward_interrupt(mut interrupt: Stop, handle: StopHandle) {
    handle.stop(interrupt.cancelled().await);
}
