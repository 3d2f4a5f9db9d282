//! Asking a server for requests that were sent to it.

use std::fmt::Debug;

use anyhow::ensure;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use tracewell_tests::Api;

use super::{Flat, Sent, flat_logs, flat_spans};

/// Whether a request is stored as a whole and as it was sent. Stored in part or otherwise is an error.
pub async fn is_stored(api: &Api, sent: &Sent) -> anyhow::Result<bool> {
    let id = sent.trace_id();
    match sent {
        Sent::Traces(request) => {
            let body = match api.get_bytes(&format!("/traces/{id}"), "application/x-protobuf").await {
                Ok(body) => body,
                Err(error) if error.to_string().contains("404") => return Ok(false),
                Err(error) => return Err(error),
            };
            let kept = ExportTraceServiceRequest::decode(body.as_slice())?;
            is_same(&sent.name(), &flat_spans(request), &flat_spans(&kept))
        }
        Sent::Logs(request) => {
            let body = api.get_bytes(&format!("/traces/{id}/logs?limit=1000"), "application/x-protobuf").await?;
            let kept = ExportLogsServiceRequest::decode(body.as_slice())?;
            is_same(&sent.name(), &flat_logs(request), &flat_logs(&kept))
        }
    }
}

fn is_same<R: PartialEq + Debug>(name: &str, sent: &[Flat<R>], kept: &[Flat<R>]) -> anyhow::Result<bool> {
    if kept.is_empty() {
        return Ok(false);
    }
    ensure!(kept.len() == sent.len(), "{name}: {} of {} records", kept.len(), sent.len());
    for (kept, sent) in kept.iter().zip(sent) {
        ensure!(kept == sent, "{name} changed:\n  sent {sent:?}\n  kept {kept:?}");
    }
    Ok(true)
}
