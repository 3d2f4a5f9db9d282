//! Does the merges that are due, one at a time.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tracewell_model::Signal;
use ulid::Ulid;

use super::merge::{MergeError, Merger};
use super::plan::{MergeJob, Policy, Urgency, plan};
use super::{Outcome, Tables};
use crate::catalog::SegmentMeta;
use crate::retention::Graveyard;
use crate::segment::Segment;
use crate::world::World;
use crate::{StorageConfig, StorageError, StorageErrorKind};

/// How long a merge that is not urgent is put off when the live tier is nearly full. Then it goes on all the same:
/// many small segments make everything slower.
const PRESSURE_WAIT_MAX: Duration = Duration::from_secs(10);
const PRESSURE_WAIT_STEP: Duration = Duration::from_millis(100);

/// How long the segments of a merge that failed are left alone.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// What the compactor did since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompactionStats {
    /// Merges done.
    pub merges: u64,
    /// Segments that went into them.
    pub segments: u64,
    /// Rows that were rewritten.
    pub rows: u64,
    /// Bytes of the merged segments.
    pub bytes: u64,
    /// Merges that failed.
    pub failures: u64,
}

#[derive(Default)]
struct Counters {
    merges: AtomicU64,
    segments: AtomicU64,
    rows: AtomicU64,
    bytes: AtomicU64,
    failures: AtomicU64,
}

/// Merges segments of `tables`.
pub(crate) struct Compactor {
    tables: Arc<dyn Tables>,
    graveyard: Arc<Graveyard>,
    merger: Merger,
    world: Arc<dyn World>,
    traces: Policy,
    logs: Policy,
    /// Damaged segments: merged no more, so that they do not stop the others.
    quarantine: Mutex<BTreeSet<Ulid>>,
    /// Segments whose merge failed for another reason, and when to try again.
    postponed: Mutex<HashMap<Ulid, Instant>>,
    counters: Counters,
    stop: CancellationToken,
}

impl Compactor {
    /// A compactor that ends soon after `stop` is cancelled.
    pub(crate) fn new(
        tables: Arc<dyn Tables>,
        graveyard: Arc<Graveyard>,
        merger: Merger,
        world: Arc<dyn World>,
        config: &StorageConfig,
        stop: CancellationToken,
    ) -> Compactor {
        let policy = |age_max| Policy::new(config.segment_rows_max, age_max);
        Compactor {
            tables,
            graveyard,
            merger,
            world,
            traces: policy(config.retention.traces_age_max),
            logs: policy(config.retention.logs_age_max),
            quarantine: Mutex::default(),
            postponed: Mutex::default(),
            counters: Counters::default(),
            stop,
        }
    }

    /// Does the most urgent merge, if one is due. Returns whether it did, so that callers can look after other work
    /// in between.
    pub(crate) async fn step(&self, urgency: Urgency) -> Result<bool, StorageError> {
        if self.stop.is_cancelled() {
            return Err(closing());
        }
        if self.rewrite_step(urgency).await? {
            return Ok(true);
        }
        let segments = self.tables.segments();
        let Some(job) = self.next_job(&segments, urgency) else { return Ok(false) };
        let inputs: Vec<Arc<Segment>> = job
            .inputs
            .iter()
            .filter_map(|id| segments.iter().find(|segment| segment.meta().id == *id).cloned())
            .collect();
        drop(segments);
        if urgency == Urgency::WhenWorthIt {
            self.wait_for_ingestion().await;
        }
        match self.merge(&job, &inputs).await {
            Ok(()) => Ok(true),
            Err(error) => self.failed(&job, error, urgency).map(|()| true),
        }
    }

    /// Writes a segment again of which something is deleted, if there is one. Returns whether there was.
    pub(crate) async fn rewrite_step(&self, urgency: Urgency) -> Result<bool, StorageError> {
        if self.stop.is_cancelled() {
            return Err(closing());
        }
        let segments = self.tables.segments();
        let able = self.able(urgency);
        let next = segments.iter().find(|segment| able(&segment.meta().id) && !segment.tombstones().is_empty());
        let Some(segment) = next.cloned() else { return Ok(false) };
        drop(segments);
        let job = MergeJob::rewriting(segment.meta());
        match self.merge(&job, &[segment]).await {
            Ok(()) => Ok(true),
            Err(error) => self.failed(&job, error, urgency).map(|()| true),
        }
    }

    /// Merges until nothing is left to do.
    pub(crate) async fn run(&self, urgency: Urgency) -> Result<(), StorageError> {
        while self.step(urgency).await? {}
        Ok(())
    }

    /// What was done so far.
    pub(crate) fn stats(&self) -> CompactionStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CompactionStats {
            merges: read(&self.counters.merges),
            segments: read(&self.counters.segments),
            rows: read(&self.counters.rows),
            bytes: read(&self.counters.bytes),
            failures: read(&self.counters.failures),
        }
    }

    /// The segments that were found damaged.
    pub(crate) fn quarantined(&self) -> Vec<Ulid> {
        self.quarantine.lock().iter().copied().collect()
    }

    /// Which segments can be worked on.
    fn able(&self, urgency: Urgency) -> impl Fn(&Ulid) -> bool {
        let now = self.world.instant();
        let mut postponed = self.postponed.lock();
        postponed.retain(|_, until| *until > now && urgency == Urgency::WhenWorthIt);
        let (postponed, quarantine) = (postponed.clone(), self.quarantine.lock().clone());
        move |id| !quarantine.contains(id) && !postponed.contains_key(id)
    }

    fn next_job(&self, segments: &[Arc<Segment>], urgency: Urgency) -> Option<MergeJob> {
        let able = self.able(urgency);
        let policy = |signal| match signal {
            Signal::Traces => self.traces,
            Signal::Logs => self.logs,
        };
        let able = segments.iter().map(|segment| segment.meta()).filter(|meta| able(&meta.id));
        plan(able, policy, self.world.now(), urgency).into_iter().next()
    }

    async fn wait_for_ingestion(&self) {
        let until = self.world.instant() + PRESSURE_WAIT_MAX;
        while self.tables.is_under_pressure() && self.world.instant() < until && !self.stop.is_cancelled() {
            self.world.sleep(PRESSURE_WAIT_STEP).await;
        }
    }

    async fn merge(&self, job: &MergeJob, inputs: &[Arc<Segment>]) -> Result<(), MergeError> {
        let began = self.world.instant();
        let rewritten = self.merger.merge(job, inputs, &self.stop).await?;
        let written = match &rewritten.outcome {
            Outcome::Segment(segment) => Some(segment.meta().clone()),
            Outcome::Unchanged | Outcome::Nothing => None,
        };
        if self.stop.is_cancelled() {
            self.discard(job, written.as_ref()).await;
            return Err(closing().into());
        }
        self.watch(inputs);
        match self.tables.replace_rewritten(rewritten).await {
            Ok(true) => {}
            // More of them was deleted meanwhile: they are written again.
            Ok(false) => {
                self.discard(job, written.as_ref()).await;
                return Ok(());
            }
            Err(error) => {
                self.discard(job, written.as_ref()).await;
                return Err(error.into());
            }
        }
        let Some(written) = written else { return Ok(()) };
        let add = |counter: &AtomicU64, more: u64| counter.fetch_add(more, Ordering::Relaxed);
        add(&self.counters.merges, 1);
        add(&self.counters.segments, inputs.len() as u64);
        add(&self.counters.rows, written.rows);
        add(&self.counters.bytes, written.bytes);
        tracing::info!(
            tenant = %job.tenant,
            signal = %job.signal,
            segment = %written.id,
            level = job.level,
            inputs = inputs.len(),
            rows = written.rows,
            bytes = written.bytes,
            elapsed_ms = (self.world.instant() - began).as_millis() as u64,
            "segments merged"
        );
        Ok(())
    }

    /// To be told before segments are made invisible: their objects stay while anyone holds them.
    pub(crate) fn watch(&self, segments: &[Arc<Segment>]) {
        segments.iter().for_each(|segment| self.graveyard.watch(segment.meta().id, segment));
    }

    async fn discard(&self, job: &MergeJob, written: Option<&SegmentMeta>) {
        if let Some(written) = written {
            self.merger.discard(job, written.id).await;
        }
    }

    /// A damaged input is put aside for good. After any other error the job's segments are left alone for a while; who
    /// asked for merging now is told.
    fn failed(&self, job: &MergeJob, error: MergeError, urgency: Urgency) -> Result<(), StorageError> {
        if self.stop.is_cancelled() {
            return Err(closing());
        }
        self.counters.failures.fetch_add(1, Ordering::Relaxed);
        let MergeError { cause, culprit } = error;
        if let Some(id) = culprit.filter(|_| cause.kind() == StorageErrorKind::Corrupt) {
            tracing::error!(
                tenant = %job.tenant, signal = %job.signal, segment = %id, error = %cause,
                "segment is damaged and is not merged any more"
            );
            self.quarantine.lock().insert(id);
            return Ok(());
        }
        tracing::warn!(tenant = %job.tenant, signal = %job.signal, error = %cause, "segments cannot be merged now");
        let until = self.world.instant() + RETRY_AFTER;
        self.postponed.lock().extend(job.inputs.iter().map(|id| (*id, until)));
        match urgency {
            Urgency::WhenWorthIt => Ok(()),
            Urgency::Now => Err(cause),
        }
    }
}

/// The error of work that was given up because the storage closes.
pub(super) fn closing() -> StorageError {
    StorageError::new(StorageErrorKind::Unavailable, "the storage is closing")
}
