//! Any bytes as a request of logs: never a panic, and what was decoded comes back the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message;
use tracewell_model::UnixNanos;
use tracewell_otlp::{decode_logs, display_value, encode_logs, logs_json_to_protobuf, logs_to_json};

fuzz_target!(|body: &[u8]| {
    let now = UnixNanos(1_700_000_000_000_000_000);
    let oracle = ExportLogsServiceRequest::decode(body);
    let Ok(decoded) = decode_logs(body, now) else { return };
    if let Ok(oracle) = oracle {
        let sent: usize = oracle.resource_logs.iter().flat_map(|r| &r.scope_logs).map(|s| s.log_records.len()).sum();
        assert_eq!(decoded.records.len(), sent);
    }
    for row in 0..decoded.records.len() {
        let _ = display_value(decoded.records.body.get(row));
    }
    let encoded = encode_logs(&decoded.records);
    let again = decode_logs(&encoded, now).expect("what is encoded can be decoded");
    assert_eq!(encode_logs(&again.records), encoded);
    // Unknown fields of resources end here, so that the first text may differ from those that follow.
    let through_json = |json: &str| {
        let body = logs_json_to_protobuf(json.as_bytes()).expect("what is written can be read");
        let again = decode_logs(&body, now).expect("what is transcoded can be decoded").records;
        assert_eq!(again.len(), decoded.records.len());
        logs_to_json(&again)
    };
    let json = through_json(&logs_to_json(&decoded.records));
    assert_eq!(through_json(&json), json);
});
