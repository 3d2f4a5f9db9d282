//! Counts over time: of log records by severity, of spans by duration.

use serde::Serialize;
use tracewell_model::UnixNanos;

use crate::answer::nanos_as_text;
use crate::{Answer, QueryEngine, QueryError, QueryScope};

/// The severities that a log histogram tells apart, in the order of [`LogBucket::severities`].
pub const SEVERITY_NAMES: [&str; 7] = ["unset", "trace", "debug", "info", "warn", "error", "fatal"];

/// Log records over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogHistogram {
    /// Where the first bucket begins.
    #[serde(rename = "startTimeUnixNano", serialize_with = "nanos_as_text")]
    pub start: UnixNanos,
    /// The width of a bucket.
    pub bucket_nano: u64,
    /// [`SEVERITY_NAMES`].
    pub severities: [&'static str; 7],
    /// From the earliest to the latest.
    pub buckets: Vec<LogBucket>,
    /// The number of records.
    pub count: u64,
}

/// The log records of a stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogBucket {
    /// Their number.
    pub count: u64,
    /// Their number by severity.
    pub severities: [u64; 7],
}

/// Spans over time and duration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SpanHistogram {
    /// Where the first bucket begins.
    #[serde(rename = "startTimeUnixNano", serialize_with = "nanos_as_text")]
    pub start: UnixNanos,
    /// The width of a bucket.
    pub bucket_nano: u64,
    /// The upper bounds (exclusive) of all but the last class of durations, growing by equal factors.
    pub duration_bounds_nano: Vec<u64>,
    /// From the earliest to the latest.
    pub buckets: Vec<SpanBucket>,
    /// The number of spans.
    pub count: u64,
    /// The number of spans with the status error.
    pub error_count: u64,
    /// The duration that half of the spans do not exceed; none without spans.
    pub p50_nano: Option<u64>,
    /// The duration that 95 % of the spans do not exceed; none without spans.
    pub p95_nano: Option<u64>,
}

/// The spans that start in a stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SpanBucket {
    /// Their number.
    pub count: u64,
    /// Those with the status error.
    pub error_count: u64,
    /// Their number by class of duration; one more than there are bounds.
    pub durations: Vec<u64>,
}

impl QueryEngine {
    /// The log records that meet the query, over time in `buckets` parts of equal width.
    pub async fn log_histogram(
        &self,
        _scope: &QueryScope,
        _buckets: usize,
    ) -> Result<Answer<LogHistogram>, QueryError> {
        Err(QueryError::internal("being built"))
    }

    /// The spans that meet the query, over time in `buckets` parts of equal width, and over duration.
    pub async fn span_histogram(
        &self,
        _scope: &QueryScope,
        _buckets: usize,
    ) -> Result<Answer<SpanHistogram>, QueryError> {
        Err(QueryError::internal("being built"))
    }
}
