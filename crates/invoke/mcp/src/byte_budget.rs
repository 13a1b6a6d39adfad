//! How much a server may still send.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::Notify;

/// Everything that a server sends during one call is taken from this. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ByteBudget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limit: u64,
    used: AtomicU64,
    exceeded: Notify,
}

impl ByteBudget {
    pub(crate) fn of(limit: u64) -> Self {
        Self(Arc::new(Inner {
            limit,
            used: AtomicU64::new(0),
            exceeded: Notify::new(),
        }))
    }

    /// Counts what came. Whether it was still allowed.
    pub(crate) fn take(&self, bytes: usize) -> bool {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let before = self.0.used.fetch_add(bytes, Ordering::Relaxed);
        let is_allowed = before.saturating_add(bytes) <= self.0.limit;
        if !is_allowed {
            // One permit is kept for a later waiter.
            self.0.exceeded.notify_one();
        }
        is_allowed
    }

    /// More came than was counted.
    pub(crate) fn exceed(&self) {
        self.0
            .used
            .store(self.0.limit.saturating_add(1), Ordering::Relaxed);
        self.0.exceeded.notify_one();
    }

    /// For a message that is refused by its length, before it is counted.
    pub(crate) fn limit(&self) -> u64 {
        self.0.limit
    }

    pub(crate) fn is_exceeded(&self) -> bool {
        self.0.used.load(Ordering::Relaxed) > self.0.limit
    }

    /// Waits until more came than is allowed.
    pub(crate) async fn exceeded(&self) {
        while !self.is_exceeded() {
            self.0.exceeded.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_byte_is_allowed_and_no_more() {
        let allowance = ByteBudget::of(10);
        assert!(allowance.take(4) && allowance.take(6));
        assert!(!allowance.is_exceeded());
        assert!(!allowance.take(1));
        allowance.exceeded().await;
    }
}
