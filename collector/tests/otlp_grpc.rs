//! OTLP/gRPC on a real socket.

mod support;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use prost::Message;
use support::clients::{Grpc, LOGS_EXPORT, PROTOBUF, TRACE_EXPORT, framed, http1};
use support::{Behaviour, config, gzip, logs, start, start_default, traces, traces_of_bytes, traces_with_bad_spans};
use support::{zlib, zstd};
use tokio::sync::Semaphore;
use tonic::codec::CompressionEncoding;
use tracewell_collector::CollectorConfig;

#[tokio::test]
async fn the_clients_of_opentelemetry_are_served() {
    let harness = start_default().await;
    let endpoint = format!("http://{}", harness.grpc());
    for encoding in [None, Some(CompressionEncoding::Gzip), Some(CompressionEncoding::Zstd)] {
        let mut client = TraceServiceClient::connect(endpoint.clone()).await.expect("a connection");
        if let Some(encoding) = encoding {
            client = client.send_compressed(encoding);
        }
        let response = client.export(traces(7, 5)).await.expect("accepted").into_inner();
        assert_eq!(response.partial_success, None);
    }
    let mut client = LogsServiceClient::connect(endpoint).await.expect("a connection");
    assert_eq!(client.export(logs(2)).await.expect("accepted").into_inner().partial_success, None);
    let counts: Vec<usize> = harness.sink.appended.lock().iter().map(|append| append.records.len()).collect();
    assert_eq!(counts, [7, 7, 7, 2]);
}

#[tokio::test]
async fn rejected_spans_are_counted_exactly() {
    let harness = start_default().await;
    let grpc = Grpc::connect(harness.grpc()).await;
    let called = grpc.call(TRACE_EXPORT, &traces_with_bad_spans(3, 4).encode_to_vec()).await;
    assert_eq!(called.code(), 0);
    let response = ExportTraceServiceResponse::decode(called.message.as_slice()).expect("a response");
    assert_eq!(response.partial_success.expect("partial success").rejected_spans, 4);
}

#[tokio::test]
async fn every_encoding_is_taken() {
    let harness = start_default().await;
    let grpc = Grpc::connect(harness.grpc()).await;
    let plain = traces(40, 30).encode_to_vec();
    for (name, body) in [
        ("gzip", framed(1, &gzip(&plain))),
        ("zstd", framed(1, &zstd(&plain))),
        ("deflate", framed(1, &zlib(&plain))),
        ("gzip", framed(0, &plain)),
        ("identity", framed(0, &plain)),
    ] {
        let called = grpc.call_raw(TRACE_EXPORT, &[("grpc-encoding", name)], body).await;
        assert_eq!(called.code(), 0, "{name}: {:?}", called.field("grpc-message"));
    }
    assert_eq!(harness.appended(), 5);
}

#[tokio::test]
async fn every_refusal_has_its_code_and_details() {
    let harness = start_default().await;
    let grpc = Grpc::connect(harness.grpc()).await;
    let good = traces(1, 1).encode_to_vec();
    let two = [framed(0, &good), framed(0, &good)].concat();
    let metrics = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    let profiles = "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export";
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Bytes, i32, &'a str);
    let cases: &[Case] = &[
        (metrics, &[], framed(0, &good), 12, "metrics are not stored"),
        (profiles, &[], framed(0, &good), 12, "profiles are not stored"),
        ("/some.Service/Method", &[], framed(0, &good), 12, "/some.Service/Method"),
        (TRACE_EXPORT, &[("grpc-encoding", "br")], framed(1, &good), 12, "\"br\""),
        (TRACE_EXPORT, &[("content-type", "application/grpc+json")], framed(0, b"{}"), 12, "grpc+json"),
        (TRACE_EXPORT, &[], framed(1, &gzip(&good)), 3, "grpc-encoding"),
        (TRACE_EXPORT, &[("grpc-encoding", "gzip")], framed(1, &good), 3, "gzip"),
        (TRACE_EXPORT, &[], Bytes::new(), 3, "no message"),
        (TRACE_EXPORT, &[], Bytes::from_static(&[0, 0, 0, 0, 9, 1]), 3, "1 of 9"),
        (TRACE_EXPORT, &[], two.into(), 3, "more than one"),
        (TRACE_EXPORT, &[], framed(0, b"\x0a\xff"), 3, "field 1"),
        (TRACE_EXPORT, &[("grpc-timeout", "soon")], framed(0, &good), 3, "soon"),
        (LOGS_EXPORT, &[("x-scope-orgid", "a/b")], framed(0, &good), 3, "a/b"),
    ];
    for (path, headers, body, code, says) in cases {
        let called = grpc.call_raw(path, headers, body.clone()).await;
        assert_eq!(called.code(), *code, "{path} {headers:?}");
        let details = called.status_details();
        assert_eq!(details.code, *code);
        assert!(details.message.contains(says), "{path} {headers:?}: {}", details.message);
        assert_eq!(called.field("google.rpc.retryinfo-bin"), None, "{path}");
        let has_field = details.details.iter().any(|detail| detail.type_url.ends_with("google.rpc.BadRequest"));
        assert_eq!(has_field, *code == 3, "{path}");
    }
    let called = grpc.call_raw(TRACE_EXPORT, &[("grpc-encoding", "br")], framed(1, &good)).await;
    assert_eq!(called.field("grpc-accept-encoding"), Some("identity,gzip,zstd,deflate"));
    assert_eq!(harness.appended(), 0);
}

#[tokio::test]
async fn the_size_limit_is_exact_and_final() {
    let limit = 100_000;
    let harness = start(CollectorConfig { request_bytes_max: limit, ..config() }).await;
    let grpc = Grpc::connect(harness.grpc()).await;
    for (bytes, code) in [(limit - 1, 0), (limit, 0), (limit + 1, 8)] {
        let plain = traces_of_bytes(bytes);
        for (name, body) in [("identity", framed(0, &plain)), ("gzip", framed(1, &gzip(&plain)))] {
            let called = grpc.call_raw(TRACE_EXPORT, &[("grpc-encoding", name)], body).await;
            assert_eq!(called.code(), code, "{bytes} bytes, {name}");
            assert_eq!(called.field("google.rpc.retryinfo-bin"), None);
            assert_eq!(called.field("grpc-retry-pushback-ms"), (code == 8).then_some("-1"));
        }
    }
}

#[tokio::test]
async fn the_hint_to_retry_is_there_twice() {
    let harness = start_default().await;
    harness.behave(Behaviour::Unavailable);
    let grpc = Grpc::connect(harness.grpc()).await;
    let called = grpc.call(TRACE_EXPORT, &traces(1, 1).encode_to_vec()).await;
    assert_eq!(called.code(), 14);
    let trailer = called.binary("google.rpc.retryinfo-bin").expect("the trailer that Python reads");
    // RetryInfo { retry_delay: Duration { seconds: 2 } }
    assert_eq!(trailer, [0x0a, 0x02, 0x08, 0x02]);
    let details = called.status_details();
    assert_eq!(details.details[0].type_url, "type.googleapis.com/google.rpc.RetryInfo");
    assert_eq!(details.details[0].value, trailer);
}

#[tokio::test]
async fn a_panic_is_retryable_and_ends_only_its_request() {
    let harness = start_default().await;
    harness.behave(Behaviour::Panic);
    let grpc = Grpc::connect(harness.grpc()).await;
    assert_eq!(grpc.call(TRACE_EXPORT, &traces(1, 1).encode_to_vec()).await.code(), 14);
    harness.behave(Behaviour::Store);
    assert_eq!(grpc.call(TRACE_EXPORT, &traces(1, 1).encode_to_vec()).await.code(), 0);
}

#[tokio::test]
async fn the_deadline_of_the_client_is_kept_but_the_work_goes_on() {
    let harness = start_default().await;
    let gate = Arc::new(Semaphore::new(0));
    harness.behave(Behaviour::Wait(Arc::clone(&gate)));
    let grpc = Grpc::connect(harness.grpc()).await;
    let body = framed(0, &traces(1, 1).encode_to_vec());
    let called = grpc.call_raw(TRACE_EXPORT, &[("grpc-timeout", "100m")], body).await;
    assert_eq!(called.code(), 4);
    gate.add_permits(1);
    support::eventually("the records are stored all the same", || harness.appended() == 1).await;
}

#[tokio::test]
async fn a_client_that_leaves_does_not_stop_the_work_half_way() {
    let harness = start_default().await;
    let gate = Arc::new(Semaphore::new(0));
    harness.behave(Behaviour::Wait(Arc::clone(&gate)));
    let grpc = Grpc::connect(harness.grpc()).await;
    let body = traces(1, 1).encode_to_vec();
    let call = tokio::spawn(async move { grpc.call(TRACE_EXPORT, &body).await });
    harness.sink.begun.clone().expect("counts").acquire().await.expect("open").forget();
    call.abort();
    support::eventually("the connection is gone", || harness.collector.stats().connections == 0).await;
    gate.add_permits(1);
    support::eventually("the records are stored all the same", || harness.appended() == 1).await;
}

#[tokio::test]
async fn a_hundred_exports_on_one_connection_proceed_at_once() {
    let harness = start_default().await;
    let gate = Arc::new(Semaphore::new(0));
    harness.behave(Behaviour::Wait(Arc::clone(&gate)));
    let grpc = Grpc::connect(harness.grpc()).await;
    let calls: Vec<_> = (0..100)
        .map(|number| {
            let (grpc, body) = (grpc.clone(), traces(1, number).encode_to_vec());
            tokio::spawn(async move { grpc.call(TRACE_EXPORT, &body).await.code() })
        })
        .collect();
    let begun = harness.sink.begun.clone().expect("counts");
    tokio::time::timeout(Duration::from_secs(20), begun.acquire_many(100))
        .await
        .expect("all at once")
        .expect("open")
        .forget();
    gate.add_permits(100);
    for call in calls {
        assert_eq!(call.await.expect("a call"), 0);
    }
}

#[tokio::test]
async fn each_port_serves_both_protocols() {
    let harness = start_default().await;
    let body = traces(1, 1).encode_to_vec();
    assert_eq!(Grpc::connect(harness.http()).await.call(TRACE_EXPORT, &body).await.code(), 0);
    assert_eq!(http1(harness.grpc(), "POST /v1/traces", &[PROTOBUF], &body).await.status, 200);
}

#[tokio::test]
async fn the_health_check_says_serving() {
    let harness = start_default().await;
    let called = Grpc::connect(harness.grpc()).await.call("/grpc.health.v1.Health/Check", b"").await;
    assert_eq!((called.code(), called.message.as_slice()), (0, &[0x08, 0x01][..]));
}
