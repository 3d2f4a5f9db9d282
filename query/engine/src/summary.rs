//! What a list says of a trace.

use serde::Serialize;
use tracewell_model::{TraceId, UnixNanos};

use crate::answer::{as_text, nanos_as_text};

/// A trace in a few words, over all its spans wherever they are stored.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceSummary {
    /// Its id.
    #[serde(serialize_with = "as_text")]
    pub trace_id: TraceId,
    /// The service of the root span; `""` while the root is unknown.
    pub root_service_name: String,
    /// The name of the root span; `""` while the root is unknown.
    pub root_span_name: String,
    /// Whether no span without a parent is stored.
    pub root_missing: bool,
    /// The service of the earliest span.
    pub first_service_name: String,
    /// The name of the earliest span.
    pub first_span_name: String,
    /// The earliest start of a span.
    #[serde(rename = "startTimeUnixNano", serialize_with = "nanos_as_text")]
    pub start: UnixNanos,
    /// From there to the latest end of a span.
    pub duration_nano: u64,
    /// The number of spans.
    pub span_count: u64,
    /// The number of spans with the status error.
    pub error_count: u64,
    /// The number of spans that met the query in its time range.
    pub matched_span_count: u64,
    /// The services that took part, by span count.
    pub services: Vec<ServiceShare>,
}

/// A service's part in a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceShare {
    /// The name of the service.
    pub name: String,
    /// Its spans in the trace.
    pub span_count: u64,
    /// Those with the status error.
    pub error_count: u64,
}
