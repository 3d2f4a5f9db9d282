//! How much memory the live tier takes with the flushes of it, and whether there is room for more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Counts the heap bytes of all tables and of the work on them.
#[derive(Default)]
pub(crate) struct LiveBudget {
    used: AtomicU64,
    released: Notify,
}

impl LiveBudget {
    /// Heap bytes of all chunks, and what is reserved.
    pub(crate) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// A table that took `before` bytes now takes `after`.
    pub(crate) fn adjust(&self, before: u64, after: u64) {
        if after >= before {
            self.used.fetch_add(after - before, Ordering::Relaxed);
        } else {
            self.used.fetch_sub(before - after, Ordering::Relaxed);
            self.released.notify_waiters();
        }
    }

    /// Counts `bytes` of working memory as long as the answer is held.
    pub(crate) fn reserve(self: &Arc<Self>, bytes: u64) -> Reserved {
        self.adjust(0, bytes);
        Reserved { budget: Arc::clone(self), bytes }
    }

    /// Waits until less than `max` bytes are used.
    pub(crate) async fn below(&self, max: u64) {
        loop {
            let released = self.released.notified();
            tokio::pin!(released);
            released.as_mut().enable();
            if self.used() < max {
                return;
            }
            released.await;
        }
    }
}

/// Working memory that counts.
pub(crate) struct Reserved {
    budget: Arc<LiveBudget>,
    bytes: u64,
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.budget.adjust(self.bytes, 0);
    }
}
