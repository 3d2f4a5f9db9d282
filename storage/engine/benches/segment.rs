//! What segments cost: time to encode, bytes of each column, time to scan.
//!
//! `cargo bench -p tracewell-storage --bench segment -- DIR` with a directory that holds `traces.otlp.zst` and
//! `logs.otlp.zst`: zstd frames of length-delimited OTLP export requests. Without a directory it does nothing, so
//! that it can be built and run anywhere. Everything goes through the public interface: append, flush, compact, scan.

#![allow(clippy::disallowed_methods, reason = "a benchmark runs in the real world")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bytes::Bytes;
use futures::TryStreamExt;
use parquet::file::reader::{FileReader, SerializedFileReader};
use tracewell_model::{Records, Signal, TenantId, TimeRange, UnixNanos};
use tracewell_storage::{
    Append, AttributeScope, AttributeType, Column, Comparison, Predicate, Scalar, ScanRequest, Storage, StorageConfig,
    TextPattern,
};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let Some(data) = std::env::args().skip(1).find(|argument| !argument.starts_with('-')) else {
        println!("give a directory with traces.otlp.zst and logs.otlp.zst");
        return Ok(());
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for signal in [Signal::Traces, Signal::Logs] {
        runtime.block_on(measure(Path::new(&data), signal))?;
    }
    Ok(())
}

async fn measure(data: &Path, signal: Signal) -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let mut config = StorageConfig::new(directory.path());
    config.flush_bytes = usize::MAX;
    config.live_bytes_max = usize::MAX;
    config.flush_interval = std::time::Duration::from_secs(86_400);
    config.compaction_interval = std::time::Duration::ZERO;
    config.retention = Default::default();
    let storage = Storage::open(config).await?;
    let tenant = TenantId::default_tenant();
    let file = data.join(format!("{signal}.otlp.zst"));
    let bytes = zstd::stream::decode_all(std::fs::File::open(&file)?)?;
    let mut rows = 0;
    for (number, body) in tracewell_otlp::delimited(&bytes).enumerate() {
        let body = Bytes::copy_from_slice(body?);
        let records = match signal {
            Signal::Traces => Records::Spans(tracewell_otlp::decode_traces(&body, UnixNanos::now())?.records),
            Signal::Logs => Records::Logs(tracewell_otlp::decode_logs(&body, UnixNanos::now())?.records),
        };
        rows += records.len();
        let append = Append {
            tenant: tenant.clone(),
            received_at: UnixNanos::now(),
            encoding: tracewell_otlp::ContentEncoding::Identity,
            body,
            records,
            request_hash: number as u128,
        };
        storage.append(append).await?;
    }
    println!("\n{signal}: {rows} rows, {} bytes as OTLP", bytes.len());
    timed("flush", rows, storage.flush()).await?;
    report_bytes(directory.path(), rows)?;
    scans(&storage, &tenant, signal).await?;
    timed("compact", rows, storage.compact_now()).await?;
    report_bytes(directory.path(), rows)?;
    scans(&storage, &tenant, signal).await?;
    storage.close().await?;
    Ok(())
}

async fn timed<T, E: Into<Failure>>(
    what: &str,
    rows: usize,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Failure> {
    let start = Instant::now();
    let result = work.await.map_err(Into::into)?;
    let took = start.elapsed();
    println!("{what}: {took:.1?}, {:.0} rows/s", rows as f64 / took.as_secs_f64());
    Ok(result)
}

/// Bytes of each object and column of all segments on the disk, by row.
fn report_bytes(root: &Path, rows: usize) -> Result<(), Failure> {
    let mut bytes: BTreeMap<String, u64> = BTreeMap::new();
    let mut directories = vec![root.join("segments")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            *bytes.entry(format!("/{name}")).or_default() += path.metadata()?.len();
            if name == "rows.parquet" {
                add_columns(&mut bytes, path)?;
            }
        }
    }
    let mut sorted: Vec<_> = bytes.into_iter().collect();
    sorted.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    for (name, bytes) in sorted.iter().take(16) {
        println!("  {name:<50} {bytes:>12} {:>8.3} bytes/row", *bytes as f64 / rows as f64);
    }
    Ok(())
}

fn add_columns(bytes: &mut BTreeMap<String, u64>, path: PathBuf) -> Result<(), Failure> {
    let reader = SerializedFileReader::new(std::fs::File::open(path)?)?;
    for group in reader.metadata().row_groups() {
        for column in group.columns() {
            *bytes.entry(column.column_path().string()).or_default() += column.compressed_size() as u64;
        }
    }
    Ok(())
}

async fn scans(storage: &Storage, tenant: &TenantId, signal: Signal) -> Result<(), Failure> {
    let equal = |column: Column, value: Scalar| Predicate::Compare { column, comparison: Comparison::Equal, value };
    let phrase = |text: &str| Predicate::Text(TextPattern::Phrase(tracewell_storage::tokens(text).collect()));
    let pod = Column::Attribute {
        scope: AttributeScope::Resource,
        key: "k8s.pod.name".to_owned(),
        of: AttributeType::String,
    };
    let slow = Predicate::Compare {
        column: Column::Duration,
        comparison: Comparison::Greater,
        value: Scalar::Int(1_000_000_000),
    };
    let service = equal(Column::ServiceName, Scalar::String("ts-order-service".to_owned()));
    let questions = [
        ("all rows", Predicate::always()),
        ("service", service.clone()),
        ("service and slow", Predicate::And(vec![service, slow])),
        ("pod that is not there", equal(pod, Scalar::String("none".to_owned()))),
        ("rare word", phrase("ArithmeticException")),
        ("frequent word", phrase("info")),
        ("part of a word", Predicate::Text(TextPattern::Contains("rderServ".to_owned()))),
    ];
    let snapshot = storage.snapshot(tenant, signal);
    for (name, predicate) in questions {
        let request = ScanRequest { columns: vec![Column::Time, Column::Address], time: TimeRange::ALL, predicate };
        let mut found = 0;
        let mut best = std::time::Duration::MAX;
        for _ in 0..3 {
            let start = Instant::now();
            found = 0;
            for (number, source) in snapshot.sources().iter().enumerate() {
                let mut scan = source.scan(number as u32, &request);
                while let Some(batch) = scan.try_next().await? {
                    found += batch.num_rows();
                }
            }
            best = best.min(start.elapsed());
        }
        println!("  {name:<24} {found:>8} rows in {best:>8.2?} ({} sources)", snapshot.sources().len());
    }
    Ok(())
}
