//! The time of day, injected.

use tracewell_model::UnixNanos;

/// Tells the time of day. It may jump, also backwards: nothing but labels and ages may depend on it.
pub(crate) trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> UnixNanos;
}

/// The system's clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixNanos {
        UnixNanos::now()
    }
}
