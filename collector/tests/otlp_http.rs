//! OTLP/HTTP on a real socket.

mod support;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use support::clients::{Http1, JSON, PROTOBUF, http1, request};
use support::{Behaviour, config, gzip, logs, start, start_default, traces, traces_of_bytes, traces_with_bad_spans};
use support::{zlib, zstd};
use tracewell_collector::CollectorConfig;
use tracewell_otlp::ContentEncoding;

const TRACES: &str = "POST /v1/traces";

#[tokio::test]
async fn full_success_has_an_empty_answer_of_the_same_type() {
    let harness = start_default().await;
    let answer = http1(harness.http(), TRACES, &[PROTOBUF], &traces(3, 5).encode_to_vec()).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b""[..]));
    assert_eq!(answer.header("content-type"), Some("application/x-protobuf"));
    let answer = http1(harness.http(), "POST /v1/logs", &[PROTOBUF], &logs(2).encode_to_vec()).await;
    assert_eq!(answer.status, 200);
    let json = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c",
        "spanId":"eee19b7ec3c1b174","name":"a","startTimeUnixNano":"1","endTimeUnixNano":"2"}]}]}]}"#;
    let answer = http1(harness.http(), TRACES, &[("content-type", "Application/JSON; charset=utf-8")], json).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"{}"[..]));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let counts: Vec<usize> = harness.sink.appended.lock().iter().map(|append| append.records.len()).collect();
    assert_eq!(counts, [3, 2, 1]);
    let stats = harness.collector.stats();
    assert_eq!((stats.spans_accepted, stats.logs_accepted, stats.requests_refused), (4, 2, 0));
}

#[tokio::test]
async fn rejected_spans_are_counted_exactly() {
    let harness = start_default().await;
    let answer = http1(harness.http(), TRACES, &[PROTOBUF], &traces_with_bad_spans(5, 2).encode_to_vec()).await;
    assert_eq!(answer.status, 200);
    let response = ExportTraceServiceResponse::decode(answer.body.as_slice()).expect("a response");
    let partial = response.partial_success.expect("partial success");
    assert_eq!(partial.rejected_spans, 2);
    assert!(partial.error_message.contains("trace_id"), "{}", partial.error_message);
    assert_eq!(harness.sink.appended.lock()[0].records.len(), 5);
    let json = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"no ids"}]}]}]}"#;
    let answer = http1(harness.http(), TRACES, &[JSON], json).await;
    assert_eq!(answer.json()["partialSuccess"]["rejectedSpans"], "1");
    assert_eq!(harness.appended(), 1, "nothing to store of a request without good spans");
}

#[tokio::test]
async fn every_refusal_has_its_status_and_a_google_rpc_status() {
    let harness = start_default().await;
    let good = traces(1, 1).encode_to_vec();
    let bad_gzip = gzip(&good)[..20].to_vec();
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [u8], u16, i32, &'a str);
    let cases: &[Case] = &[
        ("GET /v1/traces", &[PROTOBUF], b"", 405, 12, "POST"),
        ("PUT /v1/logs/", &[PROTOBUF], &good, 405, 12, "POST"),
        ("POST /", &[PROTOBUF], &good, 404, 5, "/v1/traces"),
        ("POST /v1/trace", &[PROTOBUF], &good, 404, 5, "/v1/traces"),
        ("POST /v1/metrics", &[PROTOBUF], &good, 404, 12, "metrics are not stored"),
        ("POST /v1development/profiles", &[PROTOBUF], &good, 404, 12, "profiles are not stored"),
        (TRACES, &[PROTOBUF, ("Content-Encoding", "br")], &good, 415, 12, "\"br\""),
        (TRACES, &[PROTOBUF, ("Content-Encoding", "gzip")], &bad_gzip, 400, 3, "gzip"),
        (TRACES, &[PROTOBUF, ("Content-Encoding", "gzip")], &good, 400, 3, "gzip"),
        (TRACES, &[PROTOBUF], b"\x0a\xff", 400, 3, "field 1"),
        (TRACES, &[PROTOBUF, ("X-Scope-OrgID", "../etc")], &good, 400, 3, "../etc"),
        (TRACES, &[PROTOBUF, ("X-Scope-OrgID", "a|b")], &good, 400, 3, "a|b"),
        (TRACES, &[PROTOBUF, ("X-Scope-OrgID", "a"), ("X-Scope-OrgID", "b")], &good, 400, 3, "twice"),
    ];
    for (line, headers, body, status, code, says) in cases {
        let answer = http1(harness.http(), line, headers, body).await;
        assert_eq!(answer.status, *status, "{line} {headers:?}");
        assert_eq!(answer.header("content-type"), Some("application/x-protobuf"), "{line} {headers:?}");
        assert_eq!(answer.header("retry-after"), None, "{line}");
        let message = answer.status_message();
        assert_eq!(message.code, *code, "{line} {headers:?}");
        assert!(message.message.contains(says), "{line}: {}", message.message);
        let has_field = message.details.iter().any(|detail| detail.type_url.ends_with("google.rpc.BadRequest"));
        assert_eq!(has_field, *code == 3, "{line}");
    }
    assert_eq!(harness.appended(), 0);
}

#[tokio::test]
async fn errors_are_json_when_the_request_is_or_its_type_is_unknown() {
    let harness = start_default().await;
    for (headers, status) in [
        (vec![JSON], 400),
        (vec![("Content-Type", "text/plain")], 415),
        (vec![], 415),
        (vec![("Content-Type", "")], 415),
    ] {
        let answer = http1(harness.http(), TRACES, &headers, b"{\"resourceSpans\":7}").await;
        assert_eq!(answer.status, status, "{headers:?}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert!(answer.json()["message"].as_str().is_some_and(|message| !message.is_empty()));
    }
    let base64 = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"W47/95gDgQPSabYzgT/GDA=="}]}]}]}"#;
    let answer = http1(harness.http(), TRACES, &[JSON], base64).await;
    assert_eq!(answer.status, 400);
    let field = &answer.json()["details"][0]["fieldViolations"][0]["field"];
    assert_eq!(field, "resourceSpans[0].scopeSpans[0].spans[0].traceId");
}

#[tokio::test]
async fn methods_that_are_not_allowed_name_the_one_that_is() {
    let harness = start_default().await;
    for line in ["GET /v1/traces", "DELETE /v1/logs", "OPTIONS /v1/traces"] {
        let answer = http1(harness.http(), line, &[], b"").await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{line}");
    }
}

#[tokio::test]
async fn every_encoding_is_taken_and_kept_as_it_came() {
    let harness = start_default().await;
    let plain = traces(40, 30).encode_to_vec();
    let two_members = [gzip(&plain[..100]), gzip(&plain[100..])].concat();
    for (name, body, encoding) in [
        ("identity", plain.clone(), ContentEncoding::Identity),
        ("GZIP", gzip(&plain), ContentEncoding::Gzip),
        ("gzip", two_members, ContentEncoding::Gzip),
        ("zstd", zstd(&plain), ContentEncoding::Zstd),
        ("deflate", zlib(&plain), ContentEncoding::Deflate),
    ] {
        let answer = http1(harness.http(), TRACES, &[PROTOBUF, ("Content-Encoding", name)], &body).await;
        assert_eq!(answer.status, 200, "{name}");
        let appended = harness.sink.appended.lock().pop().expect("an append");
        assert_eq!((appended.encoding, &appended.body[..]), (encoding, &body[..]), "{name}");
        assert_eq!(appended.records.len(), 40);
    }
}

#[tokio::test]
async fn the_same_records_have_the_same_hash_however_they_are_sent() {
    let harness = start_default().await;
    let plain = traces(2, 3).encode_to_vec();
    for (headers, body) in [
        (vec![PROTOBUF], plain.clone()),
        (vec![PROTOBUF, ("Content-Encoding", "zstd")], zstd(&plain)),
        (vec![PROTOBUF], traces(2, 4).encode_to_vec()),
    ] {
        assert_eq!(http1(harness.http(), TRACES, &headers, &body).await.status, 200);
    }
    let hashes: Vec<u128> = harness.sink.appended.lock().iter().map(|append| append.request_hash).collect();
    assert_eq!(hashes[0], hashes[1]);
    assert_ne!(hashes[0], hashes[2]);
}

#[tokio::test]
async fn the_size_limit_is_exact_before_and_after_decompression() {
    let limit = 100_000;
    let harness = start(CollectorConfig { request_bytes_max: limit, ..config() }).await;
    for (bytes, status) in [(limit - 1, 200), (limit, 200), (limit + 1, 413)] {
        let plain = traces_of_bytes(bytes);
        for (name, body) in [("identity", plain.clone()), ("gzip", gzip(&plain)), ("zstd", zstd(&plain))] {
            let answer = http1(harness.http(), TRACES, &[PROTOBUF, ("Content-Encoding", name)], &body).await;
            assert_eq!(answer.status, status, "{bytes} bytes, {name}");
            assert_eq!(answer.header("retry-after"), None);
            if status == 413 {
                assert_eq!(answer.status_message().code, 8);
            }
        }
    }
}

#[tokio::test]
async fn a_body_without_a_length_is_refused_when_it_gets_too_large() {
    let harness = start(CollectorConfig { request_bytes_max: 10_000, ..config() }).await;
    let mut connection = Http1::connect(harness.http()).await;
    connection
        .send(b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    for _ in 0..4 {
        connection.send(b"bb8\r\n").await;
        connection.send(&[7; 3000]).await;
        connection.send(b"\r\n").await;
    }
    let answer = connection.answer().await.expect("an answer while the body still comes");
    assert_eq!((answer.status, answer.header("connection")), (413, Some("close")));
}

#[tokio::test]
async fn a_client_that_waits_for_100_continue_does_not_send_what_is_too_large() {
    let harness = start(CollectorConfig { request_bytes_max: 1000, ..config() }).await;
    let head = |length: usize| {
        format!(
            "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: {length}\r\n\
             Expect: 100-continue\r\n\r\n"
        )
    };
    let mut connection = Http1::connect(harness.http()).await;
    connection.send(head(2000).as_bytes()).await;
    assert_eq!(connection.answer().await.expect("an answer").status, 413);
    let body = traces(1, 1).encode_to_vec();
    let mut connection = Http1::connect(harness.http()).await;
    connection.send(head(body.len()).as_bytes()).await;
    assert_eq!(connection.answer().await.expect("leave to go on").status, 100);
    connection.send(&body).await;
    assert_eq!(connection.answer().await.expect("an answer").status, 200);
}

#[tokio::test]
async fn a_client_that_sends_all_before_it_reads_sees_why_it_was_refused() {
    let harness = start(CollectorConfig { request_bytes_max: 8 << 20, ..config() }).await;
    let body = vec![7; 12 << 20];
    let answer = http1(harness.http(), TRACES, &[PROTOBUF], &body).await;
    assert_eq!(answer.status, 413);
}

#[tokio::test]
async fn a_connection_is_good_for_a_thousand_requests() {
    let harness = start_default().await;
    let mut connection = Http1::connect(harness.http()).await;
    let body = traces(1, 1).encode_to_vec();
    for number in 0..1000 {
        connection.send(&request(TRACES, &[PROTOBUF], &body)).await;
        assert_eq!(connection.answer().await.expect("an answer").status, 200, "request {number}");
    }
}

#[tokio::test]
async fn a_full_disk_is_a_reason_to_send_again() {
    let harness = start_default().await;
    harness.behave(Behaviour::Unavailable);
    let answer = http1(harness.http(), TRACES, &[PROTOBUF], &traces(1, 1).encode_to_vec()).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("2")));
    let message = answer.status_message();
    assert_eq!((message.code, message.message.as_str()), (14, "the disk is full"));
    assert!(message.details[0].type_url.ends_with("google.rpc.RetryInfo"));
    assert!(harness.metrics().contains(r#"outcome="storage_unavailable"} 1"#), "{}", harness.metrics());
}

#[tokio::test]
async fn a_body_that_makes_us_panic_is_retryable_twice_and_then_put_aside() {
    let letters = tempfile::tempdir().expect("a directory");
    let harness = start(CollectorConfig { dead_letter_dir: Some(letters.path().into()), ..config() }).await;
    harness.behave(Behaviour::Panic);
    let body = traces(1, 1).encode_to_vec();
    for status in [503, 503, 400, 400] {
        assert_eq!(http1(harness.http(), TRACES, &[PROTOBUF], &body).await.status, status);
    }
    let other = traces(1, 2).encode_to_vec();
    assert_eq!(http1(harness.http(), TRACES, &[PROTOBUF], &other).await.status, 503);
    let files: Vec<_> = std::fs::read_dir(letters.path()).expect("a directory").collect();
    assert_eq!(files.len(), 1);
    let path = files[0].as_ref().expect("a file").path();
    assert_eq!(std::fs::read(path).expect("the body"), body);
}

#[tokio::test]
async fn without_room_a_request_waits_and_is_then_refused_as_retryable() {
    let config = CollectorConfig {
        inflight_bytes_max: 64 << 10,
        admission_wait_max: std::time::Duration::from_millis(200),
        ..config()
    };
    let harness = start(config).await;
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    harness.behave(Behaviour::Wait(std::sync::Arc::clone(&gate)));
    let address = harness.http();
    let large = traces_of_bytes(60 << 10);
    let first = tokio::spawn(async move { http1(address, TRACES, &[PROTOBUF], &large).await });
    let begun = harness.sink.begun.clone().expect("counts");
    begun.acquire().await.expect("open").forget();
    let second = http1(address, TRACES, &[PROTOBUF], &traces_of_bytes(30 << 10)).await;
    assert_eq!((second.status, second.header("retry-after")), (503, Some("1")));
    gate.add_permits(10);
    assert_eq!(first.await.expect("a task").status, 200);
    let again = http1(address, TRACES, &[PROTOBUF], &traces_of_bytes(30 << 10)).await;
    assert_eq!(again.status, 200);
    support::eventually("all memory is given back", || harness.collector.stats().inflight_bytes == 0).await;
}

#[tokio::test]
async fn the_tenant_is_that_of_the_header() {
    let harness = start_default().await;
    let body = traces(1, 1).encode_to_vec();
    http1(harness.http(), TRACES, &[PROTOBUF], &body).await;
    http1(harness.http(), TRACES, &[PROTOBUF, ("x-scope-orgid", "team-a")], &body).await;
    let tenants: Vec<String> = harness.sink.appended.lock().iter().map(|append| append.tenant.to_string()).collect();
    assert_eq!(tenants, ["default", "team-a"]);
}

#[tokio::test]
async fn browsers_may_export_from_listed_origins_only() {
    let origins = vec!["https://shop.example".to_owned()];
    let harness = start(CollectorConfig { cors_allowed_origins: origins, ..config() }).await;
    let asks = |origin| {
        [
            ("Origin", origin),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "content-type,content-encoding,x-scope-orgid,cookie"),
        ]
    };
    for path in ["OPTIONS /v1/traces", "OPTIONS /v1/logs/"] {
        let answer = http1(harness.http(), path, &asks("https://shop.example"), b"").await;
        assert_eq!(answer.status, 204);
        assert_eq!(answer.header("access-control-allow-origin"), Some("https://shop.example"));
        assert_eq!(answer.header("access-control-allow-methods"), Some("POST"));
        assert_eq!(
            answer.header("access-control-allow-headers"),
            Some("content-type, content-encoding, x-scope-orgid")
        );
        assert_eq!(answer.header("access-control-max-age"), Some("7200"));
        assert_eq!(answer.header("vary"), Some("Origin"));
        let answer = http1(harness.http(), path, &asks("https://evil.example"), b"").await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (403, None));
    }
    harness.behave(Behaviour::Unavailable);
    let origin = ("Origin", "https://shop.example");
    let answer = http1(harness.http(), TRACES, &[PROTOBUF, origin], &traces(1, 1).encode_to_vec()).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("2")));
    assert_eq!(answer.header("access-control-expose-headers"), Some("Retry-After"));
    let beacon = http1(harness.http(), TRACES, &[("Content-Type", "text/plain"), origin], b"{}").await;
    assert_eq!(beacon.status, 415);
}

#[tokio::test]
async fn a_prefix_of_the_path_is_configurable() {
    let harness = start(CollectorConfig { http_path_prefix: "/otlp".into(), ..config() }).await;
    for path in ["/otlp/v1/traces", "/v1/traces/", "//v1/traces"] {
        let answer = http1(harness.http(), &format!("POST {path}"), &[PROTOBUF], b"").await;
        assert_eq!(answer.status, 200, "{path}");
    }
}

#[tokio::test]
async fn snake_case_json_is_answered_with_a_warning() {
    let harness = start_default().await;
    let answer = http1(harness.http(), TRACES, &[JSON], br#"{"resource_spans":[{"scope_spans":[]}]}"#).await;
    assert_eq!(answer.status, 200);
    let message = answer.json()["partialSuccess"]["errorMessage"].as_str().expect("a warning").to_owned();
    assert!(message.contains("lowerCamelCase"), "{message}");
    for empty in ["{}", r#"{"resourceSpans":[]}"#, r#"{"resourceSpans":[{}]}"#] {
        let answer = http1(harness.http(), TRACES, &[JSON], empty.as_bytes()).await;
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"{}"[..]), "{empty}");
    }
}
