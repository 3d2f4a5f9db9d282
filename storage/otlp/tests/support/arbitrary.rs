//! Arbitrary requests as prost structures.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z.]{0,12}",
        1 => any::<String>(),
        1 => Just("x".repeat(200)),
        1 => Just("\"\\\u{0}\n\u{1F600}".to_owned()),
    ]
}

/// Few keys, so that rows share them, and some have them twice.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![6 => "[a-e]", 1 => Just("http.request.method".to_owned()), 1 => text()]
}

/// Quarters, which every JSON library reads back exactly.
fn double() -> impl Strategy<Value = f64> {
    any::<i32>().prop_map(|quarters| f64::from(quarters) / 4.0)
}

fn any_value() -> impl Strategy<Value = AnyValue> {
    let scalar = prop_oneof![
        1 => Just(None),
        4 => text().prop_map(|text| Some(Value::StringValue(text))),
        1 => any::<bool>().prop_map(|value| Some(Value::BoolValue(value))),
        2 => any::<i64>().prop_map(|value| Some(Value::IntValue(value))),
        1 => double().prop_map(|value| Some(Value::DoubleValue(value))),
        1 => vec(any::<u8>(), 0..20).prop_map(|bytes| Some(Value::BytesValue(bytes))),
    ];
    let leaf = scalar.prop_map(|value| AnyValue { value });
    leaf.prop_recursive(4, 16, 4, |inner| {
        let entry = (key(), option::of(inner.clone())).prop_map(key_value);
        prop_oneof![
            vec(inner, 0..4).prop_map(|values| Value::ArrayValue(ArrayValue { values })),
            vec(entry, 0..4).prop_map(|values| Value::KvlistValue(KeyValueList { values })),
        ]
        .prop_map(|value| AnyValue { value: Some(value) })
    })
}

fn key_value((key, value): (String, Option<AnyValue>)) -> KeyValue {
    KeyValue { key, value, ..Default::default() }
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    vec((key(), option::weighted(0.9, any_value())).prop_map(key_value), 0..5)
}

/// An id of `bytes` bytes, now and then none or a bad one.
fn id(bytes: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        12 => vec(any::<u8>(), bytes),
        1 => Just(vec![0; bytes]),
        1 => Just(vec![]),
        1 => vec(any::<u8>(), 0..20),
    ]
}

fn time() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(1_700_000_000_000_000_000), any::<u64>()]
}

fn count() -> impl Strategy<Value = u32> {
    prop_oneof![3 => Just(0), 1 => any::<u32>()]
}

fn number() -> impl Strategy<Value = i32> {
    prop_oneof![4 => 0..25i32, 1 => any::<i32>()]
}

fn resource() -> impl Strategy<Value = Resource> {
    let entity_ref = (text(), text(), vec(key(), 0..3), vec(key(), 0..3)).prop_map(
        |(schema_url, r#type, id_keys, description_keys)| EntityRef { schema_url, r#type, id_keys, description_keys },
    );
    (attributes(), count(), vec(entity_ref, 0..2)).prop_map(|(attributes, dropped_attributes_count, entity_refs)| {
        Resource { attributes, dropped_attributes_count, entity_refs }
    })
}

fn scope() -> impl Strategy<Value = InstrumentationScope> {
    (text(), text(), attributes(), count()).prop_map(|(name, version, attributes, dropped_attributes_count)| {
        InstrumentationScope { name, version, attributes, dropped_attributes_count }
    })
}

fn event() -> impl Strategy<Value = Event> {
    (time(), text(), attributes(), count()).prop_map(|(time_unix_nano, name, attributes, dropped_attributes_count)| {
        Event { time_unix_nano, name, attributes, dropped_attributes_count }
    })
}

fn link() -> impl Strategy<Value = Link> {
    (id(16), id(8), text(), attributes(), count(), count()).prop_map(
        |(trace_id, span_id, trace_state, attributes, dropped_attributes_count, flags)| Link {
            trace_id,
            span_id,
            trace_state,
            attributes,
            dropped_attributes_count,
            flags,
        },
    )
}

fn status() -> impl Strategy<Value = Status> {
    (text(), number()).prop_map(|(message, code)| Status { message, code })
}

fn span() -> impl Strategy<Value = Span> {
    let ids = (id(16), id(8), id(8), text(), count());
    let what = (text(), number(), time(), time(), attributes(), count());
    let inner = (vec(event(), 0..3), count(), vec(link(), 0..3), count(), option::of(status()));
    (ids, what, inner).prop_map(|(ids, what, inner)| Span {
        trace_id: ids.0,
        span_id: ids.1,
        parent_span_id: ids.2,
        trace_state: ids.3,
        flags: ids.4,
        name: what.0,
        kind: what.1,
        start_time_unix_nano: what.2,
        end_time_unix_nano: what.3,
        attributes: what.4,
        dropped_attributes_count: what.5,
        events: inner.0,
        dropped_events_count: inner.1,
        links: inner.2,
        dropped_links_count: inner.3,
        status: inner.4,
    })
}

fn log_record() -> impl Strategy<Value = LogRecord> {
    let when = (time(), time(), id(16), id(8), count());
    let what = (number(), text(), option::of(any_value()), attributes(), count(), text());
    (when, what).prop_map(|(when, what)| LogRecord {
        time_unix_nano: when.0,
        observed_time_unix_nano: when.1,
        trace_id: when.2,
        span_id: when.3,
        flags: when.4,
        severity_number: what.0,
        severity_text: what.1,
        body: what.2,
        attributes: what.3,
        dropped_attributes_count: what.4,
        event_name: what.5,
    })
}

/// A small pool of each, so that groups repeat their resources and scopes.
fn pool() -> impl Strategy<Value = (Vec<Resource>, Vec<InstrumentationScope>)> {
    (vec(resource(), 2), vec(scope(), 2))
}

pub fn traces() -> impl Strategy<Value = ExportTraceServiceRequest> {
    let picks = vec((0..3usize, text(), vec((0..3usize, text(), vec(span(), 0..4)), 0..3)), 0..4);
    (pool(), picks).prop_map(|((resources, scopes), picks)| {
        let resource_spans = picks.into_iter().map(|(resource, schema_url, picks)| ResourceSpans {
            resource: resources.get(resource).cloned(),
            schema_url,
            scope_spans: picks
                .into_iter()
                .map(|(scope, schema_url, spans)| ScopeSpans { scope: scopes.get(scope).cloned(), schema_url, spans })
                .collect(),
        });
        ExportTraceServiceRequest { resource_spans: resource_spans.collect() }
    })
}

pub fn logs() -> impl Strategy<Value = ExportLogsServiceRequest> {
    let picks = vec((0..3usize, text(), vec((0..3usize, text(), vec(log_record(), 0..4)), 0..3)), 0..4);
    (pool(), picks).prop_map(|((resources, scopes), picks)| {
        let resource_logs = picks.into_iter().map(|(resource, schema_url, picks)| ResourceLogs {
            resource: resources.get(resource).cloned(),
            schema_url,
            scope_logs: picks
                .into_iter()
                .map(|(scope, schema_url, log_records)| ScopeLogs {
                    scope: scopes.get(scope).cloned(),
                    schema_url,
                    log_records,
                })
                .collect(),
        });
        ExportLogsServiceRequest { resource_logs: resource_logs.collect() }
    })
}
