//! Requests to send: good ones from the generated types, bad ones byte by byte.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use crate::wire::{Answer, Called};

pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    since.as_nanos() as u64
}

/// The trace id of number `number`.
pub fn trace_id(number: u128) -> Vec<u8> {
    (0xabcd_0000_0000_0000_0000_0000_0000_0000_u128 + number).to_be_bytes().to_vec()
}

/// A good span: the first of trace `number`.
pub fn span(number: u128) -> Span {
    let start = now();
    Span {
        trace_id: trace_id(number),
        span_id: vec![1, 2, 3, 4, 5, 6, 7, 8],
        name: "conformance".into(),
        kind: 2,
        start_time_unix_nano: start,
        end_time_unix_nano: start + 1_000_000,
        ..Span::default()
    }
}

pub fn traces(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }] }
}

/// One good span in one request.
pub fn one(number: u128) -> Vec<u8> {
    traces(vec![span(number)]).encode_to_vec()
}

/// A good request of exactly `bytes` bytes.
pub fn of_bytes(number: u128, bytes: usize) -> Vec<u8> {
    let mut name_bytes = bytes;
    loop {
        let span = Span { name: "n".repeat(name_bytes), ..span(number) };
        let encoded = traces(vec![span]).encode_to_vec();
        if encoded.len() == bytes {
            return encoded;
        }
        name_bytes -= encoded.len() - bytes;
    }
}

pub fn record(body: &str) -> LogRecord {
    let body = Some(AnyValue { value: Some(Value::StringValue(body.into())) });
    LogRecord { time_unix_nano: now(), severity_number: 9, body, ..LogRecord::default() }
}

pub fn logs(log_records: Vec<LogRecord>) -> ExportLogsServiceRequest {
    let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
    ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }] }
}

pub fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

/// A message of length-delimited field `number`.
pub fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = content.len();
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend_from_slice(content);
    bytes
}

/// A trace request around the encoded span `span`.
pub fn around_span(span: &[u8]) -> Vec<u8> {
    field(1, &field(2, &field(2, span)))
}

/// The rejected spans and the message that an answer tells of, (0, "") when of none.
pub fn partial(answer: &Answer) -> (i64, String) {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let response = ExportTraceServiceResponse::decode(answer.body.as_slice()).expect("a response");
    response.partial_success.map(|partial| (partial.rejected_spans, partial.error_message)).unwrap_or_default()
}

/// The same of a call.
pub fn partial_of_call(called: &Called) -> (i64, String) {
    assert_eq!(called.code(), 0, "{:?}", called.field("grpc-message"));
    let response = ExportTraceServiceResponse::decode(called.message.as_slice()).expect("a response");
    response.partial_success.map(|partial| (partial.rejected_spans, partial.error_message)).unwrap_or_default()
}

/// A trace request in JSON around the fields of a span besides its ids.
pub fn json_span(number: u128, fields: &str) -> String {
    let trace_id = hex::encode(trace_id(number));
    let time = now();
    let comma = if fields.is_empty() { "" } else { "," };
    format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{trace_id}","spanId":"0102030405060708","startTimeUnixNano":"{time}","endTimeUnixNano":"{time}"{comma}{fields}}}]}}]}}]}}"#
    )
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("gzip");
    encoder.finish().expect("gzip")
}

pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("zlib");
    encoder.finish().expect("zlib")
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("zstd")
}
