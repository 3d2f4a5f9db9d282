//! OTLP/JSON against the serde implementation of `opentelemetry-proto`, and against our own protobuf.

mod support;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use proptest::prelude::*;
use prost::Message;
use support::rearrange::{Shape, damaged, rearranged};
use support::{arbitrary, normal};
use tracewell_model::UnixNanos;
use tracewell_otlp::{
    decode_logs, decode_traces, logs_json_to_protobuf, logs_to_json, traces_json_to_protobuf, traces_to_json,
};

const NOW: UnixNanos = UnixNanos(1_800_000_000_000_000_000);

fn traces_as_json(body: &[u8]) -> String {
    traces_to_json(&decode_traces(body, NOW).expect("valid").records)
}

fn logs_as_json(body: &[u8]) -> String {
    logs_to_json(&decode_logs(body, NOW).expect("valid").records)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn others_read_the_traces_that_we_write(request in arbitrary::traces(), seed in any::<u64>()) {
        let json = traces_as_json(&rearranged(Shape::TracesRequest, &request.encode_to_vec(), seed));
        let read: ExportTraceServiceRequest = serde_json::from_str(&json).expect("OTLP/JSON");
        prop_assert_eq!(normal::traces(read), normal::traces(request), "{}", json);
    }

    #[test]
    fn others_read_the_logs_that_we_write(request in arbitrary::logs(), seed in any::<u64>()) {
        let json = logs_as_json(&rearranged(Shape::LogsRequest, &request.encode_to_vec(), seed));
        let read: ExportLogsServiceRequest = serde_json::from_str(&json).expect("OTLP/JSON");
        prop_assert_eq!(normal::logs(read), normal::logs(request), "{}", json);
    }

    #[test]
    fn we_read_the_traces_that_others_write(request in arbitrary::traces()) {
        let json = serde_json::to_string_pretty(&request).expect("serializable");
        let read = traces_json_to_protobuf(json.as_bytes()).expect("OTLP/JSON");
        prop_assert_eq!(ExportTraceServiceRequest::decode(&*read).expect("protobuf"), request, "{}", json);
    }

    #[test]
    fn we_read_the_logs_that_others_write(request in arbitrary::logs()) {
        let json = serde_json::to_string(&request).expect("serializable");
        let read = logs_json_to_protobuf(json.as_bytes()).expect("OTLP/JSON");
        prop_assert_eq!(ExportLogsServiceRequest::decode(&*read).expect("protobuf"), request, "{}", json);
    }

    #[test]
    fn traces_survive_the_way_through_json(request in arbitrary::traces()) {
        let json = traces_as_json(&request.encode_to_vec());
        let body = traces_json_to_protobuf(json.as_bytes()).expect("OTLP/JSON");
        prop_assert_eq!(traces_as_json(&body), json);
    }

    #[test]
    fn logs_survive_the_way_through_json(request in arbitrary::logs()) {
        let json = logs_as_json(&request.encode_to_vec());
        let body = logs_json_to_protobuf(json.as_bytes()).expect("OTLP/JSON");
        prop_assert_eq!(logs_as_json(&body), json);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn damaged_json_is_refused_or_becomes_a_request(request in arbitrary::logs(), seed in any::<u64>()) {
        let json = damaged(logs_as_json(&request.encode_to_vec()).as_bytes(), seed);
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&json).is_ok();
        match logs_json_to_protobuf(&json) {
            // Only half surrogate pairs and bytes that are not UTF-8 are accepted beyond JSON.
            Ok(body) => {
                decode_logs(&body, NOW).expect("what we write we understand");
                let text = String::from_utf8_lossy(&json);
                prop_assert!(is_json || text.contains("\\u") || text.contains('\u{FFFD}'), "{}", text);
            }
            Err(error) => prop_assert!(!is_json || !error.message().contains("not valid JSON"), "{}", error),
        }
    }
}
