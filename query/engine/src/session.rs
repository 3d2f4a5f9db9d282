//! The running of one question: its view of the data, its plans, its bounds and its statistics.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow::array::RecordBatch;
use datafusion::dataframe::DataFrame;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SendableRecordBatchStream, SessionState, SessionStateBuilder};
use datafusion::prelude::SessionContext;
use tokio::time::Instant;
use tracewell_model::{Signal, TenantId, TimeRange};
use tracewell_storage::{Column, Predicate, Snapshot, Source, Storage};

use crate::table::SnapshotTable;
use crate::{QueryError, QueryErrorKind, Statistics};

/// How often an answer is looked for again because some of its records turned out to be damaged.
pub(crate) const DAMAGED_GROUPS_MAX: usize = 64;
/// At most this many damaged parts are named in an answer.
const GAPS_NAMED_MAX: usize = 5;

/// What a question has while it runs.
#[derive(Clone)]
pub(crate) struct Session {
    storage: Storage,
    planning: Arc<Planning>,
    memory: Arc<dyn MemoryPool>,
    /// How many sources are read at a time.
    parts: usize,
    counters: Arc<Counters>,
    /// What the question has looked at, to tell what was left out.
    seen: Arc<Mutex<Vec<Snapshot>>>,
    /// When a list that is found piece by piece stops looking and gives what it has.
    enough: Instant,
}

/// What plans need; made with the first one, because a look-up does without.
struct Planning {
    state: Arc<SessionState>,
    context: OnceLock<SessionContext>,
}

#[derive(Default)]
struct Counters {
    segments: AtomicU64,
    segments_read: AtomicU64,
}

impl Session {
    /// A question that may take of `memory`, planned with the settings of `state`.
    pub(crate) fn new(
        storage: Storage,
        state: &Arc<SessionState>,
        memory: Arc<dyn MemoryPool>,
        enough: Instant,
    ) -> Session {
        let parts = state.config().target_partitions();
        let planning = Arc::new(Planning { state: Arc::clone(state), context: OnceLock::new() });
        Session { storage, planning, memory, parts, counters: Arc::default(), seen: Arc::default(), enough }
    }

    /// What plans are made and run with.
    fn context(&self) -> Result<&SessionContext, QueryError> {
        if let Some(context) = self.planning.context.get() {
            return Ok(context);
        }
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::clone(&self.memory))
            .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled))
            .build_arc()?;
        let state = SessionState::clone(&self.planning.state);
        let state = SessionStateBuilder::new_from_existing(state).with_runtime_env(runtime).build();
        Ok(self.planning.context.get_or_init(|| SessionContext::new_with_state(state)))
    }

    /// What the tenant has of the signal now.
    pub(crate) fn view(&self, tenant: &TenantId, signal: Signal) -> View {
        self.view_of(self.storage.snapshot(tenant, signal), signal)
    }

    fn view_of(&self, snapshot: Snapshot, signal: Signal) -> View {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(snapshot.clone());
        let segments = snapshot.sources().iter().filter(|source| source.is_segment()).count();
        self.counters.segments.fetch_add(segments as u64, Ordering::Relaxed);
        let seen = snapshot.sources().iter().map(|_| AtomicBool::new(false)).collect();
        View { snapshot, signal, seen, counters: Arc::clone(&self.counters), among: None }
    }

    /// A plan that reads these columns, by name, of the rows inside `time` that meet `predicate`.
    pub(crate) fn scan(
        &self,
        view: &View,
        columns: &[(&str, Column)],
        time: TimeRange,
        predicate: Predicate,
    ) -> Result<DataFrame, QueryError> {
        Ok(self.context()?.read_table(Arc::new(SnapshotTable::new(view, columns, time, predicate)))?)
    }

    /// The same rows, batch by batch, without a plan.
    pub(crate) fn stream(
        &self,
        view: &View,
        columns: &[(&str, Column)],
        time: TimeRange,
        predicate: Predicate,
    ) -> SendableRecordBatchStream {
        SnapshotTable::new(view, columns, time, predicate).rows(self.parts)
    }

    /// A part of the memory that the question may take, nothing at first.
    pub(crate) fn reservation(&self, of: &str) -> MemoryReservation {
        MemoryConsumer::new(of).register(&self.memory)
    }

    /// What `work` finds while there is time to look further; none when there is not.
    pub(crate) async fn unless_late<T>(
        &self,
        work: impl Future<Output = Result<T, QueryError>>,
    ) -> Result<Option<T>, QueryError> {
        // What is there at once would be found however late it is.
        if Instant::now() >= self.enough {
            return Ok(None);
        }
        match tokio::time::timeout_at(self.enough, work).await {
            Ok(found) => found.map(Some),
            Err(_) => Ok(None),
        }
    }

    /// What the question could not look at because it is damaged, if there is any.
    pub(crate) fn gaps(&self) -> Option<String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let gaps: BTreeSet<String> = seen.iter().flat_map(Snapshot::gaps).collect();
        (!gaps.is_empty()).then(|| {
            let named: Vec<&str> = gaps.iter().take(GAPS_NAMED_MAX).map(String::as_str).collect();
            let more = gaps.len().saturating_sub(GAPS_NAMED_MAX);
            let more = if more > 0 { format!("; and {more} more") } else { String::new() };
            format!("damaged data is left out: {}{more}", named.join("; "))
        })
    }

    pub(crate) fn statistics(&self, started: Instant) -> Statistics {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Statistics {
            // Hundredths of a millisecond; what is finer is noise.
            elapsed_ms: (started.elapsed().as_secs_f64() * 1e5).round() / 1e2,
            segments_total: self.counters.segments.load(Ordering::Relaxed),
            segments_read: self.counters.segments_read.load(Ordering::Relaxed),
            rows_scanned: seen.iter().map(Snapshot::rows_looked_at).sum(),
        }
    }
}

/// The rows of a plan.
pub(crate) async fn collect(plan: DataFrame) -> Result<Vec<RecordBatch>, QueryError> {
    Ok(plan.collect().await?)
}

/// The error of a question whose time is up.
pub(crate) fn deadline_passed(seconds: f64) -> QueryError {
    let message = format!("no answer within {seconds} s: narrow the time range or the query, or allow more time");
    QueryError::new(QueryErrorKind::Deadline, message)
}

/// A snapshot that counts which of its segments are read.
#[derive(Clone)]
pub(crate) struct View {
    snapshot: Snapshot,
    signal: Signal,
    /// The sources that were looked into.
    seen: Arc<[AtomicBool]>,
    counters: Arc<Counters>,
    /// The sources whose rows are read; none: those of all.
    among: Option<Arc<[u32]>>,
}

impl View {
    /// The snapshot.
    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// What its records are.
    pub(crate) fn signal(&self) -> Signal {
        self.signal
    }

    /// The same, but rows are read of these sources only.
    pub(crate) fn among(&self, sources: Vec<u32>) -> View {
        View { among: Some(sources.into()), ..self.clone() }
    }

    /// Whether rows of a source are read.
    pub(crate) fn has(&self, number: u32) -> bool {
        self.among.as_ref().is_none_or(|among| among.contains(&number))
    }

    /// A source that is about to be looked into.
    pub(crate) fn read(&self, number: u32) -> &Source {
        let source = &self.snapshot.sources()[number as usize];
        if source.is_segment() && !self.seen[number as usize].swap(true, Ordering::Relaxed) {
            self.counters.segments_read.fetch_add(1, Ordering::Relaxed);
        }
        source
    }
}
