//! Points 40 to 50: success, partial success, errors.

use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::payload::{logs, of_bytes, one, partial, partial_of_call, record, span, trace_id, traces};
use crate::target::Target;
use crate::wire::{Grpc, Http1, PROTOBUF, TRACE_EXPORT, framed, http1};

#[tokio::test]
async fn point_40_success_says_nothing() {
    let target = Target::start().await;
    let answer = target.traces(&one(1)).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    let called = target.call_traces(&one(2)).await;
    assert_eq!((called.code(), called.message.len()), (0, 0));
    assert_eq!(target.logs(&logs(vec![record("a")]).encode_to_vec()).await.body.len(), 0);
}

#[tokio::test]
async fn point_41_partial_success_counts_exactly_and_gives_reasons() {
    let target = Target::start().await;
    let bad_trace = Span { trace_id: vec![1], ..span(1) };
    let bad_span = Span { span_id: vec![], ..span(1) };
    let spans = [vec![bad_trace; 3], vec![bad_span; 4], vec![span(1)]].concat();
    let answer = target.traces(&traces(spans).encode_to_vec()).await;
    let (rejected, message) = partial(&answer);
    assert_eq!(rejected, 7);
    for part in ["3", "trace_id", "4", "span_id", "first"] {
        assert!(message.contains(part), "{part} in {message}");
    }
}

#[tokio::test]
async fn point_42_warnings_reject_nothing() {
    let target = Target::start().await;
    let odd = Span { parent_span_id: vec![1], ..span(1) };
    let (rejected, message) = partial(&target.traces(&traces(vec![odd]).encode_to_vec()).await);
    assert_eq!(rejected, 0);
    assert!(!message.is_empty());
}

#[tokio::test]
async fn point_43_accepted_and_rejected_make_the_sum() {
    let target = Target::start().await;
    let mut rng = StdRng::seed_from_u64(43);
    for round in 0..30_u128 {
        let mut good = 0;
        let spans: Vec<Span> = (0..rng.random_range(1..60_u64))
            .map(|number| {
                let mut span = Span { span_id: (number + 1).to_be_bytes().to_vec(), ..span(round) };
                match rng.random_range(0..4) {
                    0 => span.trace_id = vec![0; 16],
                    1 => span.span_id = vec![rng.random(); rng.random_range(0..8)],
                    _ => good += 1,
                }
                span
            })
            .collect();
        let sent = spans.len() as i64;
        let request = traces(spans).encode_to_vec();
        let rejected = match round % 2 {
            0 => partial(&target.traces(&request).await).0,
            _ => partial_of_call(&target.call_traces(&request).await).0,
        };
        let accepted = target.stored_spans(&trace_id(round)).await.len() as i64;
        assert_eq!((accepted, accepted + rejected), (good, sent), "round {round}");
    }
}

#[tokio::test]
async fn point_44_what_is_acknowledged_survives_a_crash() {
    let target = Target::start().await;
    for number in 0..20 {
        match number % 2 {
            0 => assert_eq!(target.traces(&one(number)).await.status, 200),
            _ => assert_eq!(target.call_traces(&one(number)).await.code(), 0),
        }
    }
    assert_eq!(target.logs(&logs(vec![record("kept")]).encode_to_vec()).await.status, 200);
    let target = target.kill_and_restart().await;
    for number in 0..20 {
        assert_eq!(target.stored_spans(&trace_id(number)).await.len(), 1, "trace {number}");
    }
    assert_eq!(target.stored_logs().await.len(), 1);
}

#[tokio::test]
async fn point_45_all_errors_are_google_rpc_status() {
    let target = Target::start_with(&["--request-bytes-max=10000"]).await;
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [u8], u16, i32);
    let large = vec![0; 10_001];
    let cases: [Case; 6] = [
        ("POST /v1/traces", &[], b"\xff", 400, 3),
        ("POST /v1/nothing", &[], b"", 404, 5),
        ("GET /v1/traces", &[], b"", 405, 12),
        ("POST /v1/traces", &[], &large, 413, 8),
        ("POST /v1/traces", &[("Content-Encoding", "x")], b"", 415, 12),
        ("POST /v1/traces", &[("X-Scope-OrgID", "/")], b"", 400, 3),
    ];
    for (line, headers, body, status, code) in cases {
        let protobuf = [headers, &[PROTOBUF]].concat();
        let answer = http1(target.http(), line, &protobuf, body).await;
        assert_eq!((answer.status, answer.status_message().code), (status, code), "{line}");
        assert!(!answer.status_message().message.is_empty(), "{line}");
        let json = [headers, &[crate::wire::JSON]].concat();
        let answer = http1(target.http(), line, &json, body).await;
        assert_eq!((answer.status, answer.json()["code"].as_i64()), (status, Some(code.into())), "{line}");
        assert!(answer.json()["message"].as_str().is_some_and(|message| !message.is_empty()), "{line}");
    }
}

/// A server whose memory for requests is taken by requests that never end. The connections hold it.
async fn overloaded() -> (Target, Vec<Http1>) {
    let target = Target::start_with(&["--inflight-bytes-max=3MiB", "--request-bytes-max=1MiB"]).await;
    let head =
        "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 65536\r\n\r\n";
    let mut holders = Vec::new();
    // So much is reserved for each from its first byte on.
    for _ in 0..3 << 20 >> 16 {
        let mut holder = Http1::connect(target.http()).await;
        holder.send(head.as_bytes()).await;
        holder.send(&vec![0; 30_000]).await;
        holders.push(holder);
    }
    let taken = async {
        while target.api.get("/status", &[]).await.is_ok() {
            // A small request waits as soon as the memory is taken.
            if http1(target.http(), "POST /v1/traces", &[PROTOBUF], &one(99)).await.status != 200 {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), taken).await.expect("all memory is taken");
    (target, holders)
}

#[tokio::test]
async fn point_46_what_may_heal_is_retryable_in_http() {
    let (target, holders) = overloaded().await;
    let answer = http1(target.http(), "POST /v1/traces", &[PROTOBUF], &one(1)).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    drop(holders);
    let again = async { while http1(target.http(), "POST /v1/traces", &[PROTOBUF], &one(1)).await.status != 200 {} };
    tokio::time::timeout(Duration::from_secs(10), again).await.expect("healed");
}

#[tokio::test]
async fn point_47_what_may_heal_is_retryable_in_grpc() {
    let (target, _holders) = overloaded().await;
    assert_eq!(target.call_traces(&one(1)).await.code(), 14, "UNAVAILABLE");
}

#[tokio::test]
async fn point_48_the_matrix_of_answers() {
    // The rows that need a storage or a receiver that fails: collector/tests.
    let target = Target::start_with(&["--request-bytes-max=10000"]).await;
    assert_eq!((target.traces(b"\xff").await.status, target.call_traces(b"\xff").await.code()), (400, 3));
    let large = of_bytes(1, 10_001);
    assert_eq!((target.traces(&large).await.status, target.call_traces(&large).await.code()), (413, 8));
    let (busy, _holders) = overloaded().await;
    let grpc = Grpc::connect(busy.grpc()).await;
    let called = grpc.call_raw(TRACE_EXPORT, &[("grpc-timeout", "100m")], framed(0, &one(1))).await;
    assert_eq!(called.code(), 4, "DEADLINE_EXCEEDED");
    let started = Instant::now();
    assert_eq!((busy.traces(&one(1)).await.status, busy.call_traces(&one(1)).await.code()), (503, 14));
    let waited = started.elapsed();
    assert!(
        waited > Duration::from_secs(3) && waited < Duration::from_secs(15),
        "two waits of two seconds: {waited:?}"
    );
}

#[tokio::test]
async fn point_49_hints_are_where_every_exporter_looks() {
    let (target, _holders) = overloaded().await;
    let called = target.call_traces(&one(1)).await;
    let details = called.status_details();
    assert_eq!(details.details[0].type_url, "type.googleapis.com/google.rpc.RetryInfo");
    let trailer = called.binary("google.rpc.retryinfo-bin").expect("the trailer that Python reads");
    assert_eq!((&details.details[0].value, trailer.as_slice()), (&trailer, &[0x0a, 0x02, 0x08, 0x01][..]));
    let answer = target.traces(&one(1)).await;
    assert_eq!(answer.header("retry-after"), Some("1"), "whole seconds");
}

#[tokio::test]
async fn point_50_a_resend_is_stored_once() {
    let target = Target::start().await;
    let request = one(1);
    for _ in 0..3 {
        assert_eq!(target.traces(&request).await.status, 200);
        assert_eq!(target.call_traces(&request).await.code(), 0);
    }
    assert_eq!(target.stored_spans(&trace_id(1)).await.len(), 1);
    let log = logs(vec![record("once")]).encode_to_vec();
    for _ in 0..3 {
        assert_eq!(target.call_logs(&log).await.code(), 0);
    }
    assert_eq!(target.stored_logs().await.len(), 1);
    let target = target.kill_and_restart().await;
    assert_eq!(target.traces(&request).await.status, 200);
    assert_eq!(target.logs(&log).await.status, 200);
    assert_eq!(target.stored_spans(&trace_id(1)).await.len(), 1, "also after a restart");
    assert_eq!(target.stored_logs().await.len(), 1, "also after a restart");
}
