//! Connections that are slow, idle, hostile or in the way of a shutdown.

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use prost::Message;
use support::clients::{Grpc, Http1, PROTOBUF, TRACE_EXPORT, request};
use support::{Behaviour, config, eventually, start, start_default, traces};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tracewell_collector::CollectorConfig;

/// Reads until the server closes the connection.
async fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes)).await;
    let _ = read.expect("closed by the server");
    bytes
}

#[tokio::test]
async fn headers_that_trickle_in_end_the_connection() {
    let harness = start(CollectorConfig { header_timeout: Duration::from_millis(300), ..config() }).await;
    let mut connection = TcpStream::connect(harness.http()).await.expect("a connection");
    let started = Instant::now();
    let trickle = async {
        for byte in b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nX-Slow: ".iter().chain(std::iter::repeat(&b'a')) {
            if connection.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), trickle).await.expect("cut off");
    assert!(started.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn idle_connections_are_closed_and_used_ones_are_not() {
    let harness = start(CollectorConfig { idle_timeout: Duration::from_millis(400), ..config() }).await;
    let mut silent = TcpStream::connect(harness.http()).await.expect("a connection");
    let mut idle = Http1::connect(harness.http()).await;
    let mut used = Http1::connect(harness.http()).await;
    let body = traces(1, 1).encode_to_vec();
    idle.send(&request("POST /v1/traces", &[PROTOBUF], &body)).await;
    assert_eq!(idle.answer().await.expect("an answer").status, 200);
    for _ in 0..8 {
        used.send(&request("POST /v1/traces", &[PROTOBUF], &body)).await;
        assert_eq!(used.answer().await.expect("an answer").status, 200);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(read_to_end(&mut silent).await.is_empty());
    assert!(read_to_end(&mut idle.stream).await.is_empty());
}

#[tokio::test]
async fn a_body_that_stalls_is_refused_as_retryable() {
    let harness = start(CollectorConfig { body_grace: Duration::from_millis(200), ..config() }).await;
    let mut connection = Http1::connect(harness.http()).await;
    let whole = request("POST /v1/traces", &[PROTOBUF], &[7; 5000]);
    connection.send(&whole[..whole.len() - 1000]).await;
    let answer = connection.answer().await.expect("an answer");
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
}

#[tokio::test]
async fn a_header_list_that_is_too_long_is_refused() {
    let harness = start_default().await;
    let long = "a".repeat(20 << 10);
    let mut connection = Http1::connect(harness.http()).await;
    connection.send(&request("POST /v1/traces", &[("X-Long", &long)], b"")).await;
    assert_eq!(connection.answer().await.expect("an answer").status, 431);
    let grpc = Grpc::connect(harness.grpc()).await;
    let request = http::Request::post(format!("http://localhost{TRACE_EXPORT}"))
        .header("content-type", "application/grpc")
        .header("x-long", long)
        .body(http_body_util::Empty::new().boxed_unsync())
        .expect("a request");
    let refused = grpc.sender.clone().send_request(request).await;
    assert!(refused.is_err() || refused.is_ok_and(|response| response.status() == 431));
}

/// An HTTP/2 connection by hand: the preface and an empty SETTINGS frame.
async fn http2_by_hand(address: std::net::SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.expect("sent");
    stream
}

/// The error code of the last GOAWAY frame in `bytes`.
fn goaway_code(mut bytes: &[u8]) -> Option<u32> {
    let mut code = None;
    while let Some((header, rest)) = bytes.split_first_chunk::<9>() {
        let length = u32::from_be_bytes([0, header[0], header[1], header[2]]) as usize;
        let payload = rest.get(..length)?;
        if header[3] == 7 {
            code = payload.get(4..8).and_then(|code| code.try_into().ok()).map(u32::from_be_bytes);
        }
        bytes = &rest[length..];
    }
    code
}

const ENHANCE_YOUR_CALM: u32 = 0xb;

#[tokio::test]
async fn floods_of_control_frames_end_with_enhance_your_calm() {
    let harness = start_default().await;
    let ping = b"\0\0\x08\x06\0\0\0\0\0\x01\x02\x03\x04\x05\x06\x07\x08".to_vec();
    let settings = b"\0\0\0\x04\0\0\0\0\0".to_vec();
    for (name, frame) in [("PING", ping), ("SETTINGS", settings)] {
        let mut stream = http2_by_hand(harness.grpc()).await;
        let (mut reader, mut writer) = stream.split();
        let mut answers = Vec::new();
        let flood = async {
            for _ in 0..100 {
                if writer.write_all(&frame.repeat(100)).await.is_err() {
                    return;
                }
            }
        };
        let (_, read) =
            tokio::join!(flood, tokio::time::timeout(Duration::from_secs(20), reader.read_to_end(&mut answers)));
        let _ = read.expect("closed by the server");
        assert_eq!(goaway_code(&answers), Some(ENHANCE_YOUR_CALM), "{name}");
    }
}

#[tokio::test]
async fn streams_reset_as_soon_as_opened_end_with_enhance_your_calm() {
    let harness = start_default().await;
    let mut stream = http2_by_hand(harness.grpc()).await;
    let mut attack = Vec::new();
    for number in 0..5000_u32 {
        let id = (2 * number + 1).to_be_bytes();
        // :method POST, :scheme http, :path /, without END_STREAM; then RST_STREAM(CANCEL).
        attack.extend([&[0, 0, 3, 1, 4][..], &id, &[0x83, 0x86, 0x84]].concat());
        attack.extend([&[0, 0, 4, 3, 0][..], &id, &[0, 0, 0, 8]].concat());
    }
    let (mut reader, mut writer) = stream.split();
    let mut answers = Vec::new();
    let (_, read) = tokio::join!(
        writer.write_all(&attack),
        tokio::time::timeout(Duration::from_secs(20), reader.read_to_end(&mut answers))
    );
    let _ = read.expect("closed by the server");
    assert_eq!(goaway_code(&answers), Some(ENHANCE_YOUR_CALM));
}

#[tokio::test]
async fn an_endless_header_block_ends_the_connection() {
    let harness = start_default().await;
    let mut stream = http2_by_hand(harness.grpc()).await;
    // HEADERS without END_HEADERS, then CONTINUATION frames of one literal each.
    let mut attack = [&[0, 0, 3, 1, 0, 0, 0, 0, 1][..], &[0x83, 0x86, 0x84]].concat();
    let literal = [&[0x00, 0x01, b'x', 0x7f, 0xe9, 0x06][..], &[b'a'; 1000]].concat();
    for _ in 0..5000 {
        let length = (literal.len() as u32).to_be_bytes();
        attack.extend([&length[1..], &[9, 0, 0, 0, 0, 1], &literal].concat());
    }
    let (mut reader, mut writer) = stream.split();
    let mut answers = Vec::new();
    let (_, read) = tokio::join!(
        writer.write_all(&attack),
        tokio::time::timeout(Duration::from_secs(20), reader.read_to_end(&mut answers))
    );
    let _ = read.expect("closed by the server");
}

#[tokio::test]
async fn pings_of_a_keepalive_are_answered_with_and_without_streams() {
    let harness = start_default().await;
    let mut stream = http2_by_hand(harness.grpc()).await;
    for number in 0..200_u8 {
        stream.write_all(&[&b"\0\0\x08\x06\0\0\0\0\0"[..], &[number; 8]].concat()).await.expect("sent");
        let mut seen = Vec::new();
        let acknowledged = [&b"\0\0\x08\x06\x01\0\0\0\0"[..], &[number; 8]].concat();
        while !seen.windows(acknowledged.len()).any(|window| window == acknowledged) {
            assert!(stream.read_buf(&mut seen).await.expect("an answer") > 0);
        }
        assert_eq!(goaway_code(&seen), None);
    }
}

#[tokio::test]
async fn a_shutdown_answers_what_is_in_progress_and_takes_nothing_new() {
    let harness = start_default().await;
    let gate = Arc::new(Semaphore::new(0));
    harness.behave(Behaviour::Wait(Arc::clone(&gate)));
    let (grpc_addr, http_addr) = (harness.grpc(), harness.http());
    let grpc = Grpc::connect(grpc_addr).await;
    let body = traces(1, 1).encode_to_vec();
    let call = {
        let (grpc, body) = (grpc.clone(), body.clone());
        tokio::spawn(async move { grpc.call(TRACE_EXPORT, &body).await.code() })
    };
    let mut http = Http1::connect(http_addr).await;
    http.send(&request("POST /v1/traces", &[PROTOBUF], &body)).await;
    let mut idle = Http1::connect(http_addr).await;
    let begun = harness.sink.begun.clone().expect("counts");
    begun.acquire_many(2).await.expect("open").forget();
    let sink = Arc::clone(&harness.sink);
    let shutdown = tokio::spawn(harness.collector.shutdown(Duration::from_secs(20)));
    assert_eq!(read_to_end(&mut idle.stream).await, b"");
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(http_addr).await.is_ok() {
        assert!(Instant::now() < deadline, "still listening");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!shutdown.is_finished());
    gate.add_permits(2);
    assert_eq!(call.await.expect("a call"), 0);
    assert_eq!(http.answer().await.expect("an answer").status, 200);
    shutdown.await.expect("shut down");
    assert_eq!(sink.appended.lock().len(), 2);
    assert!(grpc.sender.is_closed());
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_ever() {
    let harness = start_default().await;
    harness.behave(Behaviour::Wait(Arc::new(Semaphore::new(0))));
    let mut http = Http1::connect(harness.http()).await;
    http.send(&request("POST /v1/traces", &[PROTOBUF], &traces(1, 1).encode_to_vec())).await;
    harness.sink.begun.clone().expect("counts").acquire().await.expect("open").forget();
    let started = Instant::now();
    harness.collector.shutdown(Duration::from_millis(200)).await;
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(http.answer().await.is_none());
}

#[tokio::test]
async fn connections_beyond_the_most_are_closed_at_once() {
    let harness = start(CollectorConfig { connections_max: 2, ..config() }).await;
    let _first = TcpStream::connect(harness.http()).await.expect("a connection");
    let second = TcpStream::connect(harness.grpc()).await.expect("a connection");
    eventually("both are served", || harness.collector.stats().connections == 2).await;
    let mut third = TcpStream::connect(harness.http()).await.expect("a connection");
    assert!(read_to_end(&mut third).await.is_empty());
    drop(second);
    eventually("one has ended", || harness.collector.stats().connections == 1).await;
    let mut fourth = Http1::connect(harness.http()).await;
    fourth.send(&request("POST /v1/traces", &[PROTOBUF], b"")).await;
    assert_eq!(fourth.answer().await.expect("an answer").status, 200);
}

#[tokio::test]
async fn a_connection_that_reached_its_age_is_ended_gracefully() {
    let harness = start(CollectorConfig { connection_age_max: Some(Duration::from_millis(200)), ..config() }).await;
    let grpc = Grpc::connect(harness.grpc()).await;
    assert_eq!(grpc.call(TRACE_EXPORT, &traces(1, 1).encode_to_vec()).await.code(), 0);
    eventually("told to leave", || grpc.sender.is_closed()).await;
}
