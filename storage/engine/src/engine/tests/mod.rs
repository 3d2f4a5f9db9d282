//! Tests of the whole engine, on the real disk or with a journal on one that fails.

mod backup;
mod concurrency;
mod crashes;
mod deletion;
mod duplicates;
mod durability;
mod faults;
mod maintenance;
mod replay;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::AsArray;
use arrow::datatypes::UInt64Type;
use bytes::Bytes;
use futures::TryStreamExt;
use tempfile::TempDir;
use tracewell_model::{Logs, Records, Scope, Signal, SpanId, Spans, TenantId, TimeRange, TraceId, UnixNanos, Value};
use tracewell_otlp::{ContentEncoding, decode_logs, decode_traces, encode_logs, encode_traces};
use xxhash_rust::xxh3::xxh3_128;

use super::{Append, Appended, Storage, open};
use crate::journal::faulty::FaultyDisk;
use crate::{Column, Predicate, RowAddress, ScanRequest, Snapshot, StorageConfig, StorageError, StorageErrorKind};

/// A storage in a directory of its own that flushes only when told to.
struct Setting {
    directory: TempDir,
    config: StorageConfig,
}

impl Setting {
    fn new() -> Setting {
        let directory = tempfile::tempdir().expect("a directory");
        let config = StorageConfig {
            flush_interval: Duration::from_secs(3600),
            compaction_interval: Duration::ZERO,
            journal_file_bytes: 1 << 20,
            ..StorageConfig::new(directory.path().join("data"))
        };
        Setting { directory, config }
    }

    fn data_dir(&self) -> &Path {
        &self.config.data_dir
    }

    async fn open(&self) -> Storage {
        unlocked(|| Storage::open(self.config.clone())).await
    }

    /// With the journal on `disk`.
    async fn open_on(&self, disk: &FaultyDisk) -> Storage {
        std::fs::create_dir_all(self.data_dir()).expect("makes the directory");
        let open = || async {
            let disk = Arc::new(disk.clone());
            let inner = open::open_with_journal_on(self.config.clone(), disk).await?;
            Ok(Storage { inner })
        };
        unlocked(open).await
    }

    fn journal_files(&self) -> usize {
        std::fs::read_dir(self.data_dir().join("journal")).expect("is there").count()
    }

    fn keep(self) -> TempDir {
        self.directory
    }
}

/// Opens as soon as the background work of a storage that was dropped has ended.
async fn unlocked<F: Future<Output = Result<Storage, StorageError>>>(open: impl Fn() -> F) -> Storage {
    for _ in 0..1_000 {
        match open().await {
            Err(error) if error.kind() == StorageErrorKind::Unavailable => {}
            opened => return opened.expect("opens"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the directory stays locked");
}

fn tenant() -> TenantId {
    TenantId::default_tenant()
}

fn received_at(number: u64) -> UnixNanos {
    UnixNanos(UnixNanos::now().0 / 1_000_000_000 * 1_000_000_000 + number)
}

fn append_of(tenant: TenantId, records: Records, body: Vec<u8>) -> Append {
    let request_hash = xxh3_128(&body);
    Append {
        tenant,
        received_at: UnixNanos::now(),
        encoding: ContentEncoding::Identity,
        body: Bytes::from(body),
        records,
        request_hash,
    }
}

/// A request of log records, each with its number in its body.
fn logs(numbers: std::ops::Range<u64>) -> Append {
    logs_of(&tenant(), numbers)
}

fn logs_of(tenant: &TenantId, numbers: std::ops::Range<u64>) -> Append {
    let mut logs = Logs::default();
    let scope = logs.scopes.intern(&Arc::new(Scope::default()));
    for number in numbers {
        logs.scope.push(scope);
        logs.timestamp.push(received_at(number).0);
        logs.time.push(received_at(number).0);
        logs.observed_time.push(0);
        logs.trace_id.push(TraceId::NONE);
        logs.span_id.push(SpanId::NONE);
        logs.flags.push(0);
        logs.severity_number.push(9);
        logs.severity_text.push("INFO");
        logs.body.push(Value::Int(number as i64));
        logs.attributes.push("number", Value::Int(number as i64));
        logs.attributes.end_row();
        logs.dropped_attributes_count.push(0);
        logs.event_name.push("");
    }
    let body = encode_logs(&logs);
    let decoded = decode_logs(&body, UnixNanos(1)).expect("valid").records;
    append_of(tenant.clone(), Records::Logs(decoded), body)
}

/// A request of spans of a trace, each with its number as its id.
fn spans(trace: TraceId, numbers: std::ops::Range<u64>) -> Append {
    let mut spans = Spans::default();
    let scope = spans.scopes.intern(&Arc::new(Scope::default()));
    for number in numbers {
        spans.scope.push(scope);
        spans.trace_id.push(trace);
        spans.span_id.push(SpanId((number + 1).to_be_bytes()));
        spans.parent_span_id.push(SpanId::NONE);
        spans.trace_state.push("");
        spans.flags.push(0);
        spans.name.push("GET /");
        spans.kind.push(2);
        spans.start.push(1_700_000_000_000_000_000 + number);
        spans.end.push(1_700_000_000_000_000_100 + number);
        spans.attributes.end_row();
        spans.dropped_attributes_count.push(0);
        spans.events.end_row();
        spans.dropped_events_count.push(0);
        spans.links.end_row();
        spans.dropped_links_count.push(0);
        spans.status_code.push(0);
        spans.status_message.push("");
    }
    let body = encode_traces(&spans);
    let decoded = decode_traces(&body, UnixNanos(1)).expect("valid").records;
    append_of(tenant(), Records::Spans(decoded), body)
}

fn addresses(snapshot: &Snapshot) -> Vec<RowAddress> {
    let sources = snapshot.sources().iter().enumerate();
    sources
        .flat_map(|(source, held)| (0..held.row_count()).map(move |row| RowAddress::new(source as u32, row as u32)))
        .collect()
}

/// The addresses of the records that a scan finds.
async fn matching(snapshot: &Snapshot, predicate: Predicate) -> Vec<RowAddress> {
    let request = ScanRequest { columns: vec![Column::Address], time: TimeRange::ALL, predicate };
    let mut found = Vec::new();
    for (number, source) in (0..).zip(snapshot.sources()) {
        let batches: Vec<_> = source.scan(number, &request).try_collect().await.expect("scans");
        let of_batch = batches.iter().flat_map(|batch| batch.column(0).as_primitive::<UInt64Type>().values());
        found.extend(of_batch.map(|address| RowAddress(*address)));
    }
    found
}

/// The numbers of all log records of a snapshot, in order.
async fn numbers_of(snapshot: &Snapshot) -> Vec<u64> {
    numbers_at(snapshot, &addresses(snapshot)).await
}

/// The numbers of some log records of a snapshot, in order.
async fn numbers_at(snapshot: &Snapshot, addresses: &[RowAddress]) -> Vec<u64> {
    let logs = snapshot.logs(addresses).await.expect("reads");
    let number = |row| match logs.body.get(row) {
        Value::Int(number) => number as u64,
        other => panic!("not a number: {other:?}"),
    };
    let mut numbers: Vec<u64> = (0..logs.len()).map(number).collect();
    numbers.sort_unstable();
    numbers
}

async fn numbers(storage: &Storage) -> Vec<u64> {
    numbers_of(&storage.snapshot(&tenant(), Signal::Logs)).await
}

async fn store(storage: &Storage, append: Append) {
    assert_eq!(storage.append(append).await.expect("stored"), Appended::Stored);
}

fn segment_count(storage: &Storage) -> u64 {
    storage.stats().tables.iter().map(|table| table.segments).sum()
}

fn live_rows(storage: &Storage) -> u64 {
    storage.stats().tables.iter().map(|table| table.live_rows).sum()
}

/// Waits for something that happens by itself.
async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never happened: {what}");
}
