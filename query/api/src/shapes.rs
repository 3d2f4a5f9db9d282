//! The JSON shapes of answers: what `docs/api.md` promises, as types that also yield their own schemas.
//!
//! Points in time are Unix nanoseconds as strings, because JSON numbers lose digits beyond 2^53.
//!
//! Points in time are Unix nanoseconds as strings, because JSON numbers lose digits beyond 2^53.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Attributes as a plain JSON object.
pub type AttributesObject = Map<String, Value>;

/// Whether an answer is all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum Exactness {
    /// Complete and exact.
    Exact,
    /// Something is missing or estimated.
    Partial {
        /// What, and why.
        reason: String,
    },
}

/// What a question cost.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Statistics {
    /// Milliseconds from the request's arrival to the answer.
    pub elapsed_ms: f64,
    /// Segments in the time range.
    pub segments_total: u64,
    /// Segments that had to be opened.
    pub segments_read: u64,
    /// Rows looked at.
    pub rows_scanned: u64,
}

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

/// The most frequent values of fields.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Facets {
    /// In the order asked for.
    pub facets: Vec<Facet>,
    /// Whether this is all of it.
    pub exactness: Exactness,
    /// What it cost.
    pub statistics: Statistics,
}

/// The most frequent values of a field among the matching records.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Facet {
    /// As asked for.
    pub field: String,
    /// Most frequent first, then by value.
    pub values: Vec<ValueCount>,
    /// Records with any other value.
    pub other_count: u64,
    /// Records without the field.
    pub missing_count: u64,
}

/// A value and how often it is there.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValueCount {
    /// As text.
    pub value: String,
    /// Records with it.
    pub count: u64,
}

/// A page of log records.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogPage {
    /// Newest first; oldest first within a trace.
    pub logs: Vec<LogRecord>,
    /// What to give as `cursor` for the next page; null at the end.
    #[schema(required)]
    pub next_cursor: Option<String>,
    /// Whether this is all of it.
    pub exactness: Exactness,
    /// What it cost.
    pub statistics: Statistics,
}

/// A log record.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogRecord {
    /// When it happened, for sorting: its time, else when it was observed, else when it was received.
    pub timestamp: String,
    /// As sent; `"0"` when unknown.
    pub time_unix_nano: String,
    /// As sent; `"0"` when unknown.
    pub observed_time_unix_nano: String,
    /// `service.name` of its resource.
    pub service_name: String,
    /// 1 to 24; 0 when unset.
    pub severity_number: i32,
    /// In the sender's words.
    pub severity_text: String,
    /// Text, or any other JSON value; null when there is none.
    #[schema(required)]
    pub body: Value,
    /// 32 hexadecimal digits, or empty.
    pub trace_id: String,
    /// 16 hexadecimal digits, or empty.
    pub span_id: String,
    /// The event that it is, or empty.
    pub event_name: String,
    /// All 32 bits of `LogRecord.flags`.
    pub flags: u32,
    /// Its own attributes.
    #[schema(value_type = Object)]
    pub attributes: AttributesObject,
    /// The attributes of its resource.
    #[schema(value_type = Object)]
    pub resource: AttributesObject,
    /// Its instrumentation scope.
    pub scope: InstrumentationScope,
    /// What the sender left out.
    pub dropped_attributes_count: u32,
}

/// The library that emitted a record.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstrumentationScope {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its attributes.
    #[schema(value_type = Object)]
    pub attributes: AttributesObject,
}

/// Matching log records over time and by severity.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogHistogram {
    /// Where the first bucket starts.
    pub start_time_unix_nano: String,
    /// How long a bucket is.
    pub bucket_nano: u64,
    /// What the numbers of a bucket's `severities` count.
    pub severities: Vec<String>,
    /// In order of time, without gaps.
    pub buckets: Vec<SeverityBucket>,
    /// Matching records.
    pub count: u64,
    /// Whether this is all of it.
    pub exactness: Exactness,
    /// What it cost.
    pub statistics: Statistics,
}

/// The log records in one bucket of time.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeverityBucket {
    /// All of them.
    pub count: u64,
    /// By severity.
    pub severities: Vec<u64>,
}

/// What `event: logs` of the live tail carries.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TailBatch {
    /// In the order of their arrival.
    #[schema(value_type = Vec<LogRecord>)]
    pub logs: Vec<Box<RawValue>>,
    /// At least so many records were left out since the last batch because they came faster than they could be sent.
    pub dropped_count: u64,
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

/// The services that sent something.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Services {
    /// By name.
    pub services: Vec<Service>,
    /// Whether this is all of it.
    pub exactness: Exactness,
    /// What it cost.
    pub statistics: Statistics,
}

/// A service's rate, errors and duration over its entry spans.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// `service.name`.
    pub name: String,
    /// Entry spans.
    pub span_count: u64,
    /// Entry spans with status error.
    pub error_count: u64,
    /// Entry spans a second.
    pub rate_per_second: f64,
    /// Half of them are at most this long; null without any.
    #[schema(required)]
    pub p50_nano: Option<u64>,
    /// 95 % of them are at most this long.
    #[schema(required)]
    pub p95_nano: Option<u64>,
    /// 99 % of them are at most this long.
    #[schema(required)]
    pub p99_nano: Option<u64>,
    /// Log records.
    pub log_count: u64,
    /// The same over time.
    pub series: ServiceSeries,
}

/// A service's entry spans over time.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceSeries {
    /// Where the first bucket starts.
    pub start_time_unix_nano: String,
    /// How long a bucket is.
    pub bucket_nano: u64,
    /// Entry spans by bucket.
    pub span_counts: Vec<u64>,
    /// Entry spans with status error by bucket.
    pub error_counts: Vec<u64>,
    /// 95th percentile of duration by bucket; null without spans.
    pub p95_nano: Vec<Option<u64>>,
}

/// The operations of a service.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Operations {
    /// Most spans first.
    pub operations: Vec<Operation>,
    /// Whether this is all of it.
    pub exactness: Exactness,
    /// What it cost.
    pub statistics: Statistics,
}

/// The spans of one name and kind.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// The span name.
    pub name: String,
    /// As in `SpanDetail`.
    pub kind: String,
    /// Spans.
    pub span_count: u64,
    /// Spans with status error.
    pub error_count: u64,
    /// Half of them are at most this long.
    pub p50_nano: u64,
    /// 95 % of them are at most this long.
    pub p95_nano: u64,
    /// 99 % of them are at most this long.
    pub p99_nano: u64,
}

/// The fields that records have.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fields {
    /// Intrinsic fields first, then by name.
    pub fields: Vec<Field>,
    /// Whether this is all of it.
    pub exactness: Exactness,
    /// What it cost.
    pub statistics: Statistics,
}

/// A field of records.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// As it is written in a search.
    #[schema(example = "span.http.route")]
    pub name: String,
    /// Where it stands.
    pub scope: FieldScope,
    /// Its key there.
    #[schema(example = "http.route")]
    pub key: String,
    /// The types of its values: `string`, `int`, `double`, `bool`, `other`.
    pub types: Vec<String>,
    /// Records with it.
    pub count: u64,
}

/// Where a field stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum FieldScope {
    /// A field of its own, no attribute.
    Intrinsic,
    /// An attribute of the span.
    Span,
    /// An attribute of the log record.
    Log,
    /// An attribute of the resource.
    Resource,
    /// An attribute of the instrumentation scope.
    Scope,
    /// An attribute of an event of the span.
    Event,
    /// An attribute of a link of the span.
    Link,
}

/// The values of a field.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldValues {
    /// Most frequent first, then by value.
    pub values: Vec<ValueCount>,
    /// Whether this is all of it.
    pub exactness: Exactness,
    /// What it cost.
    pub statistics: Statistics,
}
