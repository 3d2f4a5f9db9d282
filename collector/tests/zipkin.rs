//! Zipkin's collector API, as far as the storage sees it.

mod support;

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use support::{Harness, gzip, start_default};
use tower::ServiceExt;

async fn post(harness: &Harness, headers: &[(&str, &str)], body: impl Into<Body>) -> (StatusCode, Vec<u8>) {
    let mut request = Request::post("/zipkin/api/v2/spans");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(body.into()).expect("a request");
    let response = harness.collector.zipkin_router().oneshot(request).await.expect("a response");
    let status = response.status();
    (status, response.into_body().collect().await.expect("a body").to_bytes().to_vec())
}

fn stored(harness: &Harness) -> ExportTraceServiceRequest {
    let appended = harness.sink.appended.lock().pop().expect("an append");
    ExportTraceServiceRequest::decode(appended.body).expect("OTLP")
}

fn attributes(list: &[KeyValue]) -> Vec<(String, String)> {
    let text = |pair: &KeyValue| match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(truth)) => truth.to_string(),
        other => format!("{other:?}"),
    };
    list.iter().map(|pair| (pair.key.clone(), text(pair))).collect()
}

fn spans(request: &ExportTraceServiceRequest) -> Vec<&Span> {
    request.resource_spans.iter().flat_map(|group| &group.scope_spans).flat_map(|group| &group.spans).collect()
}

const SPANS: &str = r#"[
  {"traceId":"86154a4ba6e91385","id":"4d1e00c0db9010db","parentId":"86154a4ba6e91385","kind":"CLIENT","name":"get /api",
   "timestamp":1472470996199000,"duration":207000,
   "localEndpoint":{"serviceName":"frontend","ipv4":"127.0.0.1"},
   "remoteEndpoint":{"serviceName":"backend","ipv4":"192.168.99.101","port":9000},
   "annotations":[{"timestamp":1472470996238000,"value":"foo"},{"timestamp":1472470996403000,"value":"bar"}],
   "tags":{"http.path":"/api","error":"timed out"}},
  {"traceId":"86154a4ba6e91385","id":"4d1e00c0db9010db","parentId":"86154a4ba6e91385","kind":"SERVER","name":"get /api","shared":true,
   "timestamp":1472470996250000,"duration":100000,"localEndpoint":{"serviceName":"backend"},"debug":true}
]"#;

#[tokio::test]
async fn spans_become_otlp() {
    let harness = start_default().await;
    let (status, body) = post(&harness, &[("content-type", "application/json")], SPANS).await;
    assert_eq!((status, body.as_slice()), (StatusCode::ACCEPTED, &b""[..]));
    let request = stored(&harness);
    let services: Vec<_> = request
        .resource_spans
        .iter()
        .map(|group| attributes(&group.resource.as_ref().expect("a resource").attributes))
        .collect();
    assert_eq!(services[0], [("service.name".into(), "frontend".into())]);
    assert_eq!(services[1], [("service.name".into(), "backend".into())]);
    let spans = spans(&request);
    let (client, server) = (spans[0], spans[1]);
    assert_eq!(client.trace_id, [[0; 8], [0x86, 0x15, 0x4a, 0x4b, 0xa6, 0xe9, 0x13, 0x85]].concat());
    assert_eq!(client.span_id, [0x4d, 0x1e, 0, 0xc0, 0xdb, 0x90, 0x10, 0xdb]);
    assert_eq!(client.parent_span_id, client.trace_id[8..]);
    assert_eq!((client.kind, server.kind), (3, 2));
    assert_eq!(client.start_time_unix_nano, 1_472_470_996_199_000_000);
    assert_eq!(client.end_time_unix_nano, 1_472_470_996_406_000_000);
    assert_eq!(
        attributes(&client.attributes),
        [
            ("http.path", "/api"),
            ("error", "timed out"),
            ("network.local.address", "127.0.0.1"),
            ("network.peer.address", "192.168.99.101"),
            ("network.peer.port", "9000"),
            ("peer.service", "backend"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
    );
    let events: Vec<(u64, &str)> =
        client.events.iter().map(|event| (event.time_unix_nano, event.name.as_str())).collect();
    assert_eq!(events, [(1_472_470_996_238_000_000, "foo"), (1_472_470_996_403_000_000, "bar")]);
    let status = client.status.as_ref().expect("a status");
    assert_eq!((status.code, status.message.as_str()), (2, "timed out"));
    assert_eq!(server.status, None);
    assert_ne!(server.span_id, client.span_id, "the server's half is a span of its own");
    assert_eq!(server.parent_span_id, client.span_id);
    assert!(attributes(&server.attributes).contains(&("zipkin.span_id".into(), "4d1e00c0db9010db".into())));
}

#[tokio::test]
async fn nothing_and_an_empty_list_are_fine() {
    let harness = start_default().await;
    for body in ["", "[]"] {
        assert_eq!(post(&harness, &[], body).await.0, StatusCode::ACCEPTED, "{body:?}");
    }
    assert_eq!(harness.appended(), 0);
}

#[tokio::test]
async fn compressed_bodies_and_tenants_are_taken() {
    let harness = start_default().await;
    let headers = [("content-encoding", "gzip"), ("x-scope-orgid", "team-a")];
    assert_eq!(post(&harness, &headers, gzip(SPANS.as_bytes())).await.0, StatusCode::ACCEPTED);
    assert_eq!(harness.sink.appended.lock()[0].tenant.as_str(), "team-a");
}

#[tokio::test]
async fn a_resend_has_the_same_hash_even_without_times() {
    let harness = start_default().await;
    let body = r#"[{"traceId":"1","id":"2"}]"#;
    for _ in 0..2 {
        assert_eq!(post(&harness, &[], body).await.0, StatusCode::ACCEPTED);
    }
    let appended = harness.sink.appended.lock();
    assert_eq!(appended[0].request_hash, appended[1].request_hash);
    let span = ExportTraceServiceRequest::decode(appended[0].body.clone()).expect("OTLP");
    assert!(spans(&span)[0].start_time_unix_nano > 1_700_000_000_000_000_000, "the time of receiving");
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let harness = start_default().await;
    let body = r#"[{"traceId":"1","id":"2"},{"traceId":"1","id":"nope"}]"#;
    let (status, body) = post(&harness, &[], body).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let answer: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(answer["details"][0]["fieldViolations"][0]["field"], "[1].id");
    let (status, _) = post(&harness, &[("content-type", "application/x-protobuf")], "").await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let get = Request::get("/zipkin/api/v2/spans").body(Body::empty()).expect("a request");
    let response = harness.collector.zipkin_router().oneshot(get).await.expect("a response");
    assert_eq!(
        (response.status(), &response.headers()["allow"]),
        (StatusCode::METHOD_NOT_ALLOWED, &http::HeaderValue::from_static("POST"))
    );
}
