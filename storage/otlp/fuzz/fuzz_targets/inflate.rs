//! Any bytes as compressed bodies, and as files of requests: never a panic, never more than the limit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tracewell_otlp::{ContentEncoding, delimited, inflate};

fuzz_target!(|body: &[u8]| {
    const LIMIT: usize = 1 << 20;
    for encoding in ContentEncoding::ALL {
        if let Ok(content) = inflate(encoding, body, LIMIT) {
            assert!(content.len() <= LIMIT);
        }
    }
    let messages = delimited(body).take_while(Result::is_ok).map_while(Result::ok);
    assert!(messages.map(<[u8]>::len).sum::<usize>() <= body.len());
});
