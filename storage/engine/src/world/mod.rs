//! What the storage takes from outside besides disks: time, chance and threads. Injected, so that the whole engine can run
//! under a seed.

#[cfg_attr(not(test), expect(clippy::disallowed_methods, reason = "this is where the real threads are taken"))]
mod blocking;
#[cfg_attr(not(test), expect(clippy::disallowed_methods, reason = "this is the real world"))]
mod system;
mod timeout;

use std::io;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use tracewell_model::UnixNanos;
use ulid::Ulid;

pub(crate) use blocking::{blocking, wait};
pub(crate) use system::System;
pub(crate) use timeout::timeout;

/// Time, chance and threads.
pub(crate) trait World: Send + Sync + 'static {
    /// The time of day. It may jump, also backwards: nothing but labels and ages may depend on it.
    fn now(&self) -> UnixNanos;

    /// The time that only goes forward.
    fn instant(&self) -> Instant;

    /// Waits.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// An id that nobody else draws. Those drawn in different milliseconds sort by time.
    fn id(&self) -> Ulid;

    /// Runs `work` on a thread of its own, where it may block.
    fn thread(&self, name: &str, work: BoxFuture<'static, ()>) -> io::Result<()>;

    /// Threads for work that must not hold up others.
    fn pool(&self, name: &str, threads: usize) -> io::Result<Box<dyn Pool>>;
}

/// Threads for one kind of work. Dropping it gives the work up where it next waits.
pub(crate) trait Pool: Send + Sync {
    /// Begins `work`. Does nothing once the pool is closed.
    fn spawn(&self, work: BoxFuture<'static, ()>);

    /// Gives the work up where it next waits, and waits for that, but no longer than `wait_max`.
    fn close(&self, wait_max: Duration) -> BoxFuture<'_, ()>;
}
