//! Flushing: moves the oldest part of a table from the live tier into a segment, and gives journal files back.
//!
//! Works in a pool of its own, so that encoding segments never holds up a thread that answers requests.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::FutureExt;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use super::set_aside;
use super::shared::Shared;
use crate::bugs::{Bug, planted};
use crate::catalog::{Change, REQUEST_HASH_AGE_MAX, SegmentMeta};
use crate::live::{Chunk, Table};
use crate::segment::{self, Segment, WriteOptions};
use crate::world::{Pool, blocking};
use crate::{StorageError, StorageErrorKind};

/// How often the flusher looks for tables that are due.
const TICK: Duration = Duration::from_millis(100);
/// How long it waits after a failure.
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// A flush takes at most this part of the live tier's budget.
const FLUSH_DIVISOR: usize = 4;
/// Working memory of a flush: the records in one piece, and the columns made of them.
const WORKING_FACTOR: u64 = 2;
/// After this many failures that are due to the records themselves, they are looked for.
const UNWRITABLE_TRIES: u32 = 3;
/// Small chunks are merged at most this often.
const COALESCE_INTERVAL: Duration = Duration::from_millis(50);
/// Threads for flushing and for merging chunks.
const WORKERS: usize = 2;
/// How long work under way may take to end when the storage closes.
const STOP_WAIT_MAX: Duration = Duration::from_secs(3);

/// The background work of the live tier.
pub(super) struct Flusher {
    shared: Arc<Shared>,
    pool: Box<dyn Pool>,
    stop: CancellationToken,
}

impl Flusher {
    /// Starts it. `inserted` is notified when tables got new chunks.
    pub(super) fn start(shared: Arc<Shared>, inserted: Arc<Notify>) -> Result<Flusher, StorageError> {
        let pool = shared.world.pool("flush", WORKERS).map_err(|error| {
            StorageError::new(StorageErrorKind::Internal, format!("cannot start the flusher: {error}"))
        })?;
        let flusher = Flusher { shared: Arc::clone(&shared), pool, stop: CancellationToken::new() };
        flusher.spawn(keep_flushing(Arc::clone(&shared)));
        flusher.spawn(keep_coalescing(shared, inserted));
        Ok(flusher)
    }

    /// Flushes everything that is in the live tier now.
    pub(super) async fn flush_all(&self) -> Result<(), StorageError> {
        let shared = Arc::clone(&self.shared);
        let (done, flushed) = oneshot::channel();
        // In the flusher's pool, so that it goes on to the end also when the caller goes away.
        self.pool.spawn(Box::pin(async move {
            let _ = done.send(flush_everything(shared).await);
        }));
        let closed = |_| Err(StorageError::new(StorageErrorKind::Unavailable, "the storage is closed"));
        flushed.await.unwrap_or_else(closed)
    }

    /// Spawns other background work of the engine beside it.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let work = self.stop.clone().run_until_cancelled_owned(work);
        self.pool.spawn(Box::pin(async move {
            work.await;
        }));
    }

    /// Ends it. A flush under way may end or not: both leave everything in order.
    pub(super) async fn close(&self) {
        self.stop.cancel();
        self.pool.close(STOP_WAIT_MAX).await;
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn keep_coalescing(shared: Arc<Shared>, inserted: Arc<Notify>) {
    loop {
        inserted.notified().await;
        shared.tables.all().iter().for_each(|table| table.coalesce());
        shared.world.sleep(COALESCE_INTERVAL).await;
    }
}

async fn keep_flushing(shared: Arc<Shared>) {
    loop {
        let due = due(&shared);
        let mut failure = None;
        for table in &due {
            failure = flush_table(&shared, table).await.err().or(failure);
        }
        let pause = if failure.is_some() { RETRY_AFTER } else { TICK };
        if !due.is_empty() {
            shared.health.set_flush(failure.map(|error| format!("records cannot be written to a segment: {error}")));
        }
        // Files may also have become free by a flush on demand, or by an earlier removal that failed.
        shared.release_journal();
        shared.world.sleep(pause).await;
    }
}

/// The tables to flush now, the largest first.
fn due(shared: &Shared) -> Vec<Arc<Table>> {
    let config = &shared.config;
    let now = shared.world.instant();
    let mut tables = shared.tables.all();
    tables.sort_by_key(|table| std::cmp::Reverse(table.live_bytes()));
    let is_short_of_memory = shared.budget.used() > config.live_bytes_max as u64 / 2;
    let is_short_of_journal = shared.files.bytes() > config.journal_bytes_max / 2;
    let oldest = tables.iter().filter_map(|table| table.first_unflushed()).min();
    let is_due = |place: usize, table: &Table| {
        let Some(age) = table.live_age(now) else { return false };
        age >= config.flush_interval
            || table.live_bytes() >= config.flush_bytes as u64
            || (is_short_of_memory && place == 0)
            || (is_short_of_journal && table.first_unflushed() == oldest)
    };
    let due = tables.iter().enumerate().filter(|(place, table)| is_due(*place, table));
    due.map(|(_, table)| Arc::clone(table)).collect()
}

async fn flush_everything(shared: Arc<Shared>) -> Result<(), StorageError> {
    for table in shared.tables.all() {
        let Some(last) = table.view().chunks().last().map(|chunk| chunk.last_sequence) else { continue };
        while table.first_unflushed().is_some_and(|first| first <= last) {
            flush_table(&shared, &table).await?;
        }
    }
    shared.release_journal();
    Ok(())
}

/// Why a flush failed.
enum FlushError {
    /// No segment can be made of these records: it will fail again.
    Unwritable(StorageError),
    /// Something else failed, such as the disk.
    Failed(StorageError),
}

/// Flushes the oldest part of a table.
async fn flush_table(shared: &Arc<Shared>, table: &Arc<Table>) -> Result<(), StorageError> {
    let _turn = table.flush_turn.lock().await;
    let is_suspect = table.unwritable.load(Ordering::Relaxed) >= UNWRITABLE_TRIES;
    // Once it is certain that something cannot be written, chunk by chunk: to find it, and to write the others.
    let bytes_max = shared.config.flush_bytes.min(shared.config.live_bytes_max / FLUSH_DIVISOR);
    let chunks = table.begin_flush(if is_suspect { 0 } else { bytes_max });
    if chunks.is_empty() {
        return Ok(());
    }
    let bytes: u64 = chunks.iter().map(|chunk| chunk.bytes() as u64).sum();
    let working_memory = shared.budget.reserve(bytes * WORKING_FACTOR);
    match write_segment(shared, table, &chunks).await {
        Ok(segment) => {
            table.finish_flush(Some(segment));
            if !is_suspect {
                table.unwritable.store(0, Ordering::Relaxed);
            }
        }
        Err(FlushError::Unwritable(error)) if is_suspect => {
            tracing::error!(%error, "records cannot be written to a segment and are set aside");
            if let Err(error) = set_aside(shared, table, &chunks).await {
                table.abandon_flush();
                return Err(error);
            }
            table.finish_flush(None);
            table.unwritable.store(0, Ordering::Relaxed);
        }
        Err(error) => {
            table.abandon_flush();
            if planted(Bug::LeakedBudget) {
                std::mem::forget(working_memory);
            }
            let (FlushError::Unwritable(cause) | FlushError::Failed(cause)) = &error;
            let cause = cause.clone();
            if matches!(error, FlushError::Unwritable(_)) {
                table.unwritable.fetch_add(1, Ordering::Relaxed);
            }
            return Err(cause);
        }
    }
    shared.release_journal();
    Ok(())
}

async fn write_segment(
    shared: &Arc<Shared>,
    table: &Arc<Table>,
    chunks: &[Arc<Chunk>],
) -> Result<Arc<Segment>, FlushError> {
    let began = shared.world.instant();
    if planted(Bug::WatermarkBeforeSegment) {
        let early = change(shared, table, chunks, None);
        shared.commit(&early).await.map_err(FlushError::Failed)?;
    }
    let writing = write_objects(Arc::clone(shared), Arc::clone(table), chunks.to_vec());
    // A panic is an error of this flush.
    let meta = match AssertUnwindSafe(writing).catch_unwind().await {
        Ok(Ok(meta)) => meta,
        Ok(Err(error)) if error.kind() == StorageErrorKind::Internal => return Err(FlushError::Unwritable(error)),
        Ok(Err(error)) => return Err(FlushError::Failed(error)),
        Err(_) => {
            let error = StorageError::new(StorageErrorKind::Internal, "writing a segment panicked");
            return Err(FlushError::Unwritable(error));
        }
    };
    let segment = Segment::open(&shared.store, meta.clone());
    if let Err(error) = shared.commit(&change(shared, table, chunks, Some(meta.clone()))).await {
        delete_objects(shared, &meta).await;
        return Err(FlushError::Failed(error));
    }
    tracing::debug!(
        tenant = %meta.tenant,
        signal = %meta.signal,
        segment = %meta.id,
        rows = meta.rows,
        bytes = meta.bytes,
        elapsed_ms = (shared.world.instant() - began).as_millis() as u64,
        "flushed"
    );
    Ok(segment)
}

async fn write_objects(
    shared: Arc<Shared>,
    table: Arc<Table>,
    chunks: Vec<Arc<Chunk>>,
) -> Result<SegmentMeta, StorageError> {
    #[cfg(test)]
    assert!(!shared.unwritable.lock().contains(table.tenant()), "injected fault");
    let left_out = usize::from(planted(Bug::LostTailOfFlush) && chunks.len() > 1);
    let chunks = &chunks[..chunks.len() - left_out];
    let parts = chunks.iter().map(|chunk| Arc::clone(chunk.records())).collect();
    // A clock that was set back does not make records older than they are: what is fresh is not to expire.
    let received_at = chunks.iter().flat_map(|chunk| chunk.requests()).map(|request| request.received_at).max();
    let created_at = shared.world.now().max(received_at.unwrap_or_default());
    let options = WriteOptions { level: 0, full_text_index: false, created_at };
    segment::write(&shared.store, shared.world.id(), table.tenant(), parts, options).await
}

/// Writes records to files for people to send again, and lets the journal forget them.
async fn set_aside(shared: &Arc<Shared>, table: &Arc<Table>, chunks: &[Arc<Chunk>]) -> Result<(), StorageError> {
    for chunk in chunks {
        let (writer, from, chunk) = (Arc::clone(shared), Arc::clone(table), Arc::clone(chunk));
        let rows = chunk.records().len();
        let path = blocking(move || set_aside::set_aside(&writer, &from, &chunk)).await?;
        let what = format!(
            "{rows} records of {} of tenant {} cannot be stored and were set aside in {}: \
             send that file again with a later version",
            table.signal(),
            table.tenant(),
            path.display()
        );
        tracing::error!("{what}");
        shared.health.add_damaged(what);
    }
    shared.commit(&change(shared, table, chunks, None)).await
}

fn change(shared: &Shared, table: &Table, chunks: &[Arc<Chunk>], add: Option<SegmentMeta>) -> Change {
    let at = shared.world.now();
    let remembered_since = at.saturating_sub(REQUEST_HASH_AGE_MAX.as_nanos() as u64);
    let (tenant, signal) = (table.tenant(), table.signal());
    let flushed_through = chunks.last().map_or(0, |chunk| chunk.last_sequence);
    let requests = chunks.iter().flat_map(|chunk| chunk.requests());
    Change {
        add: add.into_iter().collect(),
        watermarks: vec![(tenant.clone(), signal, flushed_through)],
        request_hashes: requests
            .filter(|request| request.received_at >= remembered_since && !planted(Bug::ForgottenHashes))
            .map(|request| (tenant.clone(), signal, request.hash, request.received_at))
            .collect(),
        at,
        ..Change::default()
    }
}

/// Deletes the objects of a segment that did not become visible. Best effort: what is left is found at the next start.
async fn delete_objects(shared: &Shared, meta: &SegmentMeta) {
    for object in &meta.objects {
        let _ = shared.store.delete(&Path::from(object.path.as_str())).await;
    }
}
