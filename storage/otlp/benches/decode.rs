//! Spans per second on one core: OTLP to columns and back, and prost for comparison.
//!
//! `cargo bench -p tracewell-otlp`

use std::hint::black_box;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tracewell_model::UnixNanos;
use tracewell_otlp::{decode_traces, encode_traces, traces_json_to_protobuf, traces_to_json};

const REQUESTS: usize = 40;
const SPANS_PER_REQUEST: usize = 512;
const RUN: Duration = Duration::from_secs(2);

fn main() {
    let mut random = StdRng::seed_from_u64(7);
    let bodies: Vec<Vec<u8>> = (0..REQUESTS).map(|_| request(&mut random).encode_to_vec()).collect();
    let bytes: usize = bodies.iter().map(Vec::len).sum();
    let spans = REQUESTS * SPANS_PER_REQUEST;
    println!("{spans} spans of {} bytes, 11 attributes each", bytes / spans);

    let now = UnixNanos(1_700_000_000_000_000_000);
    measure("decode to columns", &bodies, |body| {
        black_box(decode_traces(body, now).expect("valid"));
    });
    measure("decode with prost", &bodies, |body| {
        black_box(ExportTraceServiceRequest::decode(&**body).expect("valid"));
    });
    let columns: Vec<_> = bodies.iter().map(|body| decode_traces(body, now).expect("valid").records).collect();
    measure("encode from columns", &columns, |spans| {
        black_box(encode_traces(spans));
    });
    measure("columns to JSON", &columns, |spans| {
        black_box(traces_to_json(spans));
    });
    let json: Vec<String> = columns.iter().map(traces_to_json).collect();
    measure("JSON to protobuf", &json, |text| {
        black_box(traces_json_to_protobuf(text.as_bytes()).expect("valid"));
    });
}

/// Repeats `work` over the requests and prints the rate when each goes as fast as it ever did: on a machine that does
/// other things too, the other times tell of those.
fn measure<T>(name: &str, requests: &[T], work: impl Fn(&T)) {
    let end = Instant::now() + RUN;
    let mut best = vec![Duration::MAX; requests.len()];
    while Instant::now() < end {
        for (best, request) in best.iter_mut().zip(requests) {
            let start = Instant::now();
            work(request);
            *best = start.elapsed().min(*best);
        }
    }
    let spans = (requests.len() * SPANS_PER_REQUEST) as f64;
    let nanos = best.iter().sum::<Duration>().as_nanos() as f64;
    println!("{name:22} {:6.0} ns/span {:8.3} M spans/s", nanos / spans, spans / nanos * 1e3);
}

fn request(random: &mut StdRng) -> ExportTraceServiceRequest {
    let resource = Resource {
        attributes: ["service.name", "service.version", "host.name", "k8s.pod.name", "telemetry.sdk.language"]
            .map(|key| text(key, &format!("value-{}", random.random_range(0..10))))
            .into(),
        ..Default::default()
    };
    let scope = InstrumentationScope { name: "http.server".into(), version: "1.2.3".into(), ..Default::default() };
    let spans = (0..SPANS_PER_REQUEST).map(|_| span(random)).collect();
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..Default::default() }];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { resource: Some(resource), scope_spans, ..Default::default() }],
    }
}

/// Servers and clients in turn by chance, which have different attributes.
fn span(random: &mut StdRng) -> Span {
    let start = 1_700_000_000_000_000_000 + random.random_range(0..1_000_000_000u64);
    let number = random.random_range(0..1000);
    let attributes = match random.random_ratio(1, 2) {
        true => vec![
            text("http.request.method", "GET"),
            text("url.scheme", "https"),
            text("url.path", &format!("/api/products/{number}/reviews")),
            text("http.route", "/api/products/{id}/reviews"),
            int("http.response.status_code", 200),
            text("server.address", "shop.example.com"),
            int("server.port", 443),
            text("client.address", &format!("10.0.3.{}", number % 256)),
            text("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101"),
            text("network.protocol.version", "1.1"),
            text("thread.name", &format!("worker-{}", number % 16)),
        ],
        false => vec![
            text("db.system.name", "postgresql"),
            text("db.namespace", "shop"),
            text("db.operation.name", "SELECT"),
            text("db.query.text", "SELECT id, name, price FROM products WHERE id = $1"),
            text("server.address", "db.internal"),
            int("server.port", 5432),
            text("network.peer.address", "10.1.2.3"),
            int("db.response.returned_rows", number),
            text("thread.name", &format!("worker-{}", number % 16)),
            int("thread.id", number % 16),
            text("code.function.name", "ProductRepository.find"),
        ],
    };
    Span {
        trace_id: random.random::<[u8; 16]>().to_vec(),
        span_id: random.random::<[u8; 8]>().to_vec(),
        parent_span_id: random.random::<[u8; 8]>().to_vec(),
        flags: 0x101,
        name: "GET /api/products/{id}/reviews".into(),
        kind: 2,
        start_time_unix_nano: start,
        end_time_unix_nano: start + random.random_range(1_000..100_000_000),
        attributes,
        status: Some(Status::default()),
        ..Default::default()
    }
}

fn text(key: &str, text: &str) -> KeyValue {
    attribute(key, Value::StringValue(text.into()))
}

fn int(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), ..Default::default() }
}
