//! Points 10 to 21: decoding protobuf.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;

use crate::payload::{
    around_span, attribute, field, logs, now, one, partial, partial_of_call, record, span, trace_id, traces,
};
use crate::target::Target;
use crate::wire::{JSON, http1};

#[tokio::test]
async fn point_10_content_types_are_exact_in_answers_and_parsed_in_requests() {
    let target = Target::start().await;
    for given in [
        "application/x-protobuf",
        "Application/X-Protobuf",
        "application/x-protobuf; charset=utf-8",
        "application/x-protobuf;v=1",
    ] {
        let answer = http1(target.http(), "POST /v1/traces", &[("Content-Type", given)], &one(1)).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/x-protobuf")), "{given}");
    }
    for given in ["application/json", "APPLICATION/JSON", "application/json;charset=UTF-8"] {
        let answer = http1(target.http(), "POST /v1/traces", &[("Content-Type", given)], b"{}").await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{given}");
    }
}

#[tokio::test]
async fn point_11_unknown_fields_any_order_and_repeated_messages() {
    let target = Target::start().await;
    // Fields 127: a number and a text.
    let unknown = [0xf8, 0x07, 0x05, 0xfa, 0x07, 0x01, 0xff].to_vec();
    let resource = |key: &str| {
        Resource { attributes: vec![attribute(key, Value::StringValue("v".into()))], ..Resource::default() }
            .encode_to_vec()
    };
    let scope = InstrumentationScope { name: "late".into(), ..InstrumentationScope::default() }.encode_to_vec();
    let span = [span(1).encode_to_vec(), unknown.clone()].concat();
    // The span before its scope, both before the resource, and the resource in two parts.
    let scope_spans = [field(2, &span), unknown.clone(), field(1, &scope)].concat();
    let resource_spans =
        [field(2, &scope_spans), field(1, &resource("first")), unknown.clone(), field(1, &resource("second"))].concat();
    let request = [unknown, field(1, &resource_spans)].concat();
    assert_eq!(partial(&target.traces(&request).await), (0, String::new()));
    let stored = target.stored(&trace_id(1)).await.expect("the trace");
    let group = &stored.resource_spans[0];
    let keys: Vec<&str> =
        group.resource.iter().flat_map(|resource| &resource.attributes).map(|pair| pair.key.as_str()).collect();
    assert_eq!(keys, ["first", "second"], "repeated messages are merged");
    assert_eq!(group.scope_spans[0].scope.as_ref().map(|scope| scope.name.as_str()), Some("late"));
    // Of a oneof the last member counts: int 7 after the text "x".
    let value = field(2, &[&field(1, b"x")[..], &[0x18, 0x07]].concat());
    let pair = [field(1, b"k"), value].concat();
    let span = [crate::payload::span(2).encode_to_vec(), field(9, &pair)].concat();
    assert_eq!(partial(&target.traces(&around_span(&span)).await).0, 0);
    let stored = target.stored_span(&trace_id(2)).await;
    assert_eq!(stored.attributes, [attribute("k", Value::IntValue(7))]);
}

#[tokio::test]
async fn point_12_malformed_messages_are_refused_as_a_whole() {
    let target = Target::start().await;
    let good = span(1).encode_to_vec();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("a varint of eleven bytes", [&[0x30][..], &[0xff; 10], &[1]].concat()),
        ("a length past the end", vec![0x2a, 0x7f, b'x']),
        ("wire type 3", vec![0x33]),
        ("wire type 4", vec![0x34]),
        ("wire type 6", vec![0x36]),
        ("wire type 7", vec![0x37]),
        ("field 0", vec![0x02, 0x00]),
        ("a message that ends in a number", vec![0x39, 1, 2, 3]),
    ];
    for (name, bad) in cases {
        let request = around_span(&[good.clone(), bad].concat());
        let answer = target.traces(&request).await;
        assert_eq!(answer.status, 400, "{name}");
        let status = answer.status_message();
        assert_eq!(status.code, 3);
        assert!(status.details.iter().any(|detail| detail.type_url.ends_with("google.rpc.BadRequest")), "{name}");
        let called = target.call_traces(&request).await;
        assert_eq!(called.code(), 3, "{name}");
        assert_eq!(called.status_details(), status, "{name}");
    }
    for cut in 1..20 {
        let whole = one(1);
        let answer = target.traces(&whole[..whole.len() - cut]).await;
        assert_eq!(answer.status, 400, "cut by {cut}");
    }
    assert_eq!(target.stored(&trace_id(1)).await, None, "nothing is stored");
}

#[tokio::test]
async fn point_13_bad_ids_reject_the_span_only() {
    let target = Target::start().await;
    let bad = vec![
        Span { trace_id: vec![0; 16], ..span(1) },
        Span { trace_id: vec![1; 8], ..span(1) },
        Span { trace_id: vec![], ..span(1) },
        Span { span_id: vec![0; 8], ..span(1) },
        Span { span_id: vec![1; 9], ..span(1) },
    ];
    let odd_parent = Span { parent_span_id: vec![1, 2, 3], ..span(2) };
    let mut spans = bad.clone();
    spans.push(span(1));
    spans.push(odd_parent);
    let request = traces(spans).encode_to_vec();
    let (rejected, message) = partial(&target.traces(&request).await);
    assert_eq!(rejected, 5);
    assert!(message.contains("trace_id") && message.contains("span_id"), "{message}");
    assert_eq!(target.stored_spans(&trace_id(1)).await.len(), 1);
    assert!(target.stored_span(&trace_id(2)).await.parent_span_id.is_empty(), "kept as a root");
    assert_eq!(partial_of_call(&target.call_traces(&traces(bad).encode_to_vec()).await).0, 5);
    let odd = LogRecord { trace_id: vec![7; 3], span_id: vec![0; 8], ..record("kept without a trace") };
    let answer = target.logs(&logs(vec![odd]).encode_to_vec()).await;
    assert_eq!(answer.status, 200);
    let stored = target.stored_logs().await;
    assert_eq!(stored.len(), 1);
    assert_eq!((stored[0]["traceId"].as_str(), stored[0]["spanId"].as_str()), (Some(""), Some("")));
}

#[tokio::test]
async fn point_14_numbers_out_of_range_are_kept() {
    let target = Target::start().await;
    let odd = Span {
        kind: 77,
        flags: 0xffff_ff01,
        status: Some(Status { code: 42, message: "odd".into() }),
        links: vec![Link { trace_id: trace_id(9), span_id: vec![9; 8], flags: 0x301, ..Link::default() }],
        ..span(1)
    };
    assert_eq!(partial(&target.traces(&traces(vec![odd.clone()]).encode_to_vec()).await).0, 0);
    assert_eq!(target.stored_span(&trace_id(1)).await, odd);
    let odd = LogRecord { severity_number: 99, flags: 0xffff_ff01, ..record("odd") };
    let unset = LogRecord { severity_number: 0, ..record("unset") };
    assert_eq!(target.logs(&logs(vec![odd, unset]).encode_to_vec()).await.status, 200);
    let mut numbers: Vec<_> = target.stored_logs().await.iter().map(|log| log["severityNumber"].as_i64()).collect();
    numbers.sort();
    assert_eq!(numbers, [Some(0), Some(99)]);
}

#[tokio::test]
async fn point_15_times_of_all_kinds() {
    let target = Target::start().await;
    let decade = 10 * 365 * 86_400 * 1_000_000_000_u64;
    for (number, start, end) in [
        (1, 0, 0),
        (2, now(), 5),
        (3, now() - 5 * decade, now()),
        (4, now() + 10 * decade, now() + 10 * decade),
        (5, u64::MAX, u64::MAX),
        (6, 0, u64::MAX),
    ] {
        let span = Span { start_time_unix_nano: start, end_time_unix_nano: end, ..span(number) };
        assert_eq!(partial(&target.traces(&traces(vec![span.clone()]).encode_to_vec()).await).0, 0);
        assert_eq!(target.stored_span(&trace_id(number)).await, span, "kept as it was");
    }
    let before = now();
    let observed =
        LogRecord { time_unix_nano: 0, observed_time_unix_nano: 1_600_000_000_000_000_000, ..record("observed") };
    let neither = LogRecord { time_unix_nano: 0, observed_time_unix_nano: 0, ..record("neither") };
    assert_eq!(target.logs(&logs(vec![observed, neither]).encode_to_vec()).await.status, 200);
    let stored = target.stored_logs().await;
    let timestamp = |body: &str| -> u64 {
        let log = stored.iter().find(|log| log["body"] == body).expect("the record");
        log["timestamp"].as_str().and_then(|text| text.parse().ok()).expect("a timestamp")
    };
    assert_eq!(timestamp("observed"), 1_600_000_000_000_000_000);
    assert!((before..=now()).contains(&timestamp("neither")), "the time of receiving");
    target.assert_alive().await;
}

fn any(value: Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

fn array(values: Vec<AnyValue>) -> Value {
    Value::ArrayValue(ArrayValue { values })
}

fn list(values: Vec<KeyValue>) -> Value {
    Value::KvlistValue(KeyValueList { values })
}

#[tokio::test]
async fn point_16_every_kind_of_value_comes_back() {
    let target = Target::start().await;
    let mixed = array(vec![any(Value::IntValue(1)), any(Value::StringValue("a".into())), AnyValue { value: None }]);
    let nested = list(vec![attribute("in", array(vec![any(list(vec![attribute("x", Value::BoolValue(false))]))]))]);
    let attributes = vec![
        attribute("string", Value::StringValue("ü".into())),
        attribute("empty string", Value::StringValue(String::new())),
        attribute("bool", Value::BoolValue(false)),
        attribute("int", Value::IntValue(i64::MIN)),
        attribute("double", Value::DoubleValue(-0.0)),
        attribute("infinite", Value::DoubleValue(f64::INFINITY)),
        attribute("bytes", Value::BytesValue(vec![0, 255])),
        attribute("array", mixed),
        attribute("empty array", array(vec![])),
        attribute("list", nested),
        attribute("empty list", list(vec![])),
        KeyValue { key: "empty value".into(), value: Some(AnyValue { value: None }), ..KeyValue::default() },
        KeyValue { key: "no value".into(), value: None, ..KeyValue::default() },
    ];
    let span = Span { attributes: attributes.clone(), ..span(1) };
    assert_eq!(partial(&target.traces(&traces(vec![span]).encode_to_vec()).await).0, 0);
    assert_eq!(target.stored_span(&trace_id(1)).await.attributes, attributes);
    // Fields of the profiles signal: `AnyValue.string_value_strindex` (8) and `KeyValue.key_strindex` (3).
    let value = field(2, &[0x40, 0x05]);
    let pair = [field(1, b"k"), value].concat();
    let indexed = [crate::payload::span(2).encode_to_vec(), field(9, &pair), field(9, &[0x18, 0x05])].concat();
    let (rejected, message) = partial(&target.traces(&around_span(&indexed)).await);
    assert_eq!(rejected, 0);
    assert!(message.contains("strindex"), "a warning: {message:?}");
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(Value::StringValue("deep".into()), |value, level| match level % 2 {
        0 => array(vec![any(value)]),
        _ => list(vec![attribute("k", value)]),
    })
}

/// Arrays in arrays, encoded without recursion: each level is `AnyValue { array_value { values } }`.
fn bomb(levels: usize) -> Vec<u8> {
    let mut sizes = vec![0_usize];
    let varint = |mut value: usize| {
        let mut bytes = Vec::new();
        while value >= 0x80 {
            bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
        bytes
    };
    for _ in 0..2 * levels {
        let inner = sizes[sizes.len() - 1];
        sizes.push(1 + varint(inner).len() + inner);
    }
    let mut bytes = Vec::new();
    for (level, size) in sizes.iter().rev().skip(1).enumerate() {
        bytes.push(if level % 2 == 0 { 0x2a } else { 0x0a });
        bytes.extend(varint(*size));
    }
    bytes
}

#[tokio::test]
async fn point_17_deep_values_come_back_and_deeper_ones_do_no_harm() {
    let target = Target::start().await;
    let deep = Span { attributes: vec![attribute("deep", nested(64))], ..span(1) };
    assert_eq!(partial(&target.traces(&traces(vec![deep.clone()]).encode_to_vec()).await).0, 0);
    // Not decoded, because prost takes no more than some forty levels.
    let path = format!("/traces/{}", hex::encode(trace_id(1)));
    let stored = target.api.get_bytes(&path, "application/x-protobuf").await.expect("the trace");
    let attribute_bytes = deep.attributes[0].encode_to_vec();
    assert!(stored.windows(attribute_bytes.len()).any(|window| window == attribute_bytes), "64 levels");
    let deeper = Span { attributes: vec![attribute("deeper", nested(200))], ..span(2) };
    let (rejected, message) = partial(&target.traces(&traces(vec![deeper]).encode_to_vec()).await);
    assert_eq!(rejected, 0);
    assert!(message.contains("nested"), "told: {message:?}");
    let path = format!("/traces/{}/spans/0102030405060708", hex::encode(trace_id(2)));
    let detail = target.api.get(&path, &[]).await.expect("kept, with the value cut");
    assert!(detail["attributes"]["deeper"].is_object() || detail["attributes"]["deeper"].is_array(), "{detail}");
    let pair = [field(1, b"bomb"), field(2, &bomb(1_000_000))].concat();
    assert!(pair.len() > 5 << 20);
    let bombed = [span(3).encode_to_vec(), field(9, &pair)].concat();
    let status = target.traces(&around_span(&bombed)).await.status;
    assert!([200, 400].contains(&status), "{status}");
    let json_bomb = format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"k","value":{}}}]}}}}]}}"#,
        r#"{"arrayValue":{"values":["#.repeat(300_000)
    );
    assert_eq!(target.traces_json(&json_bomb).await.status, 400);
    target.assert_alive().await;
}

#[tokio::test]
async fn point_18_duplicate_keys_are_kept_and_the_last_is_seen() {
    let target = Target::start().await;
    let attributes = vec![attribute("twice", Value::IntValue(1)), attribute("twice", Value::IntValue(2))];
    let (rejected, message) = partial(
        &target.traces(&traces(vec![Span { attributes: attributes.clone(), ..span(1) }]).encode_to_vec()).await,
    );
    assert_eq!(rejected, 0);
    assert!(message.contains("duplicate"), "counted: {message:?}");
    assert_eq!(target.stored_span(&trace_id(1)).await.attributes, attributes);
    let path = format!("/traces/{}/spans/0102030405060708", hex::encode(trace_id(1)));
    let detail = target.api.get(&path, &[]).await.expect("the span");
    assert_eq!(detail["attributes"]["twice"], 2);
}

#[tokio::test]
async fn point_19_invalid_utf8_costs_the_characters_only() {
    let target = Target::start().await;
    let bad = field(5, b"a\xffb");
    let spans = [
        field(2, &[&Span { name: String::new(), ..span(1) }.encode_to_vec()[..], &bad].concat()),
        field(2, &span(2).encode_to_vec()),
    ];
    let request = field(1, &field(2, &spans.concat()));
    let (rejected, message) = partial(&target.traces(&request).await);
    assert_eq!(rejected, 0);
    assert!(message.contains("UTF-8"), "told: {message:?}");
    assert_eq!(target.stored_span(&trace_id(1)).await.name, "a\u{fffd}b");
    assert_eq!(target.stored_spans(&trace_id(2)).await.len(), 1);
}

#[tokio::test]
async fn point_20_everything_else_comes_back() {
    let target = Target::start().await;
    let text = |key: &str| attribute(key, Value::StringValue(key.into()));
    let entity = EntityRef {
        schema_url: "https://schema/entity".into(),
        r#type: "service".into(),
        id_keys: vec!["service.name".into()],
        description_keys: vec!["service.version".into()],
    };
    let span = Span {
        trace_state: "vendor=1,other=2".into(),
        parent_span_id: vec![8; 8],
        flags: 0x301,
        dropped_attributes_count: 1,
        dropped_events_count: 2,
        dropped_links_count: 3,
        attributes: vec![text("a")],
        events: vec![Event {
            time_unix_nano: 7,
            name: "event".into(),
            attributes: vec![text("e")],
            dropped_attributes_count: 4,
        }],
        links: vec![Link {
            trace_id: trace_id(2),
            span_id: vec![3; 8],
            trace_state: "x=y".into(),
            attributes: vec![text("l")],
            dropped_attributes_count: 5,
            flags: 0x100,
        }],
        status: Some(Status { code: 2, message: "broken".into() }),
        ..span(1)
    };
    let scope = InstrumentationScope {
        name: "scope".into(),
        version: "1.2".into(),
        attributes: vec![text("s")],
        dropped_attributes_count: 6,
    };
    let resource =
        Resource { attributes: vec![text("service.name")], dropped_attributes_count: 7, entity_refs: vec![entity] };
    let scope_spans =
        vec![ScopeSpans { scope: Some(scope), spans: vec![span], schema_url: "https://schema/scope".into() }];
    let resource_spans =
        vec![ResourceSpans { resource: Some(resource), scope_spans, schema_url: "https://schema/resource".into() }];
    let request = ExportTraceServiceRequest { resource_spans };
    assert_eq!(partial(&target.traces(&request.encode_to_vec()).await), (0, String::new()));
    assert_eq!(target.stored(&trace_id(1)).await.expect("the trace"), request);
    let log = LogRecord {
        event_name: "login".into(),
        severity_text: "Notice".into(),
        dropped_attributes_count: 8,
        ..record("x")
    };
    assert_eq!(target.logs(&logs(vec![log]).encode_to_vec()).await.status, 200);
    let stored = &target.stored_logs().await[0];
    assert_eq!((&stored["eventName"], &stored["severityText"]), (&"login".into(), &"Notice".into()));
    assert_eq!(stored["droppedAttributesCount"], 8);
}

#[tokio::test]
async fn point_21_nothing_is_fine_too() {
    let target = Target::start().await;
    let empty = [Vec::new(), field(1, b""), field(1, &field(2, b"")), [field(1, b""), field(1, b"")].concat()];
    for request in empty {
        let answer = target.traces(&request).await;
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{request:?}");
        let answer = target.logs(&request).await;
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{request:?}");
        let called = target.call_traces(&request).await;
        assert_eq!((called.code(), called.message.len()), (0, 0), "{request:?}");
    }
    for request in ["{}", r#"{"resourceSpans":[]}"#, r#"{"resourceSpans":[{"scopeSpans":[{"spans":[]}]}]}"#] {
        let answer = http1(target.http(), "POST /v1/traces", &[JSON], request.as_bytes()).await;
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"{}"[..]), "{request}");
    }
}
