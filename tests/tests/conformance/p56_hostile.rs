//! Points 56 to 58: slow and hostile connections.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::payload::one;
use crate::target::Target;
use crate::wire::{Http1, PROTOBUF, http1};

/// How much memory the server takes for each of `connections` that have sent `bytes`.
async fn bytes_per_connection(target: &Target, connections: &mut [TcpStream], bytes: &[u8]) -> u64 {
    let before = target.resident_bytes();
    for connection in connections.iter_mut() {
        connection.write_all(bytes).await.expect("sent");
    }
    assert_eq!(target.traces(&one(2)).await.status, 200, "others are served");
    target.resident_bytes().saturating_sub(before) / connections.len() as u64
}

#[tokio::test]
async fn point_56_slow_and_idle_connections() {
    let target = Target::start().await;
    assert_eq!(target.traces(&one(1)).await.status, 200);
    let before = target.resident_bytes();
    let mut idle = Vec::new();
    for _ in 0..6000 {
        idle.push(TcpStream::connect(target.http()).await.expect("a connection"));
    }
    let silent = target.resident_bytes().saturating_sub(before) / 6000;
    let (http1, http2) = idle[..4000].split_at_mut(2000);
    let started = Instant::now();
    let http1_bytes = bytes_per_connection(&target, http1, b"POST /v1/traces HTTP/1.1\r\nHost: x\r\n").await;
    let settings = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let http2_bytes = bytes_per_connection(&target, http2, settings).await;
    println!("bytes per connection: {silent} silent, {http1_bytes} of HTTP/1, {http2_bytes} of HTTP/2");
    assert!(silent < 20_000, "ten thousand that say nothing take less than 200 MB");
    assert!(http1_bytes < 40_000 && http2_bytes < 60_000);
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(25), http1[0].read_to_end(&mut rest)).await;
    let _ = ended.expect("headers that do not come end the connection");
    assert!(started.elapsed() > Duration::from_secs(5), "but they have some time");
    assert!(rest.is_empty());
}

#[tokio::test]
async fn point_56_slow_bodies() {
    let target = Target::start().await;
    let mut connection = Http1::connect(target.http()).await;
    let head =
        "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 5000\r\n\r\n";
    connection.send(head.as_bytes()).await;
    let started = Instant::now();
    let answer = tokio::time::timeout(Duration::from_secs(25), connection.answer()).await.expect("an end");
    let answer = answer.expect("an answer");
    assert_eq!((answer.status, answer.header("connection")), (503, Some("close")));
    assert!(started.elapsed() >= Duration::from_secs(9), "the grace is ten seconds");
}

#[tokio::test]
async fn point_57_floods_of_frames() {
    let target = Target::start().await;
    let ping = b"\0\0\x08\x06\0\0\0\0\0\x01\x02\x03\x04\x05\x06\x07\x08".repeat(5000);
    let settings = b"\0\0\0\x04\0\0\0\0\0".repeat(5000);
    let mut resets = Vec::new();
    for number in 0..5000_u32 {
        let id = (2 * number + 1).to_be_bytes();
        resets.extend([&[0, 0, 3, 1, 4][..], &id, &[0x83, 0x86, 0x84]].concat());
        resets.extend([&[0, 0, 4, 3, 0][..], &id, &[0, 0, 0, 8]].concat());
    }
    let mut headers = [&[0, 0, 3, 1, 0, 0, 0, 0, 1][..], &[0x83, 0x86, 0x84]].concat();
    let literal = [&[0x00, 0x01, b'x', 0x7f, 0xe9, 0x06][..], &[b'a'; 1000]].concat();
    for _ in 0..5000 {
        headers.extend([&(literal.len() as u32).to_be_bytes()[1..], &[9, 0, 0, 0, 0, 1], &literal].concat());
    }
    for (name, flood) in [("PING", ping), ("SETTINGS", settings), ("RST_STREAM", resets), ("CONTINUATION", headers)] {
        let before = target.resident_bytes();
        let mut stream = TcpStream::connect(target.grpc()).await.expect("a connection");
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.expect("sent");
        let (mut reader, mut writer) = stream.split();
        let mut answers = Vec::new();
        let both = async { tokio::join!(writer.write_all(&flood), reader.read_to_end(&mut answers)) };
        let _ = tokio::time::timeout(Duration::from_secs(20), both).await.expect("closed by the server");
        // GOAWAY (type 7, stream 0), and in it ENHANCE_YOUR_CALM (11).
        let goaway = answers.windows(6).position(|window| window == [7, 0, 0, 0, 0, 0]);
        let code = goaway.and_then(|start| answers.get(start + 10..start + 14));
        assert_eq!(code, Some(&[0, 0, 0, 11][..]), "{name}");
        assert!(target.resident_bytes().saturating_sub(before) < 32 << 20, "{name}");
    }
    assert_eq!(target.traces(&one(1)).await.status, 200);
}

#[tokio::test]
async fn point_57_header_lists_that_are_too_long() {
    let target = Target::start().await;
    let long = "x".repeat(17 << 10);
    let answer = http1(target.http(), "POST /v1/traces", &[PROTOBUF, ("X-Long", &long)], b"").await;
    assert_eq!(answer.status, 431);
}

#[tokio::test]
async fn point_58_memory_is_bounded_however_many_send() {
    let target = Target::start_with(&["--inflight-bytes-max=32MiB", "--request-bytes-max=10MiB"]).await;
    assert_eq!(target.traces(&one(1)).await.status, 200);
    let before = target.resident_bytes();
    let senders: Vec<_> = (0..100)
        .map(|_| {
            let address = target.http();
            tokio::spawn(async move {
                let mut connection = Http1::connect(address).await;
                let head = "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 10000000\r\n\r\n";
                connection.send(head.as_bytes()).await;
                let piece = vec![0; 1 << 20];
                for _ in 0..8 {
                    if connection.stream.write_all(&piece).await.is_err() {
                        break;
                    }
                }
                connection.answer().await.map(|answer| answer.status)
            })
        })
        .collect();
    let mut most = 0;
    for _ in 0..40 {
        most = most.max(target.resident_bytes().saturating_sub(before));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("100 senders of 8 MiB each with a budget of 32 MiB: {} MiB", most >> 20);
    assert!(most < 96 << 20, "grown by {} MiB", most >> 20);
    for sender in senders {
        sender.abort();
    }
    let healed = async { while target.traces(&one(2)).await.status != 200 {} };
    tokio::time::timeout(Duration::from_secs(20), healed).await.expect("healed");
}
