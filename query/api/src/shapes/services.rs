//! Services and their operations.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Exactness, Statistics};

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
