//! What OTLP asks of a receiver of JSON, case by case; and values as plain JSON.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Proto;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::json;
use tracewell_model::{Signal, UnixNanos, Value};
use tracewell_otlp::{
    Finding, JsonError, NESTING_LEVELS_MAX, decode_logs, decode_traces, display_value, logs_json_to_protobuf,
    plain_json, traces_json_to_protobuf, traces_to_json, unread_json_warning,
};

const NOW: UnixNanos = UnixNanos(1_700_000_000_000_000_000);

/// The example of the OTLP repository, shortened.
const TRACE: &str = r#"{
  "resourceSpans": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "my.service"}}]},
    "scopeSpans": [{
      "scope": {"name": "my.library", "version": "1.0.0"},
      "spans": [{
        "traceId": "5B8EFFF798038103D269B633813FC60C",
        "spanId": "eee19b7ec3c1b174",
        "parentSpanId": "EEE19B7EC3C1B173",
        "name": "I'm a server span",
        "startTimeUnixNano": "1544712660000000000",
        "endTimeUnixNano": 1544712661000000000,
        "kind": 2,
        "flags": 257,
        "attributes": [{"key": "my.span.attr", "value": {"intValue": "7"}}],
        "status": {"code": 2, "message": "no"}
      }]
    }]
  }]
}"#;

#[test]
fn the_example_of_otlp_is_read_and_written() {
    let body = traces_json_to_protobuf(TRACE.as_bytes()).expect("OTLP/JSON");
    let spans = decode_traces(&body, NOW).expect("valid").records;
    assert_eq!(spans.trace_id[0].to_string(), "5b8efff798038103d269b633813fc60c");
    assert_eq!((spans.start[0], spans.end[0]), (1_544_712_660_000_000_000, 1_544_712_661_000_000_000));
    assert_eq!((spans.kind[0], spans.status_code[0], spans.flags[0]), (2, 2, 257));
    assert_eq!(spans.service_name(0), "my.service");
    let written: serde_json::Value = serde_json::from_str(&traces_to_json(&spans)).expect("JSON");
    let expected = json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "my.service"}}]},
        "scopeSpans": [{
            "scope": {"name": "my.library", "version": "1.0.0"},
            "spans": [{
                "traceId": "5b8efff798038103d269b633813fc60c",
                "spanId": "eee19b7ec3c1b174",
                "parentSpanId": "eee19b7ec3c1b173",
                "flags": 257,
                "name": "I'm a server span",
                "kind": 2,
                "startTimeUnixNano": "1544712660000000000",
                "endTimeUnixNano": "1544712661000000000",
                "attributes": [{"key": "my.span.attr", "value": {"intValue": "7"}}],
                "status": {"code": 2, "message": "no"},
            }],
        }],
    }]});
    assert_eq!(written, expected);
}

#[test]
fn empty_requests_are_fine() {
    for text in ["{}", r#"{"resourceSpans":[]}"#, r#"{"resourceSpans":null}"#, " \u{feff}{}", "\u{feff} {}\r\n"] {
        let is_fine = traces_json_to_protobuf(text.as_bytes()).is_ok_and(|body| body.is_empty());
        // A byte order mark may stand at the start only.
        assert_eq!(is_fine, !text.starts_with(' '), "{text:?}");
    }
    let empty_span = span(r#"{"resource":null,"x":1}"#.trim_matches(['{', '}'])).expect("OTLP/JSON");
    assert_eq!(empty_span, Span::default());
}

#[test]
fn ids_are_hexadecimal_and_base64_is_refused_with_the_field() {
    for field in ["traceId", "spanId", "parentSpanId"] {
        let error = span(&format!(r#""{field}":"W47/95gDgQPSabYzgT/GDA==""#)).expect_err("base64");
        assert_eq!(error.path(), format!("resourceSpans[0].scopeSpans[0].spans[0].{field}"));
        assert!(error.message().contains("hexadecimal"), "{error}");
    }
    let error = span(r#""links":[{},{"spanId":"abc"}]"#).expect_err("an odd number of digits");
    assert_eq!(error.path(), "resourceSpans[0].scopeSpans[0].spans[0].links[1].spanId");
    assert!(span(r#""traceId":"""#).expect("an absent id").trace_id.is_empty());
}

#[test]
fn bytes_are_base64_of_either_alphabet_with_or_without_padding() {
    for text in ["+/8A", "-_8A"] {
        assert_eq!(value(&format!(r#"{{"bytesValue":"{text}"}}"#)), Some(Proto::BytesValue(vec![0xfb, 0xff, 0])));
    }
    for text in ["YQ==", "YQ"] {
        assert_eq!(value(&format!(r#"{{"bytesValue":"{text}"}}"#)), Some(Proto::BytesValue(b"a".to_vec())));
    }
    let error = body(r#"{"bytesValue":"*"}"#).expect_err("no base64");
    assert!(error.message().contains("base64"), "{error}");
}

#[test]
fn snake_case_keys_are_ignored_and_told_when_nothing_else_was_there() {
    let text = br#"{"resource_spans":[{"scope_spans":[{"spans":[{"trace_id":"00"}]}]}]}"#;
    assert!(traces_json_to_protobuf(text).expect("unknown keys are ignored").is_empty());
    let warning = unread_json_warning(Signal::Traces, text).expect("a warning");
    assert_eq!(warning, r#"ignored the key "resource_spans": OTLP/JSON keys are lowerCamelCase, as "resourceSpans""#);
    let inner = br#"{"resourceLogs":[{"scope_logs":[{}]}]}"#;
    assert!(unread_json_warning(Signal::Logs, inner).expect("a warning").contains("\"scopeLogs\""));
    let other = unread_json_warning(Signal::Logs, TRACE.as_bytes()).expect("a warning");
    assert!(other.contains("\"resourceSpans\"") && other.contains("logs"), "{other}");
    for fine in ["{}", r#"{"resourceLogs":[]}"#, "no JSON"] {
        assert_eq!(unread_json_warning(Signal::Logs, fine.as_bytes()), None, "{fine}");
    }
}

#[test]
fn enumerations_are_numbers() {
    assert_eq!(span(r#""kind":3.0"#).expect("a number").kind, 3);
    assert_eq!(span(r#""kind":77"#).expect("a number").kind, 77);
    for (field, place) in [
        (r#""kind":"SPAN_KIND_SERVER""#, "kind"),
        (r#""kind":"2""#, "kind"),
        (r#""status":{"code":"STATUS_CODE_ERROR"}"#, "status.code"),
    ] {
        let error = span(field).expect_err("a string");
        assert_eq!(error.path(), format!("resourceSpans[0].scopeSpans[0].spans[0].{place}"));
        assert!(error.message().contains("enumeration"), "{error}");
    }
    assert!(record(r#""severityNumber":"INFO""#).is_err());
}

#[test]
fn integers_of_64_bits_are_strings_or_numbers() {
    for text in ["\"1544712660000000000\"", "1544712660000000000", "1.54471266e18", "\"154471266e10\""] {
        let time = span(&format!(r#""startTimeUnixNano":{text}"#)).expect(text).start_time_unix_nano;
        assert_eq!(time, 1_544_712_660_000_000_000, "{text}");
    }
    for text in ["-9223372036854775808", "\"-9223372036854775808\""] {
        assert_eq!(value(&format!(r#"{{"intValue":{text}}}"#)), Some(Proto::IntValue(i64::MIN)));
    }
    for text in ["1.5", "-1", "18446744073709551616", "\"\"", "\"12x\"", "true", "{}", "\"0x1\""] {
        assert!(span(&format!(r#""startTimeUnixNano":{text}"#)).is_err(), "{text}");
    }
    for text in ["-1", "4294967296", "1.5"] {
        assert!(span(&format!(r#""droppedEventsCount":{text}"#)).is_err(), "{text}");
    }
    assert_eq!(span(r#""droppedEventsCount":"4294967295""#).expect("fits").dropped_events_count, u32::MAX);
}

#[test]
fn floats_that_json_lacks_are_strings() {
    let double = |text: &str| match value(&format!(r#"{{"doubleValue":{text}}}"#)) {
        Some(Proto::DoubleValue(value)) => value,
        other => panic!("{other:?}"),
    };
    assert!(double("\"NaN\"").is_nan());
    assert_eq!(double("\"Infinity\""), f64::INFINITY);
    assert_eq!(double("\"-Infinity\""), f64::NEG_INFINITY);
    assert_eq!((double("0.1"), double("\"1e3\""), double("7")), (0.1, 1000.0, 7.0));
    for text in ["\"inf\"", "\"nan\"", "1e999", "\"\"", "true"] {
        assert!(body(&format!(r#"{{"doubleValue":{text}}}"#)).is_err(), "{text}");
    }
}

#[test]
fn null_is_as_good_as_absent() {
    let nulls = span(r#""traceId":null,"kind":null,"attributes":null,"events":[null],"status":null,"flags":null"#);
    assert_eq!(nulls.expect("OTLP/JSON"), Span::default());
    assert_eq!(value(r#"{"stringValue":null}"#), None);
    let list = value(r#"{"arrayValue":{"values":[{"intValue":1},null,{"intValue":3}]}}"#);
    let Some(Proto::ArrayValue(list)) = list else { panic!("{list:?}") };
    assert_eq!(list.values.len(), 3, "the others keep their places");
}

#[test]
fn unknown_keys_of_any_shape_are_ignored() {
    for junk in ["1", "null", "\"x\"", "[[{\"a\":[]}],{}]", "{\"stringValue\":{\"intValue\":\"x\"}}"] {
        let text = format!(
            r#""new":{junk},"name":"kept","attributes":[{{"new":{junk},"value":{{"new":{junk},"boolValue":true}}}}]"#
        );
        let span = span(&text).expect("OTLP/JSON");
        assert_eq!(span.name, "kept");
        let value = span.attributes[0].value.as_ref().and_then(|value| value.value.as_ref());
        assert_eq!(value, Some(&Proto::BoolValue(true)), "{junk}");
    }
}

#[test]
fn of_duplicate_keys_the_last_value_counts_and_lists_are_joined() {
    let span = span(r#""name":"a","name":"b","events":[{"name":"1"}],"events":[{"name":"2"}]"#).expect("OTLP/JSON");
    assert_eq!((&*span.name, span.events.len()), ("b", 2));
    assert_eq!(value(r#"{"stringValue":"a","intValue":1}"#), Some(Proto::IntValue(1)));
}

#[test]
fn strings_may_hold_anything() {
    let long = "x".repeat(10 << 20);
    for (json, text) in [
        (r#""\u0000\u001f""#, "\0\u{1f}"),
        (r#""\ud83d\ude00""#, "\u{1F600}"),
        (r#""a\ud83db""#, "a\u{FFFD}b"),
        (r#""\ude00""#, "\u{FFFD}"),
        (&format!("\"{long}\""), &*long),
    ] {
        assert_eq!(value(&format!(r#"{{"stringValue":{json}}}"#)), Some(Proto::StringValue(text.into())));
    }
}

#[test]
fn bytes_that_are_not_utf8_are_repaired_and_told_by_the_decoder() {
    let text = [&br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityText":"caf"#[..], b"\xe9", br#""}]}]}]}"#];
    let body = logs_json_to_protobuf(&text.concat()).expect("OTLP/JSON");
    let decoded = decode_logs(&body, NOW).expect("valid");
    assert_eq!(decoded.records.severity_text.get(0), "caf\u{FFFD}");
    assert_eq!(decoded.report.count(Finding::InvalidUtf8), 1);
}

#[test]
fn wrong_shapes_are_refused_with_their_place() {
    for (text, message) in [
        ("[]", "expected an object, found an array"),
        ("{} x", "not valid JSON: expected nothing after the request at byte 3"),
        ("{}{}", "not valid JSON: expected nothing after the request at byte 2"),
        ("", "not valid JSON: expected a value at byte 0"),
        (r#"{"resourceSpans":{}}"#, "resourceSpans: expected an array, found an object"),
        (r#"{"resourceSpans":[{"resource":[]}]}"#, "resourceSpans[0].resource: expected an object, found an array"),
        (r#"{"resourceSpans":[{"schemaUrl":1}]}"#, "resourceSpans[0].schemaUrl: expected a string, found a number"),
        (r#"{"resourceSpans":[{]}"#, "resourceSpans[0]: not valid JSON: expected a key in quotes at byte 19"),
    ] {
        assert_eq!(traces_json_to_protobuf(text.as_bytes()).expect_err(text).to_string(), message, "{text}");
    }
    for cut in 0..TRACE.len() {
        assert!(traces_json_to_protobuf(&TRACE.as_bytes()[..cut]).is_err(), "cut to {cut} bytes");
    }
}

#[test]
fn what_sdks_may_nest_survives_and_what_is_deeper_is_truncated_and_told() {
    for (levels, truncated) in [(64, 0), (NESTING_LEVELS_MAX, 0), (NESTING_LEVELS_MAX + 1, 1), (100_000, 1)] {
        for (open, close) in
            [(r#"{"arrayValue":{"values":["#, "]}}"), (r#"{"kvlistValue":{"values":[{"key":"k","value":"#, "}]}}")]
        {
            let value = [&open.repeat(levels - 1), r#"{"stringValue":"core"}"#, &close.repeat(levels - 1)].concat();
            let body = logs_json_to_protobuf(request_of_body(&value).as_bytes()).expect("OTLP/JSON");
            let decoded = decode_logs(&body, NOW).expect("valid");
            assert_eq!(decoded.report.count(Finding::TooDeep), truncated, "{levels} levels");
            let has_core = plain_json(decoded.records.body.get(0)).to_string().contains("core");
            assert_eq!(has_core, truncated == 0);
        }
    }
}

#[test]
fn depth_bombs_cost_no_stack() {
    let bombs = [
        r#"{"new":"#.to_owned() + &"[".repeat(10 << 20),
        r#"{"resourceSpans":"#.repeat(1 << 19),
        request_of_body(&r#"{"arrayValue":{"values":["#.repeat(1 << 18)),
    ];
    let small = std::thread::Builder::new().stack_size(512 << 10);
    let refused = move || bombs.iter().all(|bomb| logs_json_to_protobuf(bomb.as_bytes()).is_err());
    assert!(small.spawn(refused).expect("a thread").join().expect("no overflow"));
}

#[test]
fn values_are_plain_json_for_the_api() {
    let list = value_of(r#"{"arrayValue":{"values":[{"intValue":1},{},{"bytesValue":"AA=="},{"doubleValue":"NaN"}]}}"#);
    let entries = r#"{"kvlistValue":{"values":[{"key":"a","value":{"boolValue":true}},{"key":"n"},
        {"key":"a","value":{"kvlistValue":{"values":[]}}},{"key":"big","value":{"intValue":"9007199254740993"}}]}}"#;
    let entries = value_of(entries);
    for (value, json, text) in [
        (Value::Absent, json!(null), ""),
        (Value::Empty, json!(null), ""),
        (Value::String("a \"b\""), json!("a \"b\""), "a \"b\""),
        (Value::Bool(true), json!(true), "true"),
        (Value::Int(-(1 << 53)), json!(-9007199254740992i64), "-9007199254740992"),
        (Value::Int((1 << 53) + 1), json!("9007199254740993"), "9007199254740993"),
        (Value::Double(0.5), json!(0.5), "0.5"),
        (Value::Double(1e300), json!(1e300), "1e300"),
        (Value::Double(f64::NEG_INFINITY), json!("-Infinity"), "-Infinity"),
        (Value::Bytes(b"\0"), json!({"bytes": "AA=="}), "AA=="),
        (Value::Array(&list), json!([1, null, {"bytes": "AA=="}, "NaN"]), r#"[1,null,{"bytes":"AA=="},"NaN"]"#),
        (
            Value::KeyValueList(&entries),
            json!({"a": {}, "n": null, "big": "9007199254740993"}),
            r#"{"a":{},"big":"9007199254740993","n":null}"#,
        ),
    ] {
        assert_eq!(plain_json(value), json);
        let shown = display_value(value);
        match serde_json::from_str::<serde_json::Value>(text) {
            Ok(expected) if expected.is_object() => assert_eq!(plain_json(value), expected),
            _ => assert_eq!(shown, text),
        }
    }
}

#[test]
fn damaged_nested_values_are_shown_as_far_as_they_can_be_read() {
    for damaged in [&[0x2a, 0x7f][..], &[0xff; 30], &[0x2a, 0x02, 0x0a, 0x09], &[0x32, 0x02, 0x0a, 0x00]] {
        let _ = plain_json(Value::Array(damaged));
        let _ = display_value(Value::KeyValueList(damaged));
    }
    assert_eq!(plain_json(Value::Array(&[0x2a, 0x02, 0x0a, 0x00, 0xff])), json!([null]));
}

fn span(fields: &str) -> Result<Span, JsonError> {
    let text = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{fields}}}]}}]}}]}}"#);
    let body = traces_json_to_protobuf(text.as_bytes())?;
    let mut request = ExportTraceServiceRequest::decode(&*body).expect("protobuf");
    Ok(request.resource_spans.remove(0).scope_spans.remove(0).spans.remove(0))
}

fn record(fields: &str) -> Result<LogRecord, JsonError> {
    let text = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{{fields}}}]}}]}}]}}"#);
    let body = logs_json_to_protobuf(text.as_bytes())?;
    let mut request = ExportLogsServiceRequest::decode(&*body).expect("protobuf");
    Ok(request.resource_logs.remove(0).scope_logs.remove(0).log_records.remove(0))
}

fn request_of_body(value: &str) -> String {
    format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{value}}}]}}]}}]}}"#)
}

fn body(value: &str) -> Result<AnyValue, JsonError> {
    record(&format!(r#""body":{value}"#)).map(|record| record.body.expect("a body"))
}

fn value(value: &str) -> Option<Proto> {
    body(value).expect("OTLP/JSON").value
}

/// The encoded `AnyValue`.
fn value_of(value: &str) -> Vec<u8> {
    body(value).expect("OTLP/JSON").encode_to_vec()
}
