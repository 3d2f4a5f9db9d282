//! The decoder against prost: whatever prost understands of a request, the columns hold the same.

mod support;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use proptest::prelude::*;
use prost::Message;
use support::rearrange::{Shape, damaged, rearranged};
use support::{arbitrary, normal};
use tracewell_model::UnixNanos;
use tracewell_otlp::{Finding, decode_logs, decode_traces, encode_logs, encode_traces};

const NOW: UnixNanos = UnixNanos(1_800_000_000_000_000_000);

/// Asserts that the columns hold what prost understands of `body`.
fn assert_same_traces(body: &[u8]) {
    let oracle = ExportTraceServiceRequest::decode(body).expect("prost understands it");
    let sent: usize = oracle.resource_spans.iter().flat_map(|r| &r.scope_spans).map(|s| s.spans.len()).sum();
    let decoded = decode_traces(body, NOW).expect("we understand it");
    assert_eq!(decoded.records.len() + decoded.rejected as usize, sent, "accepted and rejected make up what was sent");
    assert_eq!(decoded.rejected > 0, decoded.message().contains("rejected"), "{}", decoded.message());
    let again = encode_traces(&decoded.records);
    let again = ExportTraceServiceRequest::decode(&*again).expect("we write what prost understands");
    assert_eq!(normal::traces(again.clone()), normal::traces(oracle.clone()), "left {again:#?}\nright {oracle:#?}");
}

/// As [`assert_same_traces`].
fn assert_same_logs(body: &[u8]) {
    let oracle = ExportLogsServiceRequest::decode(body).expect("prost understands it");
    let sent: usize = oracle.resource_logs.iter().flat_map(|r| &r.scope_logs).map(|s| s.log_records.len()).sum();
    let decoded = decode_logs(body, NOW).expect("we understand it");
    assert_eq!(decoded.records.len(), sent, "no log record is rejected");
    let again = encode_logs(&decoded.records);
    let again = ExportLogsServiceRequest::decode(&*again).expect("we write what prost understands");
    assert_eq!(normal::logs(again.clone()), normal::logs(oracle.clone()), "left {again:#?}\nright {oracle:#?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn traces_survive_the_way_through_columns(request in arbitrary::traces()) {
        assert_same_traces(&request.encode_to_vec());
    }

    #[test]
    fn logs_survive_the_way_through_columns(request in arbitrary::logs()) {
        assert_same_logs(&request.encode_to_vec());
    }

    #[test]
    fn traces_are_understood_in_any_order_of_fields(request in arbitrary::traces(), seed in any::<u64>()) {
        assert_same_traces(&rearranged(Shape::TracesRequest, &request.encode_to_vec(), seed));
    }

    #[test]
    fn logs_are_understood_in_any_order_of_fields(request in arbitrary::logs(), seed in any::<u64>()) {
        assert_same_logs(&rearranged(Shape::LogsRequest, &request.encode_to_vec(), seed));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn damaged_traces_are_refused_or_understood_as_prost_does(request in arbitrary::traces(), seed in any::<u64>()) {
        let body = damaged(&request.encode_to_vec(), seed);
        let decoded = decode_traces(&body, NOW);
        let oracle = ExportTraceServiceRequest::decode(&*body);
        match (decoded, oracle) {
            (Ok(_), Ok(_)) => assert_same_traces(&body),
            (Ok(decoded), Err(error)) => {
                // We repair text, and do not look into alternatives that were replaced by later ones.
                let _ = (encode_traces(&decoded.records), error);
            }
            // Groups were taken out of protobuf before OTLP began.
            (Err(error), Ok(_)) => assert!(error.to_string().contains("wire type 3"), "{error}"),
            (Err(_), Err(_)) => {}
        }
    }

    #[test]
    fn damaged_logs_are_refused_or_understood_as_prost_does(request in arbitrary::logs(), seed in any::<u64>()) {
        let body = damaged(&request.encode_to_vec(), seed);
        let decoded = decode_logs(&body, NOW);
        let oracle = ExportLogsServiceRequest::decode(&*body);
        match (decoded, oracle) {
            (Ok(_), Ok(_)) => assert_same_logs(&body),
            (Ok(decoded), Err(_)) => {
                // What we repaired is something that prost understands.
                let again = encode_logs(&decoded.records);
                let again = ExportLogsServiceRequest::decode(&*again);
                assert!(again.is_ok(), "{again:?} after {:?}", decoded.report.count(Finding::InvalidUtf8));
            }
            (Err(error), Ok(_)) => assert!(error.to_string().contains("wire type 3"), "{error}"),
            (Err(_), Err(_)) => {}
        }
    }
}
