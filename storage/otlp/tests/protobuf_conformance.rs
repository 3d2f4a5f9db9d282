//! What OTLP asks of a receiver of protobuf, case by case.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Proto;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::Link;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use tracewell_model::{Logs, SpanId, Spans, TraceId, UnixNanos, Value};
use tracewell_otlp::{
    Decoded, Finding, MESSAGE_BYTES_MAX, NESTING_LEVELS_MAX, TRUNCATED_VALUE, decode_logs, decode_traces,
    encode_traces, plain_json, scope_from_wire,
};

const NOW: UnixNanos = UnixNanos(1_700_000_000_000_000_000);

#[test]
fn an_empty_request_and_empty_envelopes_are_fine() {
    let empty_scope = ResourceSpans { scope_spans: vec![ScopeSpans::default()], ..Default::default() };
    let resource_spans = vec![ResourceSpans::default(), empty_scope];
    for body in [vec![], ExportTraceServiceRequest { resource_spans }.encode_to_vec()] {
        let decoded = decode_traces(&body, NOW).expect("valid");
        assert!(decoded.records.is_empty() && decoded.rejected == 0 && decoded.message().is_empty());
        assert!(decode_logs(&body, NOW).expect("valid").records.is_empty());
    }
}

#[test]
fn malformed_messages_are_refused_with_their_place() {
    let good = span(1);
    let mut bad = span(2).encode_to_vec();
    bad.extend([0x4a, 0x05, 0x0a, 0x7f]);
    let mut scope_spans = bytes_field(2, &good.encode_to_vec());
    scope_spans.extend(bytes_field(2, &bad));
    let body = bytes_field(1, &bytes_field(2, &scope_spans));
    let error = decode_traces(&body, NOW).expect_err("malformed");
    assert_eq!(error.place(), "resource_spans[0].scope_spans[0].spans[1]");
    assert_eq!(
        error.to_string(),
        "resource_spans[0].scope_spans[0].spans[1]: Span field 9: length 5 but only 2 bytes are left"
    );

    for (body, problem) in [
        (&[0x0a][..], "request: ExportTraceServiceRequest field 1: the message ends inside a value"),
        (&[0x02, 0x00], "request: ExportTraceServiceRequest: 0 is no field number"),
        (&[0x0b], "request: ExportTraceServiceRequest field 1: wire type 3 is not used by OTLP"),
        (&[0x08, 0x01], "request: ExportTraceServiceRequest field 1: unexpected varint value"),
        (&[0x0a, 0x02, 0x12, 0x01], "resource_spans[0]: ResourceSpans field 2: length 1 but only 0 bytes are left"),
        (&[0xff; 12], "request: ExportTraceServiceRequest: a variable-length integer is longer than 64 bits"),
    ] {
        assert_eq!(decode_traces(body, NOW).expect_err("malformed").to_string(), problem);
    }
}

#[test]
fn spans_without_usable_ids_are_rejected_and_leave_nothing() {
    let with = |change: fn(&mut Span)| {
        let mut span = span(9);
        span.links = vec![Link::default()];
        span.events = vec![Default::default()];
        change(&mut span);
        span
    };
    let bad = [
        with(|span| span.trace_id = vec![1; 15]),
        with(|span| span.trace_id = vec![0; 16]),
        with(|span| span.trace_id.clear()),
        with(|span| span.span_id = vec![1; 9]),
        with(|span| span.span_id = vec![0; 8]),
    ];
    let mut spans = vec![span(1)];
    spans.extend(bad);
    spans.push(span(2));
    let decoded = decode_spans(spans);
    assert_eq!(decoded.rejected, 5);
    assert_eq!(decoded.report.count(Finding::InvalidTraceId), 3);
    assert_eq!(decoded.report.count(Finding::InvalidSpanId), 2);
    let message = decoded.message();
    assert!(message.starts_with("3 rejected for an invalid trace_id"), "{message}");
    assert!(message.contains("(first: resource_spans[0].scope_spans[0].spans[1])"), "{message}");
    assert!(message.len() <= MESSAGE_BYTES_MAX);
    let spans = decoded.records;
    assert_eq!(spans.span_id, [SpanId([1; 8]), SpanId([2; 8])]);
    assert_eq!(spans.attributes.get(1, "number"), Some(Value::Int(2)));
    assert!(spans.links.trace_id.is_empty() && spans.events.time.is_empty());
}

#[test]
fn a_scope_of_which_all_spans_are_rejected_is_not_kept() {
    let decoded = decode_spans(vec![Span::default()]);
    assert_eq!((decoded.rejected, decoded.records.scopes.len()), (1, 0));
}

#[test]
fn a_bad_parent_makes_a_root_span() {
    let parents = [vec![], vec![0; 8], vec![7; 8], vec![7; 3]];
    let spans = parents.map(|parent_span_id| Span { parent_span_id, ..span(1) });
    let decoded = decode_spans(spans.to_vec());
    assert_eq!(decoded.rejected, 0);
    assert_eq!(decoded.records.parent_span_id, [SpanId::NONE, SpanId::NONE, SpanId([7; 8]), SpanId::NONE]);
    assert_eq!(decoded.report.count(Finding::InvalidParent), 1);
}

#[test]
fn bad_ids_of_a_log_record_only_remove_its_association() {
    let ids = [(16, 8), (16, 0), (0, 8), (3, 8), (16, 3)];
    let records =
        ids.map(|(trace, span)| LogRecord { trace_id: vec![1; trace], span_id: vec![2; span], ..Default::default() });
    let decoded = decode_records(records.to_vec());
    let (trace, span) = (TraceId([1; 16]), SpanId([2; 8]));
    assert_eq!(decoded.rejected, 0);
    assert_eq!(decoded.records.trace_id, [trace, trace, TraceId::NONE, TraceId::NONE, trace]);
    assert_eq!(decoded.records.span_id, [span, SpanId::NONE, span, SpanId::NONE, SpanId::NONE]);
    assert_eq!(decoded.report.count(Finding::InvalidAssociation), 2);
}

#[test]
fn a_log_record_stands_where_it_happened_else_where_it_was_seen() {
    let times = [(5, 6), (0, 6), (5, 0), (0, 0)];
    let records = times.map(|(time_unix_nano, observed_time_unix_nano)| LogRecord {
        time_unix_nano,
        observed_time_unix_nano,
        ..Default::default()
    });
    let logs = decode_records(records.to_vec()).records;
    assert_eq!(logs.timestamp, [5, 6, 5, NOW.0]);
    assert_eq!(logs.time, [5, 0, 5, 0], "times are kept as they were sent");
    assert_eq!(logs.observed_time, [6, 6, 0, 0]);
}

#[test]
fn numbers_that_otlp_does_not_define_are_kept() {
    let mut odd = Span { kind: 77, flags: 0xffff_ff01, ..span(1) };
    odd.status = Some(opentelemetry_proto::tonic::trace::v1::Status { code: -3, message: String::new() });
    let spans = decode_spans(vec![odd]).records;
    assert_eq!((spans.kind[0], spans.status_code[0], spans.flags[0]), (77, -3, 0xffff_ff01));
    let logs = decode_records(vec![LogRecord { severity_number: 99, ..Default::default() }]).records;
    assert_eq!(logs.severity_number, [99]);
}

#[test]
fn odd_times_are_kept_and_told() {
    let day = 24 * 3600 * 1_000_000_000;
    let times = [(0, 5), (9, 3), (u64::MAX, u64::MAX), (NOW.0 + day, NOW.0 + day)];
    let spans = times.map(|(start, end)| Span { start_time_unix_nano: start, end_time_unix_nano: end, ..span(1) });
    let decoded = decode_spans(spans.to_vec());
    assert_eq!(decoded.records.start, times.map(|(start, _)| start));
    assert_eq!(decoded.records.end, times.map(|(_, end)| end));
    let found = [Finding::NoStartTime, Finding::EndBeforeStart, Finding::InTheFuture];
    assert_eq!(found.map(|finding| decoded.report.count(finding)), [1, 1, 1]);
}

#[test]
fn empty_values_are_told_from_absent_ones() {
    let values = [
        None,
        Some(AnyValue { value: None }),
        Some(text("")),
        Some(AnyValue { value: Some(Proto::BytesValue(vec![])) }),
        Some(AnyValue { value: Some(Proto::IntValue(0)) }),
    ];
    let records = values.map(|body| LogRecord { body, ..Default::default() });
    let logs = decode_records(records.to_vec()).records;
    let bodies: Vec<_> = (0..5).map(|row| logs.body.get(row)).collect();
    assert_eq!(bodies, [Value::Absent, Value::Empty, Value::String(""), Value::Bytes(b""), Value::Int(0)]);
}

#[test]
fn invalid_utf8_costs_one_text_not_the_request() {
    let mut bad = span(1).encode_to_vec();
    bad.extend(bytes_field(5, b"caf\xe9"));
    bad.extend(bytes_field(9, &[bytes_field(1, b"k\xff"), bytes_field(2, &bytes_field(1, b"\x80v"))].concat()));
    let in_array = bytes_field(5, &bytes_field(1, &bytes_field(1, b"\xfe")));
    bad.extend(bytes_field(9, &[bytes_field(1, b"list"), bytes_field(2, &in_array)].concat()));
    let resource =
        bytes_field(1, &[bytes_field(1, b"service.name"), bytes_field(2, &bytes_field(1, b"a\xc0"))].concat());
    let group = [bytes_field(2, &bytes_field(2, &bad)), bytes_field(1, &resource)].concat();
    let decoded = decode_traces(&bytes_field(1, &group), NOW).expect("repaired");
    let spans = &decoded.records;
    assert_eq!(spans.name.get(0), "caf\u{FFFD}");
    assert_eq!(spans.attributes.get(0, "k\u{FFFD}"), Some(Value::String("\u{FFFD}v")));
    let list = spans.attributes.get(0, "list").expect("a list");
    assert_eq!(plain_json(list).to_string(), "[\"\u{FFFD}\"]");
    assert_eq!(spans.scopes.get(0).service_name(), "a\u{FFFD}");
    assert_eq!(decoded.report.count(Finding::InvalidUtf8), 5);
    assert_eq!(decoded.rejected, 0);
    assert!(ExportTraceServiceRequest::decode(&*encode_traces(spans)).is_ok(), "what goes out is valid");
}

#[test]
fn duplicate_keys_are_kept_and_the_last_is_seen() {
    let mut twice = span(1);
    twice.attributes.push(attribute("number", AnyValue { value: Some(Proto::IntValue(7)) }));
    let decoded = decode_spans(vec![twice, span(2)]);
    assert_eq!(decoded.records.attributes.row(0).count(), 2);
    assert_eq!(decoded.records.attributes.get(0, "number"), Some(Value::Int(7)));
    assert_eq!(decoded.report.count(Finding::DuplicateKey), 1);
}

#[test]
fn references_to_string_tables_are_told_and_taken_as_empty() {
    let mut record =
        LogRecord { body: Some(AnyValue { value: Some(Proto::StringValueStrindex(3)) }), ..Default::default() };
    record.attributes.push(KeyValue { key_strindex: 4, value: Some(text("v")), ..Default::default() });
    let nested = AnyValue { value: Some(Proto::StringValueStrindex(3)) };
    record.attributes.push(attribute("list", array(vec![nested])));
    let decoded = decode_records(vec![record]);
    assert_eq!(decoded.records.body.get(0), Value::Empty);
    assert_eq!(decoded.records.attributes.get(0, ""), Some(Value::String("v")));
    assert_eq!(plain_json(decoded.records.attributes.get(0, "list").expect("kept")).to_string(), "[null]");
    assert_eq!(decoded.report.count(Finding::StringIndex), 3);
}

#[test]
fn what_sdks_may_nest_survives_and_what_is_deeper_is_truncated_and_told() {
    for (levels, truncated) in [(64, 0), (NESTING_LEVELS_MAX, 0), (NESTING_LEVELS_MAX + 1, 1)] {
        for wrap in [array as fn(Vec<AnyValue>) -> AnyValue, list] {
            let deep = (1..levels).fold(text("core"), |value, _| wrap(vec![value]));
            let decoded = decode_records(vec![LogRecord { body: Some(deep), ..Default::default() }]);
            assert_eq!(decoded.report.count(Finding::TooDeep), truncated, "{levels} levels");
            let json = plain_json(decoded.records.body.get(0)).to_string();
            let core = if truncated == 0 { "core" } else { TRUNCATED_VALUE };
            assert!(json.contains(&format!("\"{core}\"")), "{json}");
        }
    }
}

#[test]
fn a_depth_bomb_costs_no_stack() {
    // Each level is an AnyValue with an ArrayValue; lengths grow outwards, so that it is built from the end.
    let mut reversed = Vec::new();
    while reversed.len() < 10 << 20 {
        for tag in [0x0a, 0x2a] {
            let mut length = Vec::new();
            prost::encoding::encode_varint(reversed.len() as u64, &mut length);
            reversed.extend(length.into_iter().rev());
            reversed.push(tag);
        }
    }
    reversed.reverse();
    let body = bytes_field(1, &bytes_field(2, &bytes_field(2, &bytes_field(5, &reversed))));
    let decoded = std::thread::Builder::new()
        .stack_size(512 << 10)
        .spawn(move || decode_logs(&body, NOW))
        .expect("a thread")
        .join()
        .expect("no overflow");
    assert_eq!(decoded.expect("valid").report.count(Finding::TooDeep), 1);
}

#[test]
fn columns_of_a_small_request_stay_small() {
    // 16 MiB of links of two bytes each would take 40 bytes of memory for each.
    let empty_links = [0x6a, 0x00].repeat(8 << 20);
    let body = bytes_field(1, &bytes_field(2, &bytes_field(2, &empty_links)));
    let error = decode_traces(&body, NOW).expect_err("refused");
    assert!(error.to_string().contains("too many tiny elements"), "{error}");
}

#[test]
fn a_large_resource_with_many_scopes_is_refused_instead_of_copied_for_each() {
    let resource = Resource { attributes: vec![attribute("k", text(&"x".repeat(1 << 20)))], ..Default::default() };
    let scope_spans = (0..100u8).map(|number| ScopeSpans {
        schema_url: number.to_string(),
        spans: vec![span(number + 1)],
        ..Default::default()
    });
    let group = ResourceSpans { resource: Some(resource), scope_spans: scope_spans.collect(), ..Default::default() };
    let body = ExportTraceServiceRequest { resource_spans: vec![group] }.encode_to_vec();
    let error = decode_traces(&body, NOW).expect_err("refused");
    assert!(error.to_string().contains("Resource: too many"), "{error}");
}

#[test]
fn resources_and_scopes_are_interned_and_can_be_made_again() {
    let resource = Resource { attributes: vec![attribute("service.name", text("shop"))], ..Default::default() };
    let group = |number| ResourceSpans {
        resource: Some(resource.clone()),
        schema_url: "https://r".into(),
        scope_spans: vec![ScopeSpans {
            scope: Some(opentelemetry_proto::tonic::common::v1::InstrumentationScope {
                name: "lib".into(),
                version: "1".into(),
                attributes: vec![attribute("a", text("b"))],
                dropped_attributes_count: 2,
            }),
            schema_url: "https://s".into(),
            spans: vec![span(number)],
        }],
    };
    let request = ExportTraceServiceRequest { resource_spans: vec![group(1), group(2)] };
    let spans = decode_traces(&request.encode_to_vec(), NOW).expect("valid").records;
    assert_eq!((spans.scopes.len(), &spans.scope[..]), (1, &[0, 0][..]));
    let scope = spans.scopes.get(0);
    let again = scope_from_wire(&scope.resource, "https://r", &scope.scope, "https://s").expect("valid");
    assert_eq!(again.resource, scope.resource);
    assert_eq!(again.resource_schema_url, "https://r");
    assert_eq!(again.scope_schema_url, "https://s");
    assert_eq!((again.service_name(), &*again.name, &*again.version), ("shop", "lib", "1"));
    assert_eq!(again.scope_attribute("a"), Some(Value::String("b")));
    let error = scope_from_wire(&[0x0a, 0x09], "", &[], "").expect_err("malformed");
    assert_eq!(error.to_string(), "resource and scope: Resource field 1: length 9 but only 0 bytes are left");
}

#[test]
fn decoding_depends_on_nothing_but_the_request_and_its_time() {
    let body = request_of_spans((1..50).map(span).collect()).encode_to_vec();
    let (first, second) = (decode_traces(&body, NOW).expect("valid"), decode_traces(&body, NOW).expect("valid"));
    assert_eq!(format!("{first:?}"), format!("{second:?}"));
}

fn decode_spans(spans: Vec<Span>) -> Decoded<Spans> {
    decode_traces(&request_of_spans(spans).encode_to_vec(), NOW).expect("valid")
}

fn request_of_spans(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let scope_spans = vec![ScopeSpans { spans, ..Default::default() }];
    ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { scope_spans, ..Default::default() }] }
}

fn decode_records(log_records: Vec<LogRecord>) -> Decoded<Logs> {
    let scope_logs = vec![ScopeLogs { log_records, ..Default::default() }];
    let request = ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { scope_logs, ..Default::default() }] };
    decode_logs(&request.encode_to_vec(), NOW).expect("valid")
}

fn span(number: u8) -> Span {
    Span {
        trace_id: vec![0xab; 16],
        span_id: vec![number; 8],
        start_time_unix_nano: 1,
        end_time_unix_nano: 2,
        attributes: vec![attribute("number", AnyValue { value: Some(Proto::IntValue(number.into())) })],
        ..Default::default()
    }
}

fn attribute(key: &str, value: AnyValue) -> KeyValue {
    KeyValue { key: key.into(), value: Some(value), ..Default::default() }
}

fn text(text: &str) -> AnyValue {
    AnyValue { value: Some(Proto::StringValue(text.into())) }
}

fn array(values: Vec<AnyValue>) -> AnyValue {
    AnyValue { value: Some(Proto::ArrayValue(ArrayValue { values })) }
}

fn list(values: Vec<AnyValue>) -> AnyValue {
    let values = values.into_iter().map(|value| attribute("k", value)).collect();
    AnyValue { value: Some(Proto::KvlistValue(KeyValueList { values })) }
}

fn bytes_field(number: u32, content: &[u8]) -> Vec<u8> {
    let mut field = Vec::new();
    prost::encoding::encode_varint(u64::from(number) << 3 | 2, &mut field);
    prost::encoding::encode_varint(content.len() as u64, &mut field);
    field.extend_from_slice(content);
    field
}
