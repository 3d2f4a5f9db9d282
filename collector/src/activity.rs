//! What happens on a connection, so that one on which nothing happens can be closed.
//!
//! hyper has one timeout for the headers of HTTP/1 which also ends connections kept alive between requests, and none
//! for idle connections of HTTP/2; so both are watched here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// What happened on one connection. Times are in milliseconds since it was opened.
#[derive(Debug)]
pub(crate) struct Activity {
    opened: Instant,
    last_at: AtomicU64,
    /// When the first byte of a request arrived whose headers are not complete; 0: no such request.
    headers_since: AtomicU64,
    requests: AtomicUsize,
}

/// What to do about a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Look again at this time.
    Fine(Instant),
    /// Nothing has happened for too long.
    Idle,
    /// A request has begun, but its headers do not come.
    HeadersTooSlow,
}

/// A request in progress.
#[derive(Debug)]
pub(crate) struct RequestInProgress(Arc<Activity>);

impl Activity {
    pub(crate) fn new() -> Arc<Activity> {
        Arc::new(Activity {
            opened: Instant::now(),
            last_at: AtomicU64::new(0),
            headers_since: AtomicU64::new(0),
            requests: AtomicUsize::new(0),
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
    }

    /// Bytes arrived.
    pub(crate) fn read(&self) {
        let now = self.now();
        self.last_at.store(now, Ordering::Relaxed);
        if self.requests.load(Ordering::Relaxed) == 0 {
            let _ = self.headers_since.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Bytes left.
    pub(crate) fn wrote(&self) {
        self.last_at.store(self.now(), Ordering::Relaxed);
    }

    /// The headers of a request are complete.
    pub(crate) fn begin_request(self: &Arc<Self>) -> RequestInProgress {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.headers_since.store(0, Ordering::Relaxed);
        RequestInProgress(Arc::clone(self))
    }

    /// What to do now. Without `header_timeout`, headers are not watched.
    pub(crate) fn verdict(&self, header_timeout: Option<Duration>, idle_timeout: Duration) -> Verdict {
        let now = Instant::now();
        let mut next = now + idle_timeout;
        if self.requests.load(Ordering::Relaxed) > 0 {
            return Verdict::Fine(next);
        }
        let idle_at = self.opened + Duration::from_millis(self.last_at.load(Ordering::Relaxed)) + idle_timeout;
        if now >= idle_at {
            return Verdict::Idle;
        }
        next = next.min(idle_at);
        if let Some(timeout) = header_timeout {
            let since = self.headers_since.load(Ordering::Relaxed);
            let late_at = self.opened + Duration::from_millis(since) + timeout;
            if since > 0 && now >= late_at {
                return Verdict::HeadersTooSlow;
            }
            next = next.min(if since > 0 { late_at } else { now + timeout });
        }
        Verdict::Fine(next)
    }
}

impl Drop for RequestInProgress {
    fn drop(&mut self) {
        self.0.wrote();
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADERS: Option<Duration> = Some(Duration::from_secs(10));
    const IDLE: Duration = Duration::from_secs(120);

    #[tokio::test(start_paused = true)]
    async fn idle_connections_end_and_busy_ones_do_not() {
        let activity = Activity::new();
        activity.read();
        let request = activity.begin_request();
        tokio::time::advance(Duration::from_secs(300)).await;
        assert!(matches!(activity.verdict(HEADERS, IDLE), Verdict::Fine(_)));
        drop(request);
        tokio::time::advance(Duration::from_secs(119)).await;
        assert!(matches!(activity.verdict(HEADERS, IDLE), Verdict::Fine(_)));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(activity.verdict(HEADERS, IDLE), Verdict::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn headers_that_trickle_in_end_a_connection() {
        let activity = Activity::new();
        for _ in 0..10 {
            activity.read();
            assert!(matches!(activity.verdict(HEADERS, IDLE), Verdict::Fine(_)));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(activity.verdict(HEADERS, IDLE), Verdict::HeadersTooSlow);
        assert!(matches!(activity.verdict(None, IDLE), Verdict::Fine(_)));
    }
}
