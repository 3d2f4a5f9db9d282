//! How long after its acknowledgement a record is found.

use std::time::{Duration, Instant};

use anyhow::ensure;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use tokio::sync::watch;
use tracewell_tests::Api;

use crate::send::{Compression, post};

/// Sends a trace of one span four times a second until `stop`, and asks for it by its id until it is there.
pub async fn probe(endpoint: String, api: Api, mut stop: watch::Receiver<bool>) -> anyhow::Result<Vec<Duration>> {
    let http = reqwest::Client::new();
    let mut waited = Vec::new();
    let mut number = 0_u128;
    while tokio::time::timeout(Duration::from_millis(250), stop.wait_for(|stop| *stop)).await.is_err() {
        number += 1;
        let trace_id = (0xf7e5_0000_0000_0000_0000_0000_0000_0000 | number).to_be_bytes();
        post(&http, &format!("{endpoint}/v1/traces"), request(trace_id), Compression::None).await?;
        let acknowledged = Instant::now();
        while api.get_bytes(&format!("/traces/{}", hex::encode(trace_id)), "application/x-protobuf").await.is_err() {
            ensure!(acknowledged.elapsed() < Duration::from_secs(30), "an acknowledged span is not found");
        }
        waited.push(acknowledged.elapsed());
    }
    Ok(waited)
}

fn request(trace_id: [u8; 16]) -> Bytes {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.map_or(0, |since| since.as_nanos() as u64);
    let span = Span {
        trace_id: trace_id.to_vec(),
        span_id: trace_id[8..].to_vec(),
        name: "probe".to_owned(),
        start_time_unix_nano: now,
        end_time_unix_nano: now + 1,
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec().into()
}
