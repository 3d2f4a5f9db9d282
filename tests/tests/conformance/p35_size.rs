//! Points 35 to 39: compression and size.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::payload::{gzip, of_bytes, one, partial, span, trace_id, traces, zlib, zstd};
use crate::target::Target;
use crate::wire::{Grpc, PROTOBUF, TRACE_EXPORT, framed, http1};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

const LIMIT: usize = 64 << 20;

#[tokio::test]
async fn point_35_encodings() {
    let target = Target::start().await;
    let grpc = Grpc::connect(target.grpc()).await;
    let members = |bytes: &[u8]| [gzip(&bytes[..20]), gzip(&bytes[20..])].concat();
    type Encode = fn(&[u8]) -> Vec<u8>;
    let encodings: [(&str, Encode); 7] = [
        ("identity", <[u8]>::to_vec),
        ("gzip", gzip),
        ("GZIP", gzip),
        ("gzip", members),
        ("zstd", zstd),
        ("deflate", zlib),
        ("", <[u8]>::to_vec),
    ];
    for (number, (name, encode)) in encodings.into_iter().enumerate() {
        let headers = [PROTOBUF, ("Content-Encoding", name)];
        let answer = http1(target.http(), "POST /v1/traces", &headers, &encode(&one(number as u128))).await;
        assert_eq!(partial(&answer), (0, String::new()), "{name}");
        assert_eq!(target.stored_spans(&trace_id(number as u128)).await.len(), 1, "{name}");
        let flag = u8::from(!["identity", ""].contains(&name));
        let body = framed(flag, &encode(&one(100 + number as u128)));
        assert_eq!(grpc.call_raw(TRACE_EXPORT, &[("grpc-encoding", name)], body).await.code(), 0, "{name}");
        assert_eq!(target.stored_spans(&trace_id(100 + number as u128)).await.len(), 1, "{name}");
    }
    let answer = http1(target.http(), "POST /v1/traces", &[PROTOBUF, ("Content-Encoding", "br")], &one(1)).await;
    assert_eq!((answer.status, answer.header("retry-after")), (415, None));
    assert_eq!(answer.status_message().code, 12);
    let called = grpc.call_raw(TRACE_EXPORT, &[("grpc-encoding", "br")], framed(1, &one(1))).await;
    assert_eq!(called.code(), 12);
    assert!(called.field("grpc-accept-encoding").is_some_and(|accepted| accepted.contains("gzip")));
    for (name, encode) in [("gzip", gzip as Encode), ("zstd", zstd), ("deflate", zlib)] {
        let whole = encode(&one(1));
        let mut damaged = whole.clone();
        damaged[whole.len() / 2] ^= 0x55;
        damaged.truncate(whole.len() - 1);
        for bad in [&whole[..whole.len() - 5], &damaged, b"neither".as_slice()] {
            let answer = http1(target.http(), "POST /v1/traces", &[PROTOBUF, ("Content-Encoding", name)], bad).await;
            assert_eq!(answer.status, 400, "{name}");
            let called = grpc.call_raw(TRACE_EXPORT, &[("grpc-encoding", name)], framed(1, bad)).await;
            assert_eq!(called.code(), 3, "{name}");
        }
    }
}

#[tokio::test]
async fn point_36_the_limit_of_64_mib_is_exact() {
    let target = Target::start().await;
    for (bytes, status, code) in [(LIMIT - 1, 200, 0), (LIMIT, 200, 0), (LIMIT + 1, 413, 8)] {
        let plain = of_bytes(bytes as u128, bytes);
        let packed = gzip(&plain);
        let answer = http1(target.http(), "POST /v1/traces", &[PROTOBUF], &plain).await;
        assert_eq!((answer.status, answer.header("retry-after")), (status, None), "{bytes} bytes");
        let answer = http1(target.http(), "POST /v1/traces", &[PROTOBUF, ("Content-Encoding", "gzip")], &packed).await;
        assert_eq!((answer.status, answer.header("retry-after")), (status, None), "{bytes} bytes of gzip");
        let grpc = Grpc::connect(target.grpc()).await;
        for (name, body) in [("identity", framed(0, &plain)), ("gzip", framed(1, &packed))] {
            let called = grpc.call_raw(TRACE_EXPORT, &[("grpc-encoding", name)], body).await;
            assert_eq!(called.code(), code, "{bytes} bytes of {name}");
            assert_eq!(called.field("google.rpc.retryinfo-bin"), None);
            assert_eq!(called.field("grpc-retry-pushback-ms"), (code == 8).then_some("-1"));
        }
    }
}

#[tokio::test]
async fn point_36_the_limit_is_a_setting() {
    let target = Target::start_with(&["--request-bytes-max=100000"]).await;
    assert_eq!(target.traces(&of_bytes(1, 100_000)).await.status, 200);
    assert_eq!(target.traces(&of_bytes(2, 100_001)).await.status, 413);
}

#[tokio::test]
async fn point_37_oversize_is_never_out_of_range() {
    let target = Target::start().await;
    // 5 MiB: more than the 4 MiB that gRPC libraries take by default.
    assert_eq!(target.call_traces(&of_bytes(1, 5 << 20)).await.code(), 0);
    let grpc = Grpc::connect(target.grpc()).await;
    let announced = bytes::Bytes::from_static(&[0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]);
    let called = grpc.call_raw(TRACE_EXPORT, &[], announced).await;
    assert_eq!(called.code(), 8, "a message that says it has 4 GiB");
}

/// Zeros one after the other, 64 MiB each: 4 GiB.
fn bomb(encode: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    encode(&vec![0; LIMIT]).repeat(64)
}

#[tokio::test]
async fn point_38_bombs_take_neither_memory_nor_time() {
    let well_packed_gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).expect("gzip");
        encoder.finish().expect("gzip")
    };
    // A frame of zstd that wants a window of 2 GiB: magic, descriptor, window, an empty last block.
    let window = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00];
    for (name, bomb, statuses) in
        [("gzip", bomb(well_packed_gzip), &[413][..]), ("zstd", bomb(zstd), &[413]), ("zstd", window, &[400, 413, 200])]
    {
        let target = Target::start().await;
        assert_eq!(target.traces(&one(1)).await.status, 200);
        let before = target.resident_bytes();
        let started = Instant::now();
        let answer = http1(target.http(), "POST /v1/traces", &[PROTOBUF, ("Content-Encoding", name)], &bomb).await;
        let grown = target.resident_bytes().saturating_sub(before);
        println!("{name} of {} bytes: {:?}, grown by {} MiB", bomb.len(), started.elapsed(), grown >> 20);
        assert!(statuses.contains(&answer.status), "{name}: {}", answer.status);
        assert!(started.elapsed() < Duration::from_secs(10), "{name}: {:?}", started.elapsed());
        // Smaller buffers are tried first, and the allocator keeps their memory for a moment.
        assert!(grown < (LIMIT + bomb.len() + (32 << 20)) as u64, "{name}: grown by {} MiB", grown >> 20);
        assert_eq!(target.traces(&one(2)).await.status, 200);
    }
}

#[tokio::test]
async fn point_39_answers_are_short() {
    let target = Target::start().await;
    let bad = Span { trace_id: vec![1], name: "x".repeat(5000), ..span(1) };
    let (rejected, message) = partial(&target.traces(&traces(vec![bad; 5000]).encode_to_vec()).await);
    assert_eq!(rejected, 5000);
    assert!(message.len() <= 1024, "{} bytes", message.len());
    let tenant = "x".repeat(8000);
    let grpc = Grpc::connect(target.grpc()).await;
    let called = grpc.call_raw(TRACE_EXPORT, &[("x-scope-orgid", &tenant)], framed(0, &one(1))).await;
    assert_eq!(called.code(), 3);
    assert!(called.binary("grpc-status-details-bin").is_some_and(|details| details.len() <= 4096));
    assert!(called.field("grpc-message").is_some_and(|message| message.len() <= 4096));
    let path = format!("POST /{}", "y".repeat(8000));
    assert!(http1(target.http(), &path, &[PROTOBUF], b"").await.body.len() <= 4096);
}
