//! Compaction and retention on real segments in a store in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::TryStreamExt;
use futures::future::BoxFuture;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tracewell_model::{Records, Signal, TenantId, UnixNanos};
use ulid::Ulid;

use super::compactor::Compactor;
use super::merge::Merger;
use super::plan::Urgency;
use super::samples::{logs, rows, spans};
use super::{Background, BackgroundWork, Outcome, Rewritten, Tables};
use crate::catalog::{Catalog, Change, SqliteCatalog};
use crate::retention::{Graveyard, delete_orphans, expire};
use crate::segment::{Segment, SortKeys, WriteOptions, write};
use crate::world::{Pool, System, World};
use crate::{Retention, StorageConfig, StorageError, StorageErrorKind};

const GRACE: Duration = Duration::from_secs(120);
const START: u64 = 1_700_000_000_000_000_000;

/// A clock that is moved by hand.
struct TestClock(AtomicU64);

impl World for TestClock {
    fn now(&self) -> UnixNanos {
        UnixNanos(self.0.load(Ordering::Relaxed))
    }

    fn instant(&self) -> Instant {
        System.instant()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        System.sleep(duration)
    }

    fn id(&self) -> Ulid {
        System.id()
    }

    fn thread(&self, name: &str, work: BoxFuture<'static, ()>) -> std::io::Result<()> {
        System.thread(name, work)
    }

    fn pool(&self, name: &str, threads: usize) -> std::io::Result<Box<dyn Pool>> {
        System.pool(name, threads)
    }
}

/// A view in memory over a real catalog.
struct TestTables {
    catalog: Arc<SqliteCatalog>,
    view: Mutex<Vec<Arc<Segment>>>,
    clock: Arc<TestClock>,
    refuses: AtomicBool,
}

#[async_trait]
impl Tables for TestTables {
    fn segments(&self) -> Vec<Arc<Segment>> {
        self.view.lock().clone()
    }

    async fn replace(&self, remove: &[Ulid], add: Vec<Arc<Segment>>) -> Result<(), StorageError> {
        if self.refuses.load(Ordering::Relaxed) {
            return Err(StorageError::new(StorageErrorKind::Unavailable, "the catalog refuses"));
        }
        let change = Change {
            add: add.iter().map(|segment| segment.meta().clone()).collect(),
            remove: remove.to_vec(),
            at: self.clock.now(),
            ..Change::default()
        };
        self.catalog.commit(&change).await?;
        let mut view = self.view.lock();
        view.retain(|segment| !remove.contains(&segment.meta().id));
        view.extend(add);
        Ok(())
    }

    async fn replace_rewritten(&self, rewritten: Rewritten) -> Result<bool, StorageError> {
        let add = match rewritten.outcome {
            Outcome::Segment(segment) => vec![segment],
            Outcome::Unchanged | Outcome::Nothing => Vec::new(),
        };
        let remove: Vec<Ulid> = rewritten.inputs.iter().map(|(segment, _)| segment.meta().id).collect();
        self.replace(&remove, add).await.map(|()| true)
    }

    fn is_under_pressure(&self) -> bool {
        false
    }
}

struct Setting {
    store: Arc<dyn ObjectStore>,
    tables: Arc<TestTables>,
    graveyard: Arc<Graveyard>,
    compactor: Arc<Compactor>,
    clock: Arc<TestClock>,
    stop: CancellationToken,
    _directory: tempfile::TempDir,
}

impl Setting {
    async fn new() -> Setting {
        let directory = tempfile::tempdir().expect("directory");
        let catalog = SqliteCatalog::open(&directory.path().join("catalog.sqlite")).await.expect("opens");
        let catalog = Arc::new(catalog);
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let clock = Arc::new(TestClock(AtomicU64::new(START)));
        let tables = Arc::new(TestTables {
            catalog: Arc::clone(&catalog),
            view: Mutex::default(),
            clock: Arc::clone(&clock),
            refuses: AtomicBool::new(false),
        });
        let graveyard = Arc::new(Graveyard::new(catalog, Arc::clone(&store), GRACE));
        let stop = CancellationToken::new();
        let compactor = Compactor::new(
            Arc::clone(&tables) as _,
            Arc::clone(&graveyard),
            Merger::new(Arc::clone(&store), Arc::new(System)),
            Arc::clone(&clock) as _,
            &StorageConfig::new(directory.path()),
            stop.clone(),
        );
        let compactor = Arc::new(compactor);
        Setting { store, tables, graveyard, compactor, clock, stop, _directory: directory }
    }

    /// Flushes `records` as a segment.
    async fn flush(&self, tenant: &TenantId, records: Records) -> Arc<Segment> {
        let options = WriteOptions { level: 0, full_text_index: false, created_at: self.clock.now() };
        let meta = write(&self.store, Ulid::new(), tenant, vec![Arc::new(records)], options).await.expect("writes");
        let segment = Segment::open(&self.store, meta);
        self.tables.replace(&[], vec![Arc::clone(&segment)]).await.expect("commits");
        segment
    }

    async fn flush_all(&self, all: &[Records]) {
        for records in all {
            self.flush(&TenantId::default_tenant(), records.clone()).await;
        }
    }

    async fn compact(&self) {
        self.compactor.run(Urgency::Now).await.expect("compacts");
    }

    fn pass(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds * 1_000_000_000, Ordering::Relaxed);
    }

    /// All rows of all segments, in order of their text.
    async fn rows(&self) -> Vec<String> {
        let mut all = Vec::new();
        for segment in self.tables.segments() {
            all.extend(rows(&read(&segment).await));
        }
        all.sort();
        all
    }

    fn only_segment(&self) -> Arc<Segment> {
        let segments = self.tables.segments();
        assert_eq!(segments.len(), 1);
        Arc::clone(&segments[0])
    }

    async fn objects(&self) -> Vec<Path> {
        let mut paths: Vec<Path> =
            self.store.list(None).map_ok(|object| object.location).try_collect().await.expect("lists");
        paths.sort();
        paths
    }

    async fn damage(&self, segment: &Segment) {
        let path = Path::from(segment.meta().objects[0].path.as_str());
        let bytes = self.store.get(&path).await.expect("is there").bytes().await.expect("reads");
        let damaged: Vec<u8> = bytes.iter().map(|byte| byte ^ 0x55).collect();
        self.store.put(&path, damaged.into()).await.expect("puts");
    }
}

async fn read(segment: &Arc<Segment>) -> Records {
    segment.read_rows(0..segment.meta().rows as u32).await.expect("reads")
}

fn sorted_rows(all: &[Records]) -> Vec<String> {
    let mut all: Vec<String> = all.iter().flat_map(rows).collect();
    all.sort();
    all
}

fn batches(signal: Signal, sizes: &[usize]) -> Vec<Records> {
    let batch = |(seed, &size): (u64, &usize)| match signal {
        Signal::Traces => Records::Spans(spans(seed, size)),
        Signal::Logs => Records::Logs(logs(seed, size)),
    };
    (1..).zip(sizes).map(batch).collect()
}

#[tokio::test]
async fn merging_keeps_every_span_as_it_is() {
    let setting = Setting::new().await;
    let flushed = batches(Signal::Traces, &[500, 1, 3000, 40]);
    setting.flush_all(&flushed).await;
    setting.compact().await;
    assert_eq!(setting.rows().await, sorted_rows(&flushed));
    let merged = setting.only_segment();
    assert_eq!((merged.meta().level, merged.meta().rows), (1, 3541));
}

#[tokio::test]
async fn merging_keeps_every_log_record_as_it_is() {
    let setting = Setting::new().await;
    let flushed = batches(Signal::Logs, &[500, 1, 3000, 40]);
    setting.flush_all(&flushed).await;
    setting.compact().await;
    assert_eq!(setting.rows().await, sorted_rows(&flushed));
    assert_eq!(setting.only_segment().meta().rows, 3541);
}

#[tokio::test]
async fn records_that_were_sent_twice_stay_twice() {
    let setting = Setting::new().await;
    let batch = batches(Signal::Traces, &[50]);
    let twice = [batch[0].clone(), batch[0].clone()];
    setting.flush_all(&twice).await;
    setting.compact().await;
    assert_eq!(setting.rows().await, sorted_rows(&twice));
}

#[tokio::test]
async fn merged_spans_are_clustered_by_trace_across_row_groups() {
    let setting = Setting::new().await;
    setting.flush_all(&batches(Signal::Traces, &[9000, 9000])).await;
    setting.compact().await;
    let SortKeys::Spans { trace_id, start } = setting.only_segment().sort_keys().await.expect("reads") else {
        panic!("spans have keys of spans");
    };
    let mut earliest = std::collections::HashMap::new();
    for (trace, start) in trace_id.iter().zip(&start) {
        let first = earliest.entry(*trace).or_insert(*start);
        *first = (*first).min(*start);
    }
    let keys: Vec<_> = trace_id.iter().zip(&start).map(|(trace, start)| (earliest[trace], *trace, *start)).collect();
    assert_eq!(keys.len(), 18_000);
    assert!(keys.is_sorted());
    assert!(earliest.len() < 9000, "traces lie in both inputs");
}

#[tokio::test]
async fn merged_segments_describe_their_records() {
    let setting = Setting::new().await;
    let flushed = batches(Signal::Logs, &[100]);
    setting.flush_all(&flushed).await;
    let input = setting.only_segment();
    setting.pass(60);
    setting.flush_all(&batches(Signal::Logs, &[100])).await;
    let flushed_at = setting.clock.now();
    setting.pass(60);
    setting.compact().await;
    let merged = setting.only_segment();
    let (merged, input) = (merged.meta(), input.meta());
    assert_eq!((merged.time_min, merged.time_max), (input.time_min, input.time_max));
    assert_eq!(merged.created_at, flushed_at, "when the youngest was flushed");
    assert_eq!(merged.bytes, merged.objects.iter().map(|object| object.bytes).sum::<u64>());
    let loaded = setting.tables.catalog.load(UnixNanos(0)).await.expect("loads");
    assert_eq!(loaded.segments, std::slice::from_ref(merged));
}

#[tokio::test]
async fn merging_adds_the_text_index() {
    let setting = Setting::new().await;
    setting.flush_all(&batches(Signal::Logs, &[2000])).await;
    let before = setting.only_segment().meta().objects[2].bytes;
    setting.compact().await;
    let after = setting.only_segment().meta().objects[2].bytes;
    assert!(after > before + 1000, "{after} bytes of index after {before}");
}

#[tokio::test]
async fn tenants_and_signals_are_merged_apart() {
    let setting = Setting::new().await;
    let other = TenantId::new("other").expect("legal");
    for _ in 0..2 {
        setting.flush(&other, Records::Logs(logs(1, 5))).await;
        setting.flush(&TenantId::default_tenant(), Records::Logs(logs(2, 7))).await;
        setting.flush(&other, Records::Spans(spans(3, 9))).await;
    }
    setting.compact().await;
    let mut found: Vec<_> = setting
        .tables
        .segments()
        .iter()
        .map(|segment| (segment.meta().tenant.to_string(), segment.meta().signal, segment.meta().rows))
        .collect();
    found.sort();
    let expected = [("default", Signal::Logs, 14), ("other", Signal::Traces, 18), ("other", Signal::Logs, 10)];
    assert_eq!(found, expected.map(|(tenant, signal, rows)| (tenant.to_owned(), signal, rows)));
}

#[tokio::test]
async fn a_crash_before_the_commit_leaves_orphans_that_the_next_start_deletes() {
    let setting = Setting::new().await;
    let flushed = batches(Signal::Logs, &[50, 60]);
    setting.flush_all(&flushed).await;
    let before = setting.objects().await;
    let inputs = setting.tables.segments();
    let jobs = super::plan::plan(
        inputs.iter().map(|input| input.meta()),
        |_| super::plan::Policy::new(1000, None),
        setting.clock.now(),
        Urgency::Now,
    );
    let merger = Merger::new(Arc::clone(&setting.store), Arc::new(System));
    merger.merge(&jobs[0], &inputs, &setting.stop).await.expect("merges");
    assert_eq!(setting.objects().await.len(), before.len() + 3);
    let catalog = setting.tables.catalog.as_ref();
    let started = UnixNanos(u64::MAX);
    let deleted = delete_orphans(catalog, setting.store.as_ref(), &Path::default(), started).await.expect("deletes");
    assert_eq!(deleted, 3);
    assert_eq!(setting.objects().await, before);
    setting.compact().await;
    assert_eq!(setting.rows().await, sorted_rows(&flushed));
}

#[tokio::test]
async fn a_commit_that_fails_leaves_everything_as_it_was() {
    let setting = Setting::new().await;
    let flushed = batches(Signal::Logs, &[50, 60]);
    setting.flush_all(&flushed).await;
    let before = setting.objects().await;
    setting.tables.refuses.store(true, Ordering::Relaxed);
    let error = setting.compactor.run(Urgency::Now).await.expect_err("the catalog refuses");
    assert_eq!(error.kind(), StorageErrorKind::Unavailable);
    assert_eq!(setting.objects().await, before);
    assert_eq!(setting.rows().await, sorted_rows(&flushed));
    setting.tables.refuses.store(false, Ordering::Relaxed);
    setting.compact().await;
    assert_eq!(setting.rows().await, sorted_rows(&flushed));
}

#[tokio::test]
async fn a_merge_that_failed_in_the_background_is_put_off_and_does_not_hold_up_others() {
    let setting = Setting::new().await;
    setting.flush_all(&batches(Signal::Logs, &[50])).await;
    setting.pass(1000);
    setting.tables.refuses.store(true, Ordering::Relaxed);
    assert!(setting.compactor.step(Urgency::WhenWorthIt).await.expect("goes on"));
    setting.tables.refuses.store(false, Ordering::Relaxed);
    assert!(!setting.compactor.step(Urgency::WhenWorthIt).await.expect("nothing else is due"));
    assert_eq!(setting.compactor.stats().failures, 1);
    setting.compact().await;
    assert_eq!(setting.only_segment().meta().level, 1, "on demand it is tried at once");
}

#[tokio::test]
async fn a_damaged_segment_is_put_aside_and_the_others_are_merged() {
    let setting = Setting::new().await;
    let flushed = batches(Signal::Logs, &[50, 60, 70]);
    setting.flush_all(&flushed).await;
    let damaged = Arc::clone(&setting.tables.segments()[1]);
    setting.damage(&damaged).await;
    setting.compact().await;
    let segments = setting.tables.segments();
    assert_eq!(segments.len(), 2);
    assert!(segments.iter().any(|segment| segment.meta().id == damaged.meta().id), "it stays visible");
    let merged = segments.iter().find(|segment| segment.meta().level == 1).expect("merged");
    let expected = sorted_rows(&[flushed[0].clone(), flushed[2].clone()]);
    let mut found = rows(&read(merged).await);
    found.sort();
    assert_eq!(found, expected);
    assert_eq!(setting.compactor.quarantined(), [damaged.meta().id]);
    assert_eq!(setting.objects().await.len(), 4 * 3, "nothing of the merge that failed is left");
}

#[tokio::test]
async fn after_the_stop_nothing_is_merged() {
    let setting = Setting::new().await;
    setting.flush_all(&batches(Signal::Logs, &[50, 60])).await;
    setting.stop.cancel();
    let error = setting.compactor.run(Urgency::Now).await.expect_err("stopped");
    assert_eq!(error.kind(), StorageErrorKind::Unavailable);
    assert_eq!(setting.tables.segments().len(), 2);
    assert_eq!(setting.compactor.stats().failures, 0);
}

#[tokio::test]
async fn objects_of_merged_segments_stay_for_a_query_that_reads_them() {
    let setting = Setting::new().await;
    let flushed = batches(Signal::Logs, &[50, 60]);
    setting.flush_all(&flushed).await;
    let snapshot = setting.tables.segments();
    setting.compact().await;
    setting.pass(1000);
    assert_eq!(setting.graveyard.clear(setting.clock.now()).await.expect("clears"), 0);
    assert_eq!(rows(&read(&snapshot[0]).await).len(), 50, "long after the grace");
    drop(snapshot);
    assert_eq!(setting.graveyard.clear(setting.clock.now()).await.expect("clears"), 2);
    assert_eq!(setting.objects().await.len(), 3);
    assert_eq!(setting.rows().await, sorted_rows(&flushed));
}

#[tokio::test]
async fn expired_segments_go_from_the_view_then_from_the_store() {
    let setting = Setting::new().await;
    setting.flush_all(&batches(Signal::Logs, &[50])).await;
    setting.pass(3600);
    setting.flush_all(&batches(Signal::Logs, &[60])).await;
    setting.pass(3600);
    let retention = Retention { logs_age_max: Some(Duration::from_secs(5400)), ..Retention::default() };
    let expire = async || {
        let now = setting.clock.now();
        expire(setting.tables.as_ref(), &setting.graveyard, &retention, now).await.expect("expires")
    };
    assert_eq!(expire().await, 1);
    assert_eq!(setting.rows().await.len(), 60);
    assert_eq!(setting.objects().await.len(), 6);
    setting.pass(GRACE.as_secs() + 1);
    assert_eq!(setting.graveyard.clear(setting.clock.now()).await.expect("clears"), 1);
    assert_eq!(setting.objects().await.len(), 3);
    assert_eq!(expire().await, 0);
}

#[tokio::test]
async fn the_thread_merges_on_demand_and_ends_when_stopped() {
    let setting = Setting::new().await;
    let flushed = batches(Signal::Traces, &[50, 60]);
    setting.flush_all(&flushed).await;
    let background = Background::spawn(BackgroundWork {
        tables: Arc::clone(&setting.tables) as _,
        compactor: Arc::clone(&setting.compactor),
        graveyard: Arc::clone(&setting.graveyard),
        retention: Retention::default(),
        world: Arc::clone(&setting.clock) as _,
        compaction_interval: Duration::ZERO,
        stop: setting.stop.clone(),
    })
    .expect("starts");
    background.compact_now().await.expect("compacts");
    assert_eq!(setting.tables.segments().len(), 1);
    background.stop().await;
    assert_eq!(background.compact_now().await.expect_err("stopped").kind(), StorageErrorKind::Unavailable);
    assert_eq!(setting.rows().await, sorted_rows(&flushed));
}
