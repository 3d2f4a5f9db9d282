//! Traces and spans.

use serde::Serialize;
use utoipa::ToSchema;

use super::{AttributesObject, Exactness, InstrumentationScope, Statistics};

/// A page of traces.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TracePage {
    /// Newest first, by the latest start of a matching span.
    pub traces: Vec<TraceSummary>,
    /// What to give as `cursor` for the next page; null at the end.
    #[schema(required)]
    pub next_cursor: Option<String>,
    /// Whether this is all of it.
    pub exactness: Exactness,
    /// What it cost.
    pub statistics: Statistics,
}

/// A trace in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraceSummary {
    /// 32 hexadecimal digits.
    #[schema(example = "4bf92f3577b34da6a3ce929d0e0e4736")]
    pub trace_id: String,
    /// The service of the root span; empty while the root is missing.
    pub root_service_name: String,
    /// The name of the root span; empty while the root is missing.
    pub root_span_name: String,
    /// Whether no root span is stored (yet).
    pub root_missing: bool,
    /// The service of the earliest span.
    pub first_service_name: String,
    /// The name of the earliest span.
    pub first_span_name: String,
    /// When its earliest span starts.
    #[schema(example = "1700000000000000000")]
    pub start_time_unix_nano: String,
    /// From there to the end of its latest span.
    pub duration_nano: u64,
    /// Spans stored.
    pub span_count: u64,
    /// Spans with status error.
    pub error_count: u64,
    /// Spans that meet `q`.
    pub matched_span_count: u64,
    /// When the latest of those starts: what the list is ordered by.
    #[schema(example = "1700000000000000000")]
    pub latest_match_time_unix_nano: String,
    /// The services in it, those with most spans first.
    pub services: Vec<TraceService>,
}

/// A service's part of a trace.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraceService {
    /// `service.name`.
    pub name: String,
    /// Its spans.
    pub span_count: u64,
    /// Its spans with status error.
    pub error_count: u64,
}

/// Matching spans over time and by duration.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraceHistogram {
    /// Where the first bucket starts.
    pub start_time_unix_nano: String,
    /// How long a bucket is.
    pub bucket_nano: u64,
    /// The n bounds between duration classes: class i holds durations below bound i, the last one the rest.
    pub duration_bounds_nano: Vec<u64>,
    /// In order of time, without gaps.
    pub buckets: Vec<DurationBucket>,
    /// Matching spans.
    pub count: u64,
    /// Matching spans with status error.
    pub error_count: u64,
    /// Half of the spans are at most this long; null without spans.
    #[schema(required)]
    pub p50_nano: Option<u64>,
    /// 95 % of the spans are at most this long.
    #[schema(required)]
    pub p95_nano: Option<u64>,
    /// Whether this is all of it.
    pub exactness: Exactness,
    /// What it cost.
    pub statistics: Statistics,
}

/// The spans that start in one bucket of time.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DurationBucket {
    /// All of them.
    pub count: u64,
    /// Those with status error.
    pub error_count: u64,
    /// By duration class; n + 1 numbers.
    pub durations: Vec<u64>,
}

/// A span with everything in it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpanDetail {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub span_id: String,
    /// 16 hexadecimal digits, or empty.
    pub parent_span_id: String,
    /// The operation.
    pub name: String,
    /// `unspecified`, `internal`, `server`, `client`, `producer`, `consumer`, or the number if it is none of these.
    pub kind: String,
    /// `service.name` of its resource.
    pub service_name: String,
    /// When it starts.
    pub start_time_unix_nano: String,
    /// When it ends, as sent.
    pub end_time_unix_nano: String,
    /// End minus start, never negative.
    pub duration_nano: u64,
    /// `unset`, `ok`, `error`, or the number if it is none of these.
    pub status_code: String,
    /// Why.
    pub status_message: String,
    /// W3C `tracestate`.
    pub trace_state: String,
    /// All 32 bits of `Span.flags`.
    pub flags: u32,
    /// Its own attributes.
    #[schema(value_type = Object)]
    pub attributes: AttributesObject,
    /// The attributes of its resource.
    #[schema(value_type = Object)]
    pub resource: AttributesObject,
    /// Its instrumentation scope.
    pub scope: InstrumentationScope,
    /// In the order sent.
    pub events: Vec<SpanEvent>,
    /// In the order sent.
    pub links: Vec<SpanLink>,
    /// What the sender left out.
    pub dropped_attributes_count: u32,
    /// What the sender left out.
    pub dropped_events_count: u32,
    /// What the sender left out.
    pub dropped_links_count: u32,
}

/// An event of a span.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpanEvent {
    /// When it happened.
    pub time_unix_nano: String,
    /// Its name.
    pub name: String,
    /// Its attributes.
    #[schema(value_type = Object)]
    pub attributes: AttributesObject,
    /// What the sender left out.
    pub dropped_attributes_count: u32,
}

/// A link to a span, mostly of another trace.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpanLink {
    /// 32 hexadecimal digits, or empty.
    pub trace_id: String,
    /// 16 hexadecimal digits, or empty.
    pub span_id: String,
    /// W3C `tracestate`.
    pub trace_state: String,
    /// All 32 bits of `Link.flags`.
    pub flags: u32,
    /// Its attributes.
    #[schema(value_type = Object)]
    pub attributes: AttributesObject,
    /// What the sender left out.
    pub dropped_attributes_count: u32,
}
