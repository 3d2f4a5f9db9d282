//! What the tests of the receivers share: a collector on free ports over a sink that remembers, requests to send, and
//! clients that see every byte of the answers.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod clients;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use prost::Message;
use tokio::sync::Semaphore;
use tracewell_collector::{Collector, CollectorConfig, CollectorMetrics, Sink};
use tracewell_storage::{Append, Appended, StorageError, StorageErrorKind};

/// What the sink does with an append.
#[derive(Clone, Debug, Default)]
pub enum Behaviour {
    #[default]
    Store,
    Duplicate,
    Unavailable,
    Fail,
    Panic,
    /// Stores once a permit is there.
    Wait(Arc<Semaphore>),
}

/// Remembers what was appended.
#[derive(Debug, Default)]
pub struct RecordingSink {
    pub behaviour: Mutex<Behaviour>,
    pub appended: Mutex<Vec<Append>>,
    /// Gets a permit for each append that begins.
    pub begun: Option<Arc<Semaphore>>,
}

impl Sink for RecordingSink {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, StorageError>> {
        async move {
            if let Some(begun) = &self.begun {
                begun.add_permits(1);
            }
            let behaviour = self.behaviour.lock().clone();
            match behaviour {
                Behaviour::Store => {}
                Behaviour::Duplicate => return Ok(Appended::Duplicate),
                Behaviour::Unavailable => {
                    return Err(StorageError::new(StorageErrorKind::Unavailable, "the disk is full"));
                }
                Behaviour::Fail => return Err(StorageError::new(StorageErrorKind::Internal, "a broken invariant")),
                Behaviour::Panic => panic!("the sink panics, as the test wants"),
                Behaviour::Wait(gate) => gate.acquire().await.expect("an open gate").forget(),
            }
            self.appended.lock().push(append);
            Ok(Appended::Stored)
        }
        .boxed()
    }
}

/// A collector on free ports.
pub struct Harness {
    pub collector: Collector,
    pub sink: Arc<RecordingSink>,
    pub registry: Registry,
}

impl Harness {
    pub fn grpc(&self) -> SocketAddr {
        self.collector.grpc_addr()
    }

    pub fn http(&self) -> SocketAddr {
        self.collector.http_addr()
    }

    pub fn appended(&self) -> usize {
        self.sink.appended.lock().len()
    }

    pub fn behave(&self, behaviour: Behaviour) {
        *self.sink.behaviour.lock() = behaviour;
    }

    /// The metrics in the text format.
    pub fn metrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).expect("metrics");
        text
    }
}

/// The defaults on free ports.
pub fn config() -> CollectorConfig {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    CollectorConfig { otlp_grpc: any, otlp_http: any, ..CollectorConfig::default() }
}

pub async fn start(config: CollectorConfig) -> Harness {
    let begun = Some(Arc::new(Semaphore::new(0)));
    let sink = Arc::new(RecordingSink { begun, ..RecordingSink::default() });
    let mut registry = Registry::default();
    let metrics = CollectorMetrics::register(&mut registry);
    let collector = Collector::start(config, Arc::clone(&sink) as Arc<dyn Sink>, metrics).await.expect("a collector");
    Harness { collector, sink, registry }
}

pub async fn start_default() -> Harness {
    start(config()).await
}

/// A request of `count` good spans whose names take `name_bytes` each.
pub fn traces(count: usize, name_bytes: usize) -> ExportTraceServiceRequest {
    let span = |number: usize| Span {
        trace_id: (number as u128 + 1).to_be_bytes().to_vec(),
        span_id: (number as u64 + 1).to_be_bytes().to_vec(),
        name: "n".repeat(name_bytes),
        start_time_unix_nano: 1_700_000_000_000_000_000,
        end_time_unix_nano: 1_700_000_000_000_000_001,
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { spans: (0..count).map(span).collect(), ..ScopeSpans::default() }];
    ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }] }
}

/// The same with spans without ids among them.
pub fn traces_with_bad_spans(good: usize, bad: usize) -> ExportTraceServiceRequest {
    let mut request = traces(good, 3);
    request.resource_spans[0].scope_spans[0].spans.extend(vec![Span::default(); bad]);
    request
}

pub fn logs(count: usize) -> ExportLogsServiceRequest {
    let record = LogRecord { time_unix_nano: 1_700_000_000_000_000_000, ..LogRecord::default() };
    let scope_logs = vec![ScopeLogs { log_records: vec![record; count], ..ScopeLogs::default() }];
    ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }] }
}

/// A request of exactly `bytes` bytes.
pub fn traces_of_bytes(bytes: usize) -> Vec<u8> {
    let mut name_bytes = bytes;
    loop {
        let encoded = traces(1, name_bytes).encode_to_vec();
        match encoded.len() {
            length if length == bytes => return encoded,
            length => name_bytes -= length - bytes,
        }
    }
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("gzip");
    encoder.finish().expect("gzip")
}

pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("zlib");
    encoder.finish().expect("zlib")
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("zstd")
}

/// Waits until `condition` holds.
pub async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(tokio::time::Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
