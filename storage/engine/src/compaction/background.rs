//! The thread of the background work: merging, expiry, and deleting what is gone.
//!
//! It has a pool of its own, so that decoding and encoding segments never holds up a thread that answers requests.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::Tables;
use super::compactor::{Compactor, closing};
use super::plan::Urgency;
use crate::retention::{Graveyard, expire};
use crate::world::{Pool, World, timeout};
use crate::{Retention, StorageError, StorageErrorKind};

/// How often expired and dead segments are looked for.
const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(10);

/// How long a step may go on after the stop before its thread is left behind: what it does then is harmless.
const STOP_WAIT_MAX: Duration = Duration::from_secs(4);

/// Requests to merge at once that may wait.
const REQUESTS_MAX: usize = 16;

type Reply = oneshot::Sender<Result<(), StorageError>>;

/// What the thread can be asked for.
enum Request {
    /// To merge until nothing is left to do.
    Compact(Reply),
    /// To write segments again of which something was deleted.
    Rewrite,
}

/// Everything that the background work needs.
pub(crate) struct BackgroundWork {
    pub tables: Arc<dyn Tables>,
    pub compactor: Arc<Compactor>,
    pub graveyard: Arc<Graveyard>,
    pub retention: Retention,
    pub world: Arc<dyn World>,
    /// How often to look for merges. Zero: only on demand.
    pub compaction_interval: Duration,
    pub stop: CancellationToken,
}

/// The running thread. Dropping it ends the work, too, but does not wait.
pub(crate) struct Background {
    compactor: Arc<Compactor>,
    requests: mpsc::Sender<Request>,
    world: Arc<dyn World>,
    pool: Box<dyn Pool>,
    stop: CancellationToken,
    ended: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Background {
    /// Starts the thread.
    pub(crate) fn spawn(work: BackgroundWork) -> Result<Background, StorageError> {
        let (requests, receiver) = mpsc::channel(REQUESTS_MAX);
        let (compactor, stop, world) = (Arc::clone(&work.compactor), work.stop.clone(), Arc::clone(&work.world));
        let failed = |error: std::io::Error| {
            StorageError::new(StorageErrorKind::Internal, format!("cannot start the compaction thread: {error}"))
        };
        let pool = world.pool("compaction", 1).map_err(failed)?;
        let (end, ended) = oneshot::channel();
        pool.spawn(Box::pin(async move {
            work.run(receiver).await;
            // Nobody minds when who waited has gone.
            let _ = end.send(());
        }));
        Ok(Background { compactor, requests, world, pool, stop, ended: Mutex::new(Some(ended)) })
    }

    /// What does the merges, for its figures.
    pub(crate) fn compactor(&self) -> &Compactor {
        &self.compactor
    }

    /// Merges until nothing is left to do.
    pub(crate) async fn compact_now(&self) -> Result<(), StorageError> {
        let (reply, done) = oneshot::channel();
        self.requests.send(Request::Compact(reply)).await.map_err(|_| closing())?;
        done.await.map_err(|_| closing())?
    }

    /// Soon writes segments again of which something was deleted.
    pub(crate) fn rewrite_soon(&self) {
        // When many requests wait, one of them does it.
        let _ = self.requests.try_send(Request::Rewrite);
    }

    /// Ends the work under way at its next step and waits for that, for a few seconds at most.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        let ended = self.ended.lock().take();
        if let Some(ended) = ended {
            match timeout(self.world.as_ref(), STOP_WAIT_MAX, ended).await {
                Some(Ok(())) => {}
                Some(Err(_)) => tracing::error!("compaction panicked"),
                None => tracing::warn!("compaction did not end in time and is left behind"),
            }
            self.pool.close(STOP_WAIT_MAX).await;
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl BackgroundWork {
    async fn run(self, mut requests: mpsc::Receiver<Request>) {
        let mut next_compaction = self.world.instant() + self.compaction_interval;
        let mut next_housekeeping = self.world.instant();
        while !self.stop.is_cancelled() {
            let compaction = (!self.compaction_interval.is_zero()).then_some(next_compaction);
            let next = compaction.map_or(next_housekeeping, |compaction| compaction.min(next_housekeeping));
            // In this order, so that a run under a seed can be repeated. None starves: the time comes in between.
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                Some(request) = requests.recv() => match request {
                    Request::Compact(reply) => {
                        // Nobody minds when who asked has gone.
                        let _ = reply.send(self.compactor.run(Urgency::Now).await);
                    }
                    Request::Rewrite => self.rewrite().await,
                },
                () = self.world.sleep(next.saturating_duration_since(self.world.instant())) => {
                    if next == next_housekeeping {
                        self.keep_house().await;
                        next_housekeeping = self.world.instant() + HOUSEKEEPING_INTERVAL;
                    } else if !self.merge_one().await {
                        next_compaction = self.world.instant() + self.compaction_interval;
                    }
                }
            }
        }
    }

    /// Does a merge; whether there may be more to do. After each the other work has its turn.
    async fn merge_one(&self) -> bool {
        match self.compactor.step(Urgency::WhenWorthIt).await {
            Ok(merged) => merged,
            Err(error) => {
                tracing::warn!(%error, "compaction failed and is tried again later");
                false
            }
        }
    }

    async fn rewrite(&self) {
        loop {
            match self.compactor.rewrite_step(Urgency::WhenWorthIt).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(%error, "deleted rows cannot be removed yet");
                    return;
                }
            }
        }
    }

    async fn keep_house(&self) {
        let now = self.world.now();
        if let Err(error) = expire(self.tables.as_ref(), &self.graveyard, &self.retention, now).await {
            tracing::warn!(%error, "expired segments cannot be removed yet");
        }
        if let Err(error) = self.graveyard.clear(now).await {
            tracing::warn!(%error, "dead segments cannot be deleted yet");
        }
    }
}
