//! The storage as a whole: what the rest of Tracewell talks to.

mod delete;
mod disk_watch;
mod duplicates;
mod durable_store;
mod flush;
mod health;
mod ingest;
mod lock;
mod open;
mod replay;
mod set_aside;
mod shared;
#[cfg(test)]
pub(crate) mod simulation;
mod stats;
mod tails;
#[cfg(test)]
mod tests;
mod visible;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::broadcast;
use tracewell_model::{Logs, Records, Signal, TenantId, UnixNanos};
use tracewell_otlp::ContentEncoding;

pub(crate) use lock::DirectoryLock;
pub(crate) use replay::decode as decode_entry;
pub(crate) use set_aside::files as set_aside_files;
pub use stats::{StorageStats, TableStats};

use crate::compaction;
use crate::deletion::{DeleteRequest, Deletion};
use crate::maintenance::check_segments;
use crate::world::timeout;
use crate::{Snapshot, StorageConfig, StorageError, StorageErrorKind, VerifyReport};
use flush::Flusher;
use ingest::Ingest;
use shared::Shared;

/// How long an append waits for room in the live tier before it is refused.
const ROOM_WAIT_MAX: Duration = Duration::from_secs(1);
/// How long closing may spend on writing the live tier into segments. What is left is replayed at the next start.
const CLOSING_FLUSH_MAX: Duration = Duration::from_secs(4);
/// A larger request cannot be framed in the journal.
const BODY_BYTES_MAX: usize = 1 << 30;

/// One validated request to be stored.
#[derive(Debug)]
pub struct Append {
    /// Whose it is.
    pub tenant: TenantId,
    /// When it was received.
    pub received_at: UnixNanos,
    /// How `body` is compressed.
    pub encoding: ContentEncoding,
    /// The OTLP request in protobuf, as received: what the journal keeps and decodes again after a restart.
    pub body: Bytes,
    /// What was decoded from `body`.
    pub records: Records,
    /// Tells the request apart from others of the same tenant and signal; the same for a resend.
    pub request_hash: u128,
}

/// What became of an append that is durable now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// Its records are stored and visible.
    Stored,
    /// The same request was stored within the last ten minutes; nothing was added.
    Duplicate,
}

/// The storage. Clones share it.
#[derive(Clone)]
pub struct Storage {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    ingest: Ingest,
    flusher: Flusher,
    compaction: compaction::Background,
}

impl Storage {
    /// Opens the storage in `config.data_dir`: loads the catalog, verifies that the segments are there and replays the
    /// journal. Ready when it returns. Memory stays within the budgets of `config`.
    pub async fn open(config: StorageConfig) -> Result<Storage, StorageError> {
        open::open(config).await.map(|inner| Storage { inner })
    }

    /// Makes a request durable and its records visible.
    ///
    /// On an error the records may be stored or not, but never a part of them; the same request sent again is stored
    /// once. [`StorageErrorKind::Unavailable`]: try again in a moment.
    pub async fn append(&self, append: Append) -> Result<Appended, StorageError> {
        if append.records.is_empty() {
            return Ok(Appended::Stored);
        }
        if append.body.len() > BODY_BYTES_MAX {
            let message = format!("a request of {} bytes is too large: send smaller batches", append.body.len());
            return Err(StorageError::new(StorageErrorKind::Invalid, message));
        }
        let shared = &self.inner.shared;
        if let Some(reason) = shared.health.refusal() {
            return Err(StorageError::new(StorageErrorKind::Unavailable, reason));
        }
        let table = shared.tables.get_or_make(&append.tenant, append.records.signal())?;
        self.wait_for_room().await?;
        self.inner.ingest.append(table, append).await
    }

    /// What the tenant has of the signal now.
    pub fn snapshot(&self, tenant: &TenantId, signal: Signal) -> Snapshot {
        match self.inner.shared.tables.get(tenant, signal) {
            Some(table) => table.snapshot(),
            None => Snapshot::new([], &[]),
        }
    }

    /// All tenants that have or had records, in order.
    pub fn tenants(&self) -> Vec<TenantId> {
        self.inner.shared.tables.tenants()
    }

    /// Writes everything that is in the live tier now into segments.
    pub async fn flush(&self) -> Result<(), StorageError> {
        self.inner.flusher.flush_all().await
    }

    /// Merges segments until nothing is left to do.
    pub async fn compact_now(&self) -> Result<(), StorageError> {
        self.inner.compaction.compact_now().await
    }

    /// Reads all visible segments from end to end and names what is damaged. Takes as long as reading everything does.
    pub async fn verify(&self) -> Result<VerifyReport, StorageError> {
        let views = self.inner.shared.tables.all().into_iter().map(|table| table.view());
        // Held until the end, so that none is deleted meanwhile.
        let segments: Vec<_> = views.flat_map(|view| view.segments.as_ref().clone()).collect();
        let mut report = VerifyReport::default();
        check_segments(&segments, &mut report).await?;
        Ok(report)
    }

    /// Deletes records. When this returns, no read shows them any more, also after a restart; they are removed from the
    /// segments and their indexes soon. Records that are stored later are not affected.
    pub async fn delete(&self, request: DeleteRequest) -> Result<Deletion, StorageError> {
        delete::delete(&self.inner, request).await
    }

    /// The deletions so far, the newest first; at most a thousand.
    pub async fn deletions(&self) -> Result<Vec<Deletion>, StorageError> {
        delete::deletions(&self.inner).await
    }

    /// The log records of the tenant that are stored from now on, in the order in which they become visible. A
    /// receiver that lags loses the oldest.
    pub fn tail_logs(&self, tenant: &TenantId) -> broadcast::Receiver<Arc<Logs>> {
        self.inner.shared.tails.subscribe(tenant)
    }

    /// Figures for people and metrics.
    pub fn stats(&self) -> StorageStats {
        stats::collect(&self.inner.shared, self.inner.compaction.compactor())
    }

    /// Refuses further appends, finishes those under way, writes what it can into segments, and stops the background
    /// work; some seconds at most. Snapshots stay readable.
    pub async fn close(&self) -> Result<(), StorageError> {
        let inner = &self.inner;
        inner.shared.health.close();
        inner.ingest.close().await;
        inner.compaction.stop().await;
        match timeout(inner.shared.world.as_ref(), CLOSING_FLUSH_MAX, self.flush()).await {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::warn!(%error, "not everything was flushed; the journal has it"),
            None => tracing::info!("not everything was flushed in time; the journal has it"),
        }
        inner.flusher.close().await;
        inner.shared.catalog.close().await;
        inner.shared.lock.release();
        Ok(())
    }

    async fn wait_for_room(&self) -> Result<(), StorageError> {
        let shared = &self.inner.shared;
        let live_max = shared.config.live_bytes_max as u64;
        let has_room = shared.budget.used() < live_max;
        let room = shared.budget.below(live_max);
        if !has_room && timeout(shared.world.as_ref(), ROOM_WAIT_MAX, room).await.is_none() {
            let message = format!(
                "the live tier holds {} bytes, at most {live_max} are allowed (setting live_bytes_max): \
                 flushing does not keep up",
                shared.budget.used()
            );
            return Err(StorageError::new(StorageErrorKind::Unavailable, message));
        }
        let (journal_bytes, journal_max) = (shared.files.bytes(), shared.config.journal_bytes_max);
        if journal_bytes >= journal_max {
            let message = format!(
                "the journal takes {journal_bytes} bytes, at most {journal_max} are allowed \
                 (setting journal_bytes_max): flushing does not keep up"
            );
            return Err(StorageError::new(StorageErrorKind::Unavailable, message));
        }
        Ok(())
    }
}
