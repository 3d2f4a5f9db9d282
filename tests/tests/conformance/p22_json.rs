//! Points 22 to 34: OTLP/JSON.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue};
use prost::Message;

use crate::payload::{attribute, json_span, now, trace_id};
use crate::target::Target;
use crate::wire::{Answer, JSON, http1};

fn assert_accepted(answer: &Answer) {
    assert_eq!((answer.status, String::from_utf8_lossy(&answer.body).as_ref()), (200, "{}"));
}

fn any(value: Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

/// The field that a refusal blames.
fn blamed(answer: &Answer) -> String {
    assert_eq!((answer.status, answer.header("content-type")), (400, Some("application/json")));
    answer.json()["details"][0]["fieldViolations"][0]["field"].as_str().expect("a field").to_owned()
}

/// The value of the attribute `k` of the only span of trace `number`.
async fn stored_value(target: &Target, number: u128) -> Value {
    let span = target.stored_span(&trace_id(number)).await;
    let pair = span.attributes.into_iter().find(|pair| pair.key == "k").expect("the attribute");
    pair.value.and_then(|value| value.value).expect("a value")
}

fn with_value(number: u128, value: &str) -> String {
    json_span(number, &format!(r#""attributes":[{{"key":"k","value":{value}}}]"#))
}

#[tokio::test]
async fn point_22_ids_are_hexadecimal_and_bytes_base64() {
    let target = Target::start().await;
    let upper = json_span(
        1,
        r#""parentSpanId":"AAbbCCddEEff0011","links":[{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174"}]"#,
    );
    assert_accepted(&target.traces_json(&upper).await);
    let stored = target.stored_span(&trace_id(1)).await;
    assert_eq!(hex::encode(&stored.parent_span_id), "aabbccddeeff0011");
    assert_eq!(hex::encode(&stored.links[0].trace_id), "5b8efff798038103d269b633813fc60c");
    let base64 = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"W47/95gDgQPSabYzgT/GDA==","spanId":"7uGbfsPBsXQ="}]}]}]}"#;
    assert_eq!(blamed(&target.traces_json(base64).await), "resourceSpans[0].scopeSpans[0].spans[0].traceId");
    for (number, text) in [(2, "+/8="), (3, "-_8=")] {
        assert_accepted(&target.traces_json(&with_value(number, &format!(r#"{{"bytesValue":"{text}"}}"#))).await);
        assert_eq!(stored_value(&target, number).await, Value::BytesValue(vec![0xfb, 0xff]), "{text}");
    }
}

#[tokio::test]
async fn point_23_snake_case_is_unknown_and_warned_of() {
    let target = Target::start().await;
    let answer = target.traces_json(r#"{"resource_spans":[{"scope_spans":[{"spans":[{}]}]}]}"#).await;
    assert_eq!(answer.status, 200);
    let message = answer.json()["partialSuccess"]["errorMessage"].as_str().expect("a warning").to_owned();
    assert!(message.contains("resource_spans") && message.contains("lowerCamelCase"), "{message}");
    assert_eq!(answer.json()["partialSuccess"].get("rejectedSpans"), None);
}

#[tokio::test]
async fn point_24_enumerations_are_numbers() {
    let target = Target::start().await;
    assert_accepted(&target.traces_json(&json_span(1, r#""kind":3,"status":{"code":2}"#)).await);
    let stored = target.stored_span(&trace_id(1)).await;
    assert_eq!((stored.kind, stored.status.map(|status| status.code)), (3, Some(2)));
    let answer = target.traces_json(&json_span(2, r#""kind":"SPAN_KIND_SERVER""#)).await;
    assert_eq!(blamed(&answer), "resourceSpans[0].scopeSpans[0].spans[0].kind");
    let answer =
        target.logs_json(r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":"INFO"}]}]}]}"#).await;
    assert_eq!(blamed(&answer), "resourceLogs[0].scopeLogs[0].logRecords[0].severityNumber");
}

#[tokio::test]
async fn point_25_large_integers_as_text_or_number() {
    let target = Target::start().await;
    for (number, text, value) in [
        (1, r#""9223372036854775807""#, i64::MAX),
        (2, "9223372036854775807", i64::MAX),
        (3, "-9223372036854775808", i64::MIN),
        (4, "1.5e3", 1500),
        (5, r#""2E2""#, 200),
        (6, "7.0", 7),
    ] {
        assert_accepted(&target.traces_json(&with_value(number, &format!(r#"{{"intValue":{text}}}"#))).await);
        assert_eq!(stored_value(&target, number).await, Value::IntValue(value), "{text}");
    }
    for text in ["1.5", "9223372036854775808", r#""x""#] {
        let answer = target.traces_json(&with_value(7, &format!(r#"{{"intValue":{text}}}"#))).await;
        assert_eq!(answer.status, 400, "{text}");
    }
    let time = format!(r#""endTimeUnixNano":{}"#, now() + 1_000_000_000);
    assert_accepted(&target.traces_json(&json_span(8, &time)).await);
}

#[tokio::test]
async fn point_26_doubles_that_are_no_numbers() {
    let target = Target::start().await;
    for (number, text) in [(1, "NaN"), (2, "Infinity"), (3, "-Infinity")] {
        assert_accepted(&target.traces_json(&with_value(number, &format!(r#"{{"doubleValue":"{text}"}}"#))).await);
        let Value::DoubleValue(stored) = stored_value(&target, number).await else { panic!("no double") };
        let expected: f64 = text.parse().expect("a double");
        assert_eq!(stored.to_bits(), expected.to_bits(), "{text}");
    }
    assert_accepted(&target.traces_json(&with_value(4, r#"{"doubleValue":"1.5"}"#)).await);
    assert_eq!(stored_value(&target, 4).await, Value::DoubleValue(1.5));
}

#[tokio::test]
async fn point_27_null_is_absent() {
    let target = Target::start().await;
    let nulls = r#""name":null,"kind":null,"attributes":null,"status":null"#;
    assert_accepted(
        &target.traces_json(&json_span(1, nulls).replace("]}]}]}", r#"],"scope":null}],"resource":null}]}"#)).await,
    );
    let stored = target.stored_span(&trace_id(1)).await;
    assert_eq!((stored.name.as_str(), stored.kind, stored.attributes.len()), ("", 0, 0));
}

#[tokio::test]
async fn point_28_unknown_keys_of_any_shape_are_ignored() {
    let target = Target::start().await;
    let junk = r#""junk":{"a":[1,{"b":null}],"c":"]}"},"more":[[[]]],"name":"kept","attributes":[{"key":"k","x":1,"value":{"y":{"z":2},"stringValue":"v"}}]"#;
    assert_accepted(&target.traces_json(&json_span(1, junk)).await);
    let stored = target.stored_span(&trace_id(1)).await;
    assert_eq!(
        (stored.name.as_str(), stored.attributes),
        ("kept", vec![attribute("k", Value::StringValue("v".into()))])
    );
}

#[tokio::test]
async fn point_29_duplicate_keys_are_deterministic() {
    let target = Target::start().await;
    for number in 1..4 {
        assert_accepted(&target.traces_json(&json_span(number, r#""name":"first","name":"last""#)).await);
        assert_eq!(target.stored_span(&trace_id(number)).await.name, "last");
    }
}

#[tokio::test]
async fn point_30_byte_order_mark_and_white_space() {
    let target = Target::start().await;
    let request = format!("\u{feff} \r\n\t{}\n ", json_span(1, ""));
    assert_accepted(&target.traces_json(&request).await);
    assert_eq!(target.stored_spans(&trace_id(1)).await.len(), 1);
}

#[tokio::test]
async fn point_31_odd_text_and_long_text() {
    let target = Target::start().await;
    assert_accepted(&target.traces_json(&json_span(1, r#""name":"nul \u0000 and \ud83d\ude00""#)).await);
    assert_eq!(target.stored_span(&trace_id(1)).await.name, "nul \0 and 😀");
    let answer = target.traces_json(&json_span(2, r#""name":"lone \ud83d surrogate""#)).await;
    assert_eq!(answer.status, 200);
    assert!(target.stored_span(&trace_id(2)).await.name.contains('\u{fffd}'));
    let long = "x".repeat(10_000_000);
    assert_accepted(&target.traces_json(&json_span(3, &format!(r#""name":"{long}""#))).await);
    assert_eq!(target.stored_span(&trace_id(3)).await.name, long);
    let nested =
        format!("{}{}{}", r#"{"arrayValue":{"values":["#.repeat(63), r#"{"stringValue":"deep"}"#, "]}}".repeat(63));
    assert_accepted(&target.traces_json(&with_value(4, &nested)).await);
    let deep = (0..63).fold(any(Value::StringValue("deep".into())), |value, _| {
        any(Value::ArrayValue(ArrayValue { values: vec![value] }))
    });
    // Not decoded, because prost takes no more than some forty levels.
    let path = format!("/traces/{}", hex::encode(trace_id(4)));
    let stored = target.api.get_bytes(&path, "application/x-protobuf").await.expect("the trace");
    let deep = deep.encode_to_vec();
    assert!(stored.windows(deep.len()).any(|window| window == deep), "63 levels");
}

#[tokio::test]
async fn point_32_what_follows_the_document_is_refused() {
    let target = Target::start().await;
    for tail in ["x", "{}", "]", "\0"] {
        let answer = target.traces_json(&format!("{}{tail}", json_span(1, ""))).await;
        assert_eq!(answer.status, 400, "{tail:?}");
    }
    assert_eq!(target.stored(&trace_id(1)).await, None);
}

#[tokio::test]
async fn point_33_counts_in_answers_are_text() {
    let target = Target::start().await;
    let answer = target.traces_json(r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"no ids"},{}]}]}]}"#).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["partialSuccess"]["rejectedSpans"], serde_json::Value::String("2".into()));
}

#[tokio::test]
async fn point_34_errors_are_of_the_type_of_the_request() {
    let target = Target::start().await;
    let answer = target.traces_json("{").await;
    assert_eq!((answer.status, answer.header("content-type")), (400, Some("application/json")));
    assert_eq!(answer.json()["code"], 3);
    let answer = target.traces(b"\xff").await;
    assert_eq!((answer.status, answer.header("content-type")), (400, Some("application/x-protobuf")));
    assert_eq!(answer.status_message().code, 3);
    let answer = http1(target.http(), "POST /nowhere", &[JSON], b"{}").await;
    assert_eq!((answer.status, answer.header("content-type")), (404, Some("application/json")));
}
