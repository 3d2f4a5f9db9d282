//! Points 1 to 9: end points and transport.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::payload::{logs, one, record};
use crate::target::Target;
use crate::wire::{Grpc, Http1, JSON, LOGS_EXPORT, PROTOBUF, Stalled, TRACE_EXPORT, framed, http1, request};
use prost::Message;

#[tokio::test]
async fn point_01_default_ports_services_and_paths() {
    let shown = tracewell_tests::tracewell().expect("the binary").args(["config", "show"]).output().await;
    let shown = String::from_utf8(shown.expect("settings").stdout).expect("text");
    assert!(shown.contains("127.0.0.1:4317") && shown.contains("127.0.0.1:4318"), "loopback by default: {shown}");
    let target = Target::start().await;
    let log = logs(vec![record("a")]).encode_to_vec();
    assert_eq!(target.call(TRACE_EXPORT, &one(1)).await.code(), 0);
    assert_eq!(target.call(LOGS_EXPORT, &log).await.code(), 0);
    assert_eq!(target.traces(&one(2)).await.status, 200);
    assert_eq!(target.logs(&logs(vec![record("b")]).encode_to_vec()).await.status, 200);
}

#[tokio::test]
async fn point_02_protobuf_json_and_grpc_on_one_port() {
    let target = Target::start().await;
    assert_eq!(http1(target.http(), "POST /v1/traces", &[PROTOBUF], &one(1)).await.status, 200);
    assert_eq!(http1(target.http(), "POST /v1/traces", &[JSON], b"{}").await.status, 200);
    assert_eq!(Grpc::connect(target.http()).await.call(TRACE_EXPORT, &one(2)).await.code(), 0);
}

#[tokio::test]
async fn point_03_versions_of_http_chunks_and_keep_alive() {
    let target = Target::start().await;
    let mut connection = Http1::connect(target.http()).await;
    let head = "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n";
    let body = one(1);
    connection.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).await;
    for piece in body.chunks(10) {
        connection.send(format!("{:x}\r\n", piece.len()).as_bytes()).await;
        connection.send(piece).await;
        connection.send(b"\r\n").await;
    }
    connection.send(b"0\r\n\r\n").await;
    assert_eq!(connection.answer().await.expect("an answer").status, 200, "chunks without a length");
    connection.send(format!("{head}Content-Length: {}\r\nExpect: 100-continue\r\n\r\n", body.len()).as_bytes()).await;
    assert_eq!(connection.answer().await.expect("leave").status, 100);
    connection.send(&body).await;
    assert_eq!(connection.answer().await.expect("an answer").status, 200, "after 100 Continue");
    for number in 0..1000 {
        connection.send(&request("POST /v1/traces", &[PROTOBUF], b"")).await;
        assert_eq!(connection.answer().await.expect("an answer").status, 200, "request {number} of one connection");
    }
    let grpc = Grpc::connect(target.http()).await;
    let plain = Request::post("http://localhost/v1/traces")
        .header("content-type", "application/x-protobuf")
        .body(Full::new(Bytes::from(body)).boxed_unsync())
        .expect("a request");
    let response = grpc.sender.clone().send_request(plain).await.expect("HTTP/2 with prior knowledge");
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/x-protobuf");
}

#[tokio::test]
async fn point_04_methods_paths_and_slashes() {
    let target = Target::start().await;
    for line in ["GET /v1/traces", "PUT /v1/logs", "DELETE /v1/traces/", "HEAD /v1/logs"] {
        let mut connection = Http1::connect(target.http()).await;
        connection.send(&request(line, &[PROTOBUF, ("Connection", "close")], b"")).await;
        let mut seen = Vec::new();
        connection.stream.read_to_end(&mut seen).await.expect("an answer");
        let seen = String::from_utf8_lossy(&seen).to_lowercase();
        assert!(seen.starts_with("http/1.1 405") && seen.contains("allow: post"), "{line}: {seen}");
    }
    let answer = http1(target.http(), "POST /", &[PROTOBUF], &one(1)).await;
    assert_eq!((answer.status, answer.header("content-type")), (404, Some("application/x-protobuf")));
    let message = answer.status_message().message;
    assert!(message.contains("/v1/traces") && message.contains("/v1/logs"), "{message}");
    let answer = http1(target.http(), "GET /nowhere", &[], b"").await;
    assert_eq!((answer.status, answer.header("content-type")), (404, Some("application/json")));
    assert!(answer.json()["message"].is_string());
    assert_eq!(http1(target.http(), "POST /v1/traces/", &[PROTOBUF], &one(1)).await.status, 200);
}

#[tokio::test]
async fn point_05_no_export_is_redirected() {
    let target = Target::start().await;
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v1/traces/",
        "//v1//traces",
        "/v1/traces?x=1",
        "/v1/logs/",
        "/V1/Traces",
        "/v1/../v1/traces",
    ] {
        for version in ["HTTP/1.1", "HTTP/1.0"] {
            let mut connection = Http1::connect(target.http()).await;
            let head = format!(
                "POST {path} {version}\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"
            );
            connection.send(head.as_bytes()).await;
            let status = connection.answer().await.expect("an answer").status;
            assert!(!(300..400).contains(&status), "{path}: {status}");
        }
    }
}

#[tokio::test]
async fn point_06_signals_that_are_not_stored() {
    let target = Target::start().await;
    for (path, signal) in [
        ("/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", "metrics"),
        ("/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export", "profiles"),
    ] {
        let called = target.call(path, b"").await;
        assert_eq!(called.code(), 12);
        assert!(called.status_details().message.contains(&format!("{signal} are not stored")));
        assert_eq!(called.field("google.rpc.retryinfo-bin"), None);
    }
    for (path, signal) in [("/v1/metrics", "metrics"), ("/v1development/profiles", "profiles")] {
        let answer = http1(target.http(), &format!("POST {path}"), &[PROTOBUF], b"").await;
        assert_eq!((answer.status, answer.header("retry-after")), (404, None));
        assert!(answer.status_message().message.contains(&format!("{signal} are not stored")));
    }
    assert_eq!(target.traces(&one(1)).await.status, 200, "traces go on");
}

#[tokio::test]
async fn point_07_exports_of_one_connection_proceed_at_once() {
    let target = Target::start().await;
    let grpc = Grpc::connect(target.grpc()).await;
    // A call that never gets its message stands in nobody's way.
    let stalled = Request::post(format!("http://localhost{TRACE_EXPORT}"))
        .header("content-type", "application/grpc")
        .body(Stalled.boxed_unsync())
        .expect("a request");
    let mut sender = grpc.sender.clone();
    let stalled = tokio::spawn(async move { sender.send_request(stalled).await });
    let calls: Vec<_> = (0..100)
        .map(|number| {
            let grpc = grpc.clone();
            tokio::spawn(async move { grpc.call(TRACE_EXPORT, &one(number)).await.code() })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.expect("a call"), 0);
    }
    assert!(!stalled.is_finished());
    let mut stored = 0;
    for number in 0..100 {
        stored += target.stored_spans(&crate::payload::trace_id(number)).await.len();
    }
    assert_eq!(stored, 100);
}

#[tokio::test]
async fn point_08_keepalive_and_a_graceful_end() {
    let target = Target::start().await;
    let mut stream = TcpStream::connect(target.grpc()).await.expect("a connection");
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.expect("sent");
    let mut seen = Vec::new();
    for number in 0..50_u8 {
        stream.write_all(&[&b"\0\0\x08\x06\0\0\0\0\0"[..], &[number; 8]].concat()).await.expect("sent");
        let answer = [&b"\0\0\x08\x06\x01\0\0\0\0"[..], &[number; 8]].concat();
        while !seen.windows(answer.len()).any(|window| window == answer) {
            assert!(stream.read_buf(&mut seen).await.expect("an answer") > 0, "ping {number} without streams");
        }
    }
    let grpc = Grpc::connect(target.grpc()).await;
    assert_eq!(grpc.call_raw(TRACE_EXPORT, &[], framed(0, &one(1))).await.code(), 0);
    let Target { server, data, .. } = target;
    server.stop().await.expect("an end within ten seconds");
    tokio::time::timeout(Duration::from_secs(5), async {
        while !grpc.sender.is_closed() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // GOAWAY, type 7 at stream 0.
        while stream.read_buf(&mut seen).await.is_ok_and(|read| read > 0) {}
        assert!(seen.windows(5).any(|window| window == [8, 7, 0, 0, 0]), "a GOAWAY frame");
    })
    .await
    .expect("told to leave");
    drop(data);
}

#[tokio::test]
async fn point_09_ipv6() {
    let data = tempfile::tempdir().expect("a directory");
    let mut server = tracewell_tests::tracewell()
        .expect("the binary")
        .args(["serve", "--otlp-grpc", "[::1]:0", "--otlp-http", "[::1]:0", "--http", "127.0.0.1:0", "--data-dir"])
        .arg(data.path())
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a server");
    let mut printed = String::new();
    let mut stdout = server.stdout.take().expect("its output");
    let mut buffer = [0; 1024];
    while !printed.contains("UI and API") {
        let read = stdout.read(&mut buffer).await.expect("its output");
        assert!(read > 0, "ended early: {printed}");
        printed.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    let line = printed.lines().find_map(|line| line.split_once("OTLP/HTTP")).expect("an address").1;
    let address = line.trim().trim_start_matches("http://").parse().expect("an address");
    assert_eq!(http1(address, "POST /v1/traces", &[PROTOBUF], &one(1)).await.status, 200);
    server.kill().await.expect("ended");
}

#[tokio::test]
async fn point_03_answers_over_http2_have_whole_bodies() {
    let target = Target::start().await;
    let grpc = Grpc::connect(target.http()).await;
    let bad = Request::post("http://localhost/v1/traces").header("content-type", "application/json");
    let response = grpc
        .sender
        .clone()
        .send_request(bad.body(Full::new(Bytes::from_static(b"[")).boxed_unsync()).expect("a request"))
        .await;
    let response = response.expect("a response");
    assert_eq!(response.status(), 400);
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    assert!(serde_json::from_slice::<serde_json::Value>(&body).expect("JSON")["message"].is_string());
}

#[tokio::test]
async fn point_04_a_path_before_the_usual_one() {
    let target = Target::start_with(&["--http-path-prefix=/otlp"]).await;
    for (path, status) in [("/otlp/v1/traces", 200), ("/v1/traces", 200), ("/other/v1/traces", 404)] {
        let answer = http1(target.http(), &format!("POST {path}"), &[PROTOBUF], &one(1)).await;
        assert_eq!(answer.status, status, "{path}");
    }
}

#[tokio::test]
async fn point_08_old_connections_are_closed_gracefully() {
    let target = Target::start_with(&["--connection-age-max=300ms"]).await;
    let mut connection = Http1::connect(target.http()).await;
    connection.send(&crate::wire::request("POST /v1/traces", &[PROTOBUF], &one(1))).await;
    assert_eq!(connection.answer().await.map(|answer| answer.status), Some(200));
    let mut rest = Vec::new();
    let closed = tokio::io::AsyncReadExt::read_to_end(&mut connection.stream, &mut rest);
    let closed = tokio::time::timeout(std::time::Duration::from_secs(10), closed).await;
    assert!(closed.is_ok_and(|read| read.is_ok_and(|bytes| bytes == 0)), "closed without a word at its age");
}
