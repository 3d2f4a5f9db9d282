//! Random OTLP requests with every kind of field, and their records in a form that can be compared.

mod stored;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value::Value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use rand::Rng;
use rand::rngs::StdRng;

pub use stored::is_stored;

/// A request with the records of one trace.
#[derive(Clone, Debug)]
pub enum Sent {
    Traces(ExportTraceServiceRequest),
    Logs(ExportLogsServiceRequest),
}

impl Sent {
    pub fn random(rng: &mut StdRng) -> Sent {
        let trace_id = bytes(rng, 16);
        let count = rng.random_range(1..40);
        if rng.random() {
            let spans = (0..count).map(|_| span(rng, &trace_id)).collect();
            let scope_spans = vec![ScopeSpans { scope: Some(scope(rng)), spans, schema_url: word(rng) }];
            let resource = Some(resource(rng));
            let resource_spans = vec![ResourceSpans { resource, scope_spans, schema_url: word(rng) }];
            Sent::Traces(ExportTraceServiceRequest { resource_spans })
        } else {
            let log_records = (0..count).map(|number| log(rng, &trace_id, number)).collect();
            let scope_logs = vec![ScopeLogs { scope: Some(scope(rng)), log_records, schema_url: word(rng) }];
            let resource = Some(resource(rng));
            let resource_logs = vec![ResourceLogs { resource, scope_logs, schema_url: word(rng) }];
            Sent::Logs(ExportLogsServiceRequest { resource_logs })
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Sent::Traces(request) => flat_spans(request).len(),
            Sent::Logs(request) => flat_logs(request).len(),
        }
    }

    pub fn trace_id(&self) -> String {
        let id = match self {
            Sent::Traces(request) => &request.resource_spans[0].scope_spans[0].spans[0].trace_id,
            Sent::Logs(request) => &request.resource_logs[0].scope_logs[0].log_records[0].trace_id,
        };
        id.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub fn name(&self) -> String {
        let signal = if matches!(self, Sent::Traces(_)) { "spans" } else { "log records" };
        format!("the {signal} of {}", self.trace_id())
    }
}

/// A record with all that belongs to it, comparable whatever the grouping and the order of attributes.
#[derive(Debug, PartialEq)]
pub struct Flat<R> {
    pub resource: Resource,
    pub resource_schema_url: String,
    pub scope: InstrumentationScope,
    pub scope_schema_url: String,
    pub record: R,
}

pub fn flat_spans(request: &ExportTraceServiceRequest) -> Vec<Flat<Span>> {
    let mut flat = Vec::new();
    for resource in &request.resource_spans {
        for scope in &resource.scope_spans {
            for span in &scope.spans {
                let mut record = span.clone();
                sort(&mut record.attributes);
                record.events.iter_mut().for_each(|event| sort(&mut event.attributes));
                record.links.iter_mut().for_each(|link| sort(&mut link.attributes));
                flat.push(Flat {
                    resource: resource.resource.clone().unwrap_or_default(),
                    resource_schema_url: resource.schema_url.clone(),
                    scope: scope.scope.clone().unwrap_or_default(),
                    scope_schema_url: scope.schema_url.clone(),
                    record,
                });
            }
        }
    }
    flat.sort_by(|a, b| a.record.span_id.cmp(&b.record.span_id));
    flat
}

pub fn flat_logs(request: &ExportLogsServiceRequest) -> Vec<Flat<LogRecord>> {
    let mut flat = Vec::new();
    for resource in &request.resource_logs {
        for scope in &resource.scope_logs {
            for log in &scope.log_records {
                let mut record = log.clone();
                sort(&mut record.attributes);
                flat.push(Flat {
                    resource: resource.resource.clone().unwrap_or_default(),
                    resource_schema_url: resource.schema_url.clone(),
                    scope: scope.scope.clone().unwrap_or_default(),
                    scope_schema_url: scope.schema_url.clone(),
                    record,
                });
            }
        }
    }
    flat.sort_by(|a, b| a.record.span_id.cmp(&b.record.span_id));
    flat
}

/// The order of attributes means nothing; a stable sort keeps that of duplicates.
fn sort(attributes: &mut [KeyValue]) {
    attributes.sort_by(|a, b| a.key.cmp(&b.key));
}

fn span(rng: &mut StdRng, trace_id: &[u8]) -> Span {
    let start = time(rng);
    Span {
        trace_id: trace_id.to_vec(),
        span_id: bytes(rng, 8),
        parent_span_id: if rng.random() { bytes(rng, 8) } else { Vec::new() },
        trace_state: if rng.random() { "vendor=1".to_owned() } else { String::new() },
        flags: rng.random::<u32>() & 0x3ff,
        name: word(rng),
        kind: rng.random_range(0..7),
        start_time_unix_nano: start,
        end_time_unix_nano: start + rng.random_range(0..1_000_000_000),
        attributes: attributes(rng, 8),
        dropped_attributes_count: rng.random_range(0..3),
        events: (0..rng.random_range(0..3))
            .map(|_| Event {
                time_unix_nano: time(rng),
                name: word(rng),
                attributes: attributes(rng, 3),
                dropped_attributes_count: rng.random_range(0..2),
            })
            .collect(),
        dropped_events_count: rng.random_range(0..3),
        links: (0..rng.random_range(0..3))
            .map(|_| Link {
                trace_id: bytes(rng, 16),
                span_id: bytes(rng, 8),
                trace_state: word(rng),
                attributes: attributes(rng, 3),
                dropped_attributes_count: rng.random_range(0..2),
                flags: rng.random_range(0..1_024),
            })
            .collect(),
        dropped_links_count: rng.random_range(0..3),
        status: match rng.random_range(0..3) {
            0 => None,
            code => Some(Status { message: word(rng), code }),
        },
    }
}

fn log(rng: &mut StdRng, trace_id: &[u8], number: u64) -> LogRecord {
    LogRecord {
        time_unix_nano: time(rng),
        observed_time_unix_nano: time(rng),
        severity_number: rng.random_range(0..25),
        severity_text: word(rng),
        body: match rng.random_range(0..4) {
            0 => None,
            1 => Some(value(rng, 3)),
            _ => Some(AnyValue { value: Some(Value::StringValue(format!("{} {}", word(rng), word(rng)))) }),
        },
        attributes: attributes(rng, 6),
        dropped_attributes_count: rng.random_range(0..3),
        flags: rng.random_range(0..256),
        trace_id: trace_id.to_vec(),
        // Unique and in order, so that records can be told apart.
        span_id: (number + 1).to_be_bytes().to_vec(),
        event_name: if rng.random_range(0..4) == 0 { word(rng) } else { String::new() },
    }
}

fn resource(rng: &mut StdRng) -> Resource {
    let mut attributes = attributes(rng, 5);
    let service = Value::StringValue(format!("service-{}", rng.random_range(0..5)));
    attributes.push(KeyValue {
        key: "service.name".to_owned(),
        value: Some(AnyValue { value: Some(service) }),
        ..KeyValue::default()
    });
    Resource { attributes, dropped_attributes_count: rng.random_range(0..2), ..Resource::default() }
}

fn scope(rng: &mut StdRng) -> InstrumentationScope {
    InstrumentationScope {
        name: word(rng),
        version: word(rng),
        attributes: attributes(rng, 2),
        dropped_attributes_count: rng.random_range(0..2),
    }
}

/// Few keys of many types, among them duplicates.
fn attributes(rng: &mut StdRng, most: usize) -> Vec<KeyValue> {
    (0..rng.random_range(0..=most))
        .map(|_| KeyValue {
            key: format!("key.{}", rng.random_range(0..12)),
            value: Some(value(rng, 3)),
            ..KeyValue::default()
        })
        .collect()
}

fn value(rng: &mut StdRng, depth: usize) -> AnyValue {
    let kinds = if depth == 0 { 6 } else { 8 };
    let value = match rng.random_range(0..kinds) {
        0 => None,
        1 => Some(Value::BoolValue(rng.random())),
        2 => Some(Value::IntValue(rng.random())),
        3 => Some(Value::DoubleValue(rng.random::<f64>() * 1e9)),
        4 => Some(Value::BytesValue((0..rng.random_range(0..20)).map(|_| rng.random()).collect())),
        5 => Some(Value::StringValue(word(rng))),
        6 => Some(Value::ArrayValue(ArrayValue {
            values: (0..rng.random_range(0..4)).map(|_| value(rng, depth - 1)).collect(),
        })),
        _ => {
            let values = (0..rng.random_range(0..4)).map(|_| KeyValue {
                key: word(rng),
                value: Some(value(rng, depth - 1)),
                ..KeyValue::default()
            });
            Some(Value::KvlistValue(KeyValueList { values: values.collect() }))
        }
    };
    AnyValue { value }
}

/// Within the last hour.
fn time(rng: &mut StdRng) -> u64 {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
    now - rng.random_range(0..3_600_000_000_000)
}

fn word(rng: &mut StdRng) -> String {
    ["", "GET /cart", "größer", "price 12.50 €", "timeout", "a\nb\t\"c\"", "select * from t", "日本"]
        [rng.random_range(0..8)]
    .to_owned()
}

fn bytes(rng: &mut StdRng, count: usize) -> Vec<u8> {
    (0..count).map(|_| rng.random_range(1..=255)).collect()
}
