//! What it costs to keep spans: decoding, appending (durable, with flushes and compaction) and replaying.
//!
//! `cargo bench -p tracewell-storage --bench ingest [-- SPANS_MILLION [SPANS_PER_SECOND]]` prints spans per second and
//! CPU time per span. Without a rate it sends as fast as it can.
//! The directory for data is `$TMPDIR`: put it on the disk to be measured.

#![allow(clippy::disallowed_methods, reason = "a benchmark runs in the real world")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tracewell_model::{Records, Scope, Signal, SpanId, Spans, TenantId, TraceId, UnixNanos, Value};
use tracewell_otlp::{ContentEncoding, decode_traces, encode_traces};
use tracewell_storage::{Append, Storage, StorageConfig, StorageErrorKind};

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SPANS_PER_REQUEST: u64 = 500;
const SENDERS: u64 = 16;

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok());
    let requests = numbers.next().unwrap_or(2) * 1_000_000 / SPANS_PER_REQUEST;
    let rate = numbers.next().unwrap_or(u64::MAX);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("starts");
    runtime.block_on(run(requests, rate));
}

async fn run(requests: u64, rate: u64) {
    let directory = tempfile::tempdir().expect("a directory");
    let config = StorageConfig::new(directory.path());
    let spans = requests * SPANS_PER_REQUEST;
    let bodies: Vec<Bytes> = (0..64).map(body).collect();
    println!("{spans} spans, {} bytes each on the wire", bodies[0].len() as u64 / SPANS_PER_REQUEST);

    let clock = Clock::start();
    for request in 0..requests / 8 {
        decode_traces(&bodies[request as usize % 64], UnixNanos::now()).expect("valid");
    }
    clock.report("decode", spans / 8);

    let storage = Storage::open(config.clone()).await.expect("opens");
    let clock = Clock::start();
    let start = Instant::now();
    let next = Arc::new(AtomicU64::new(0));
    let slowest = Arc::new(AtomicU64::new(0));
    let senders = (0..SENDERS).map(|_| {
        let (storage, next, slowest, bodies) = (storage.clone(), next.clone(), slowest.clone(), bodies.clone());
        tokio::spawn(async move {
            loop {
                let request = next.fetch_add(1, Ordering::Relaxed);
                if request >= requests {
                    return;
                }
                let due = Duration::from_secs_f64(request as f64 * SPANS_PER_REQUEST as f64 / rate as f64);
                tokio::time::sleep_until((start + due).into()).await;
                let body = &bodies[request as usize % bodies.len()];
                let began = Instant::now();
                while storage.append(append_of(request, body)).await.is_err() {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                slowest.fetch_max(began.elapsed().as_millis() as u64, Ordering::Relaxed);
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.expect("sends");
    }
    clock.report("decode + append + flush", spans);
    println!("slowest acknowledgement {} ms, {}", slowest.load(Ordering::Relaxed), memory());
    println!("{:?}", storage.stats());
    let clock = Clock::start();
    storage.flush().await.expect("flushes");
    storage.compact_now().await.expect("merges");
    clock.report("flush of the rest + compaction", spans);
    let bytes: u64 = storage.stats().tables.iter().map(|table| table.segment_bytes).sum();
    println!("{:.1} bytes a span in segments", bytes as f64 / spans as f64);

    replay(storage, config, requests, &bodies).await;
}

/// Kills the storage with about 200 MB in its journal and opens it again.
async fn replay(storage: Storage, config: StorageConfig, first: u64, bodies: &[Bytes]) {
    storage.close().await.expect("closes");
    let config = StorageConfig {
        flush_interval: Duration::from_secs(3600),
        flush_bytes: usize::MAX,
        live_bytes_max: 4 << 30,
        ..config
    };
    let storage = Storage::open(config.clone()).await.expect("opens");
    for request in first..first + 800 {
        let append = append_of(request, &bodies[request as usize % bodies.len()]);
        storage.append(append).await.expect("appends");
    }
    drop(storage);
    let (clock, storage) = loop {
        let clock = Clock::start();
        match Storage::open(config.clone()).await {
            // The directory is locked until the background work of the killed storage has ended.
            Err(error) if error.kind() == StorageErrorKind::Unavailable => {}
            opened => break (clock, opened.expect("opens")),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let rows: u64 = storage.stats().tables.iter().map(|table| table.live_rows).sum();
    clock.report("replay", rows);
    assert!(!storage.snapshot(&TenantId::default_tenant(), Signal::Traces).sources().is_empty());
}

fn append_of(request: u64, body: &Bytes) -> Append {
    let received_at = UnixNanos::now();
    let records = Records::Spans(decode_traces(body, received_at).expect("valid").records);
    Append {
        tenant: TenantId::default_tenant(),
        received_at,
        encoding: ContentEncoding::Identity,
        body: body.clone(),
        records,
        request_hash: u128::from(request),
    }
}

/// A request of about 470 bytes and 11 attributes a span.
fn body(seed: u64) -> Bytes {
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let mut spans = Spans::default();
    let scope = spans.scopes.intern(&Arc::new(Scope { name: "bench".into(), ..Scope::default() }));
    let mut trace = TraceId::NONE;
    for number in 0..SPANS_PER_REQUEST {
        if number % 20 == 0 {
            trace = TraceId((u128::from(next()) << 64 | u128::from(next())).to_be_bytes());
        }
        let start = 1_700_000_000_000_000_000 + seed * 1_000_000_000 + next() % 1_000_000_000;
        spans.scope.push(scope);
        spans.trace_id.push(trace);
        spans.span_id.push(SpanId(next().to_be_bytes()));
        spans.parent_span_id.push(SpanId(next().to_be_bytes()));
        spans.trace_state.push("");
        spans.flags.push(1);
        spans.name.push(["GET /api/products/{id}", "SELECT catalog.products", "checkout"][next() as usize % 3]);
        spans.kind.push((next() % 3) as i32 + 1);
        spans.start.push(start);
        spans.end.push(start + next() % 50_000_000);
        let attributes = &mut spans.attributes;
        attributes.push("http.request.method", Value::String("GET"));
        attributes.push("http.response.status_code", Value::Int(if next() % 50 == 0 { 500 } else { 200 }));
        attributes.push("http.route", Value::String("/api/products/{id}"));
        let path = format!("/api/products/{}", next() % 100_000);
        attributes.push("url.path", Value::String(&path));
        attributes.push("server.address", Value::String("product-catalog.shop.svc.cluster.local"));
        attributes.push("server.port", Value::Int(8080));
        attributes.push("network.protocol.version", Value::String("1.1"));
        attributes.push("user_agent.original", Value::String("python-requests/2.31.0"));
        let user = format!("{:016x}", next());
        attributes.push("enduser.id", Value::String(&user));
        attributes.push("thread.id", Value::Int((next() % 64) as i64));
        attributes.push("app.cached", Value::Bool(next() % 2 == 0));
        attributes.end_row();
        spans.dropped_attributes_count.push(0);
        spans.events.end_row();
        spans.dropped_events_count.push(0);
        spans.links.end_row();
        spans.dropped_links_count.push(0);
        spans.status_code.push(0);
        spans.status_message.push("");
    }
    Bytes::from(encode_traces(&spans))
}

struct Clock {
    began: Instant,
    cpu: Duration,
}

impl Clock {
    fn start() -> Clock {
        Clock { began: Instant::now(), cpu: cpu_time() }
    }

    fn report(&self, what: &str, spans: u64) {
        let (elapsed, cpu) = (self.began.elapsed().as_secs_f64(), (cpu_time() - self.cpu).as_secs_f64());
        println!(
            "{what}: {:.0} spans/s, {:.2} us of CPU a span, {:.0} spans/s/core",
            spans as f64 / elapsed,
            cpu / spans as f64 * 1e6,
            spans as f64 / cpu
        );
    }
}

/// User and system time of this process so far, from `/proc`.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().expect("a number")).sum();
    Duration::from_millis(ticks * 10)
}

fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    status.lines().filter(|line| line.starts_with("VmHWM") || line.starts_with("VmRSS")).collect::<Vec<_>>().join(" ")
}
