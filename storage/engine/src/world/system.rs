//! The real world: the system's clocks, its randomness, its threads.

use std::io;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::runtime::Runtime;
use tracewell_model::UnixNanos;
use ulid::Ulid;

use super::{Pool, World};

/// The real world.
pub(crate) struct System;

impl World for System {
    fn now(&self) -> UnixNanos {
        UnixNanos::now()
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }

    fn id(&self) -> Ulid {
        Ulid::new()
    }

    fn thread(&self, name: &str, work: BoxFuture<'static, ()>) -> io::Result<()> {
        let thread = std::thread::Builder::new().name(name.to_owned());
        thread.spawn(move || futures::executor::block_on(work)).map(drop)
    }

    fn pool(&self, name: &str, threads: usize) -> io::Result<Box<dyn Pool>> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(threads).thread_name(name).enable_all().build()?;
        Ok(Box::new(SystemPool(Mutex::new(Some(runtime)))))
    }
}

/// A runtime of its own; none once it is closed.
struct SystemPool(Mutex<Option<Runtime>>);

impl Pool for SystemPool {
    fn spawn(&self, work: BoxFuture<'static, ()>) {
        if let Some(runtime) = self.0.lock().as_ref() {
            runtime.spawn(work);
        }
    }

    fn close(&self, wait_max: Duration) -> BoxFuture<'_, ()> {
        let runtime = self.0.lock().take();
        async move {
            if let Some(runtime) = runtime {
                // It fails only when the caller's runtime ends, too.
                let _ = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(wait_max)).await;
            }
        }
        .boxed()
    }
}

impl Drop for SystemPool {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.lock().take() {
            runtime.shutdown_background();
        }
    }
}
