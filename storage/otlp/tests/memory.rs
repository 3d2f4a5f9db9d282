//! How much memory hostile requests can make the codec take, counted by the allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use tracewell_model::UnixNanos;
use tracewell_otlp::{ContentEncoding, InflateError, decode_logs, decode_traces, inflate, logs_json_to_protobuf};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[allow(unsafe_code, reason = "an allocator that counts cannot be written without")]
// SAFETY: all work is done by the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        PEAK.fetch_max(NOW.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// The bytes that `work` takes at its peak, more than before it.
fn peak_bytes<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = NOW.load(Relaxed);
    PEAK.store(before, Relaxed);
    let result = work();
    (PEAK.load(Relaxed) - before, result)
}

const MIB: usize = 1 << 20;

// One test, because tests that run at once would be counted together.
#[test]
fn hostile_requests_stay_within_bounds() {
    bombs_take_no_more_than_the_limit();
    bodies_that_tell_their_size_take_no_more_than_that();
    columns_take_a_bounded_multiple_of_the_request();
}

fn zeros(mut encoder: impl Write, bytes: usize) {
    for _ in 0..bytes / MIB {
        encoder.write_all(&[0; MIB]).expect("in memory");
    }
}

fn bombs_take_no_more_than_the_limit() {
    const LIMIT: usize = 4 * MIB;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    zeros(&mut gzip, 16 * MIB);
    // 10 GiB in many members.
    let gzip = gzip.finish().expect("in memory").repeat(640);
    let mut deflate = ZlibEncoder::new(Vec::new(), Compression::fast());
    zeros(&mut deflate, 64 * MIB);
    let deflate = deflate.finish().expect("in memory");
    let zstd = zstd::encode_all(&*vec![0; 64 * MIB], 1).expect("in memory").repeat(160);
    for (encoding, body) in
        [(ContentEncoding::Gzip, gzip), (ContentEncoding::Deflate, deflate), (ContentEncoding::Zstd, zstd)]
    {
        let (peak, result) = peak_bytes(|| inflate(encoding, &body, LIMIT).map(|bytes| bytes.len()));
        assert_eq!(result, Err(InflateError::TooLarge { limit: LIMIT }));
        assert!(peak <= LIMIT + MIB, "{encoding}: {peak} bytes");
    }
}

fn bodies_that_tell_their_size_take_no_more_than_that() {
    let content: Vec<u8> = (0..MIB as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 27) as u8).collect();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&content).expect("in memory");
    let gzip = gzip.finish().expect("in memory");
    let zstd = zstd::bulk::compress(&content, 1).expect("in memory");
    for (encoding, body) in [(ContentEncoding::Gzip, gzip), (ContentEncoding::Zstd, zstd)] {
        let (peak, result) = peak_bytes(|| inflate(encoding, &body, 64 * MIB).map(|bytes| bytes.len()));
        assert_eq!(result, Ok(MIB));
        assert!(peak <= MIB + MIB / 2, "{encoding}: {peak} bytes");
    }
}

fn columns_take_a_bounded_multiple_of_the_request() {
    const BYTES: usize = 4 * MIB;
    const BOUND: usize = 128 * MIB + 8 * BYTES;
    // Requests of nothing but the smallest of each kind: links, attributes, and whole records.
    for (pair, depth) in [([0x6a, 0x00], 3), ([0x4a, 0x00], 3), ([0x32, 0x00], 3), ([0x12, 0x00], 2), ([0x12, 0x00], 1)]
    {
        let mut body = pair.repeat(BYTES / 2);
        for tag in [0x12, 0x12, 0x0a].into_iter().skip(3 - depth) {
            let mut outer = vec![tag];
            prost::encoding::encode_varint(body.len() as u64, &mut outer);
            outer.extend(body);
            body = outer;
        }
        for decode in
            [|body: &[u8]| drop(decode_traces(body, UnixNanos(1))), |body: &[u8]| drop(decode_logs(body, UnixNanos(1)))]
        {
            let (peak, ()) = peak_bytes(|| decode(&body));
            assert!(peak <= BOUND, "{pair:x?} in {depth} messages: {peak} bytes");
        }
    }
    let mut nested = br#"{"new":"#.to_vec();
    nested.resize(BYTES, b'[');
    let (peak, result) = peak_bytes(|| logs_json_to_protobuf(&nested));
    assert!(result.is_err() && peak <= 2 * BYTES, "{peak} bytes");
}
