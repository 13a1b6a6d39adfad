//! Supervisors that stand still.

use std::{future::pending, time::Duration};

use tokio::time::{Instant, sleep, sleep_until};

use crate::supervisor::is_stopped;

/// A supervisor that has something to do and is halted at so many looks in a row does not do it: its tool halts it. One
/// that is merely slow is never halted, and one that a debugger halts for a moment is not at each look.
const POLLS: usize = 3;
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Waits until the supervisor is found halted though it has to end its tool; for ever, where it never has to.
pub(super) async fn stopped_past_deadline(supervisor: Option<u32>, due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
    until_stopped(supervisor).await;
}

/// Waits until the supervisor is found halted.
pub(super) async fn until_stopped(supervisor: Option<u32>) {
    let Some(supervisor) = supervisor else {
        return pending().await;
    };
    let mut looks = 0;
    while looks < POLLS {
        sleep(POLL_INTERVAL).await;
        looks = if is_stopped(supervisor) { looks + 1 } else { 0 };
    }
}
