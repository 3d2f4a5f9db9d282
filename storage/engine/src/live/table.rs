//! A table: one tenant's records of one signal, in the live tier and in segments, as one consistent view.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tracewell_model::{Signal, TenantId};
use ulid::Ulid;

use super::budget::LiveBudget;
use super::chunk::Chunk;
use super::coalesce;
use crate::Snapshot;
use crate::segment::Segment;

/// What a table consists of at one moment. Every record is in exactly one part.
#[derive(Clone, Default)]
pub(crate) struct View {
    /// Chunks in the order of their sequence numbers.
    pub live: Vec<Arc<Chunk>>,
    /// Chunks that are being written to a segment. They precede all of `live`.
    pub flushing: Vec<Arc<Chunk>>,
    /// Visible segments.
    pub segments: Arc<Vec<Arc<Segment>>>,
}

impl View {
    /// All chunks in the order of their sequence numbers.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = &Arc<Chunk>> {
        self.flushing.iter().chain(&self.live)
    }

    fn bytes(&self) -> usize {
        self.chunks().map(|chunk| chunk.bytes()).sum()
    }
}

/// A table. Readers take its view without waiting; changes are made one at a time.
pub(crate) struct Table {
    tenant: TenantId,
    signal: Signal,
    view: ArcSwap<View>,
    changing: Mutex<()>,
    /// Held by the one flush that may be under way.
    pub(crate) flush_turn: tokio::sync::Mutex<()>,
    /// How many flushes in a row failed because of the records themselves.
    pub(crate) unwritable: AtomicU32,
    budget: Arc<LiveBudget>,
    bytes: AtomicU64,
}

impl Table {
    pub(crate) fn new(tenant: TenantId, signal: Signal, budget: Arc<LiveBudget>) -> Table {
        Table {
            tenant,
            signal,
            view: ArcSwap::default(),
            changing: Mutex::new(()),
            flush_turn: tokio::sync::Mutex::new(()),
            unwritable: AtomicU32::new(0),
            budget,
            bytes: AtomicU64::new(0),
        }
    }

    pub(crate) fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    pub(crate) fn signal(&self) -> Signal {
        self.signal
    }

    /// Whether records of this tenant and signal belong here.
    pub(crate) fn holds(&self, tenant: &TenantId, signal: Signal) -> bool {
        self.signal == signal && self.tenant == *tenant
    }

    /// What it consists of now.
    pub(crate) fn view(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// What it shows now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let view = self.view();
        Snapshot::new(view.chunks().cloned(), &view.segments)
    }

    /// Heap bytes of its live tier.
    pub(crate) fn live_bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// How long ago its oldest unflushed record came.
    pub(crate) fn live_age(&self, now: Instant) -> Option<Duration> {
        self.view.load().chunks().next().map(|chunk| now.saturating_duration_since(chunk.since))
    }

    /// The sequence number of its oldest request that is in no segment.
    pub(crate) fn first_unflushed(&self) -> Option<u64> {
        self.view.load().chunks().next().map(|chunk| chunk.first_sequence)
    }

    /// Adds chunks, whose sequence numbers follow those that are there.
    pub(crate) fn append(&self, chunks: Vec<Arc<Chunk>>) {
        self.change(|view| view.live.extend(chunks));
    }

    /// Merges small chunks, so that their number stays small. Only for one caller at a time.
    pub(crate) fn coalesce(&self) {
        while let Some(run) = coalesce::next_run(&self.view.load().live) {
            let Some(merged) = Chunk::merged(&run).map(Arc::new) else { return };
            let replaced = self.change(|view| coalesce::replace_run(&mut view.live, &run, merged));
            if !replaced {
                // A flush took them.
                return;
            }
        }
    }

    /// Takes the oldest chunks, up to about `bytes_max`, for a flush: they stay visible until
    /// [`Table::finish_flush`]. Only while holding [`Table::flush_turn`].
    pub(crate) fn begin_flush(&self, bytes_max: usize) -> Vec<Arc<Chunk>> {
        self.change(|view| {
            let mut bytes = 0;
            let after = view.live.iter().position(|chunk| {
                let is_full = bytes > 0 && bytes + chunk.bytes() > bytes_max;
                bytes += chunk.bytes();
                is_full
            });
            let rest = view.live.split_off(after.unwrap_or(view.live.len()));
            view.flushing.append(&mut view.live);
            view.live = rest;
            view.flushing.clone()
        })
    }

    /// Replaces what is being flushed by its segment, if there is one. The catalog has the change by now.
    pub(crate) fn finish_flush(&self, segment: Option<Arc<Segment>>) {
        self.change(|view| {
            view.flushing.clear();
            Arc::make_mut(&mut view.segments).extend(segment);
        });
    }

    /// Gives up a flush: its chunks are live as before.
    pub(crate) fn abandon_flush(&self) {
        self.change(|view| {
            let later = std::mem::take(&mut view.live);
            view.live = std::mem::take(&mut view.flushing);
            view.live.extend(later);
        });
    }

    /// Replaces segments by others that hold the same records, or by none when those expired. The catalog has the change by
    /// now.
    pub(crate) fn replace(&self, remove: &[Ulid], add: Vec<Arc<Segment>>) {
        let removed: HashSet<Ulid> = remove.iter().copied().collect();
        self.change(|view| {
            let segments = Arc::make_mut(&mut view.segments);
            segments.retain(|segment| !removed.contains(&segment.meta().id));
            segments.extend(add);
        });
    }

    fn change<T>(&self, change: impl FnOnce(&mut View) -> T) -> T {
        let _turn = self.changing.lock();
        let mut view = View::clone(&self.view.load());
        let result = change(&mut view);
        let bytes = view.bytes() as u64;
        self.view.store(Arc::new(view));
        let before = self.bytes.swap(bytes, Ordering::Relaxed);
        self.budget.adjust(before, bytes);
        result
    }
}
