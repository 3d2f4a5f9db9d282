//! Any text as requests in OTLP/JSON: never a panic, and the protobuf written is one that can be decoded.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tracewell_model::{Signal, UnixNanos};
use tracewell_otlp::{decode_logs, decode_traces, logs_json_to_protobuf, traces_json_to_protobuf, unread_json_warning};

fuzz_target!(|text: &[u8]| {
    if let Ok(body) = traces_json_to_protobuf(text) {
        decode_traces(&body, UnixNanos(1)).expect("what is transcoded can be decoded");
        let _ = unread_json_warning(Signal::Traces, text);
    }
    if let Ok(body) = logs_json_to_protobuf(text) {
        decode_logs(&body, UnixNanos(1)).expect("what is transcoded can be decoded");
        let _ = unread_json_warning(Signal::Logs, text);
    }
});
