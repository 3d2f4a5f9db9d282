//! A file of requests, as `tracewell send` reads: length-delimited, in a zstd frame.

mod support;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use prost::Message;
use support::{arbitrary, normal};
use tracewell_model::UnixNanos;
use tracewell_otlp::{ContentEncoding, decode_logs, delimited, encode_logs, inflate};

#[test]
fn every_request_of_a_file_comes_back_through_columns() {
    let mut runner = TestRunner::deterministic();
    let requests: Vec<ExportLogsServiceRequest> =
        (0..20).map(|_| arbitrary::logs().new_tree(&mut runner).expect("a request").current()).collect();
    let plain: Vec<u8> = requests.iter().flat_map(|request| request.encode_length_delimited_to_vec()).collect();
    let file = zstd::encode_all(&*plain, 3).expect("in memory");

    let content = inflate(ContentEncoding::Zstd, &file, 1 << 30).expect("a whole frame");
    let messages: Vec<&[u8]> = delimited(&content).collect::<Result<_, _>>().expect("whole messages");
    assert_eq!(messages.len(), requests.len());
    let mut records = 0;
    for (message, request) in messages.into_iter().zip(requests) {
        let logs = decode_logs(message, UnixNanos(1)).expect("valid").records;
        records += logs.len();
        let again = ExportLogsServiceRequest::decode(&*encode_logs(&logs)).expect("valid");
        assert_eq!(normal::logs(again), normal::logs(request));
    }
    assert!(records > 20, "{records} records are too few to mean something");
}
