//! Zipkin v2 spans in JSON: what `POST /api/v2/spans` of a Zipkin server takes.
//!
//! Spans are rewritten as one OTLP request, which goes the way of all others; so the journal knows OTLP only.

mod json;
mod protobuf;
mod router;

use tracewell_model::UnixNanos;

use crate::refusal::Refusal;

pub(crate) use router::zipkin_router;

/// Rewrites a list of Zipkin spans as an `ExportTraceServiceRequest`. Spans without any time get `received_at`.
pub(crate) fn to_protobuf(json: &[u8], received_at: UnixNanos) -> Result<Vec<u8>, Refusal> {
    Ok(protobuf::export_request(&json::parse(json)?, received_at))
}
