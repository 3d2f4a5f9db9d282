//! Any bytes as a request of traces: never a panic, and what was decoded comes back the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use tracewell_model::UnixNanos;
use tracewell_otlp::{decode_traces, encode_traces, traces_json_to_protobuf, traces_to_json};

fuzz_target!(|body: &[u8]| {
    let now = UnixNanos(1_700_000_000_000_000_000);
    let oracle = ExportTraceServiceRequest::decode(body);
    let Ok(decoded) = decode_traces(body, now) else { return };
    if let Ok(oracle) = oracle {
        let sent: usize = oracle.resource_spans.iter().flat_map(|r| &r.scope_spans).map(|s| s.spans.len()).sum();
        assert_eq!(decoded.records.len() + decoded.rejected as usize, sent);
    }
    let encoded = encode_traces(&decoded.records);
    let again = decode_traces(&encoded, now).expect("what is encoded can be decoded");
    assert_eq!(again.rejected, 0);
    assert_eq!(encode_traces(&again.records), encoded);
    // Unknown fields of resources end here, so that the first text may differ from those that follow.
    let through_json = |json: &str| {
        let body = traces_json_to_protobuf(json.as_bytes()).expect("what is written can be read");
        let again = decode_traces(&body, now).expect("what is transcoded can be decoded").records;
        assert_eq!(again.len(), decoded.records.len());
        traces_to_json(&again)
    };
    let json = through_json(&traces_to_json(&decoded.records));
    assert_eq!(through_json(&json), json);
});
