//! Rows as OTLP requests, the way they come to the storage.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use tracewell_model::{Records, UnixNanos};
use tracewell_otlp::ContentEncoding;
use tracewell_storage::Append;

use super::{Attrs, Log, Origin, SpanRow, Val, log_span_id, tenant, trace_id};

fn any(value: &Val) -> AnyValue {
    let value = match value {
        Val::Text(text) => any_value::Value::StringValue(text.clone()),
        Val::Int(number) => any_value::Value::IntValue(*number),
        Val::Double(number) => any_value::Value::DoubleValue(*number),
        Val::Bool(flag) => any_value::Value::BoolValue(*flag),
        Val::List(items) => {
            let values = items.iter().map(|item| any(&Val::Text(item.clone()))).collect();
            any_value::Value::ArrayValue(ArrayValue { values })
        }
    };
    AnyValue { value: Some(value) }
}

fn key_values(attrs: &Attrs) -> Vec<KeyValue> {
    attrs
        .iter()
        .map(|(key, value)| KeyValue { key: key.clone(), value: Some(any(value)), ..KeyValue::default() })
        .collect()
}

fn resource(origin: &Origin) -> Option<Resource> {
    Some(Resource { attributes: key_values(&origin.resource), ..Resource::default() })
}

fn scope(origin: &Origin) -> Option<InstrumentationScope> {
    Some(InstrumentationScope {
        name: origin.scope_name.clone(),
        version: origin.scope_version.clone(),
        attributes: key_values(&origin.scope),
        ..InstrumentationScope::default()
    })
}

fn append(body: Vec<u8>, records: Records) -> Append {
    let request_hash = xxhash_rust::xxh3::xxh3_128(&body);
    Append {
        tenant: tenant(),
        received_at: UnixNanos::now(),
        encoding: ContentEncoding::Identity,
        body: Bytes::from(body),
        records,
        request_hash,
    }
}

pub fn logs(batch: &[Log]) -> Append {
    let record = |log: &Log| LogRecord {
        time_unix_nano: log.time,
        observed_time_unix_nano: log.observed,
        severity_number: log.severity_number,
        severity_text: log.severity_text.clone(),
        body: log.body.as_ref().map(any),
        attributes: key_values(&log.attrs),
        trace_id: log.trace.map(|trace| trace_id(trace).to_vec()).unwrap_or_default(),
        span_id: log.span.map(|span| log_span_id(span).to_vec()).unwrap_or_default(),
        event_name: log.event_name.clone(),
        ..LogRecord::default()
    };
    let resource_logs = batch.iter().map(|log| ResourceLogs {
        resource: resource(&log.origin),
        scope_logs: vec![ScopeLogs {
            scope: scope(&log.origin),
            log_records: vec![record(log)],
            ..ScopeLogs::default()
        }],
        ..ResourceLogs::default()
    });
    let body = ExportLogsServiceRequest { resource_logs: resource_logs.collect() }.encode_to_vec();
    let decoded = tracewell_otlp::decode_logs(&body, UnixNanos::now()).expect("a request");
    append(body, Records::Logs(decoded.records))
}

fn links(span: &SpanRow) -> Vec<Link> {
    let named = span.links.iter().map(|attrs| Link { attributes: key_values(attrs), ..Link::default() });
    let linked = span.linked.iter().map(|(trace, id)| Link {
        trace_id: trace_id(*trace).to_vec(),
        span_id: id.to_be_bytes().to_vec(),
        ..Link::default()
    });
    named.chain(linked).collect()
}

pub fn spans(batch: &[SpanRow]) -> Append {
    let record = |span: &SpanRow| Span {
        trace_id: trace_id(span.trace).to_vec(),
        span_id: span.span.to_be_bytes().to_vec(),
        parent_span_id: span.parent.map(|parent| parent.to_be_bytes().to_vec()).unwrap_or_default(),
        name: span.name.clone(),
        kind: span.kind,
        start_time_unix_nano: span.start,
        end_time_unix_nano: span.start + span.duration,
        attributes: key_values(&span.attrs),
        events: span
            .events
            .iter()
            .map(|(name, attrs)| Event { name: name.clone(), attributes: key_values(attrs), ..Event::default() })
            .collect(),
        links: links(span),
        status: Some(Status { code: span.status, message: span.status_message.clone() }),
        ..Span::default()
    };
    let resource_spans = batch.iter().map(|span| ResourceSpans {
        resource: resource(&span.origin),
        scope_spans: vec![ScopeSpans {
            scope: scope(&span.origin),
            spans: vec![record(span)],
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    });
    let body = ExportTraceServiceRequest { resource_spans: resource_spans.collect() }.encode_to_vec();
    let decoded = tracewell_otlp::decode_traces(&body, UnixNanos::now()).expect("a request");
    append(body, Records::Spans(decoded.records))
}
