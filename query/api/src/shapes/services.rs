//! Services, their operations and the calls between them.

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
    /// Whether it stands for the services beyond those that are told apart; then it has no name.
    pub is_other: bool,
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
    /// Whether it stands for the operations beyond those that are told apart; then it has no name.
    pub is_other: bool,
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

/// Services, what else they use, and the calls between them.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceMap {
    /// The first minute that is counted.
    pub start_time_unix_nano: String,
    /// Where the last minute that is counted ends.
    pub end_time_unix_nano: String,
    /// Services first, by name.
    pub nodes: Vec<ServiceMapNode>,
    /// By source and target.
    pub edges: Vec<ServiceMapEdge>,
    /// Whether this is all of it.
    pub exactness: Exactness,
    /// What it cost.
    pub statistics: Statistics,
}

/// A service, database, queue or anything else that is called.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceMapNode {
    /// What edges name it by.
    pub id: String,
    /// `service`, `database`, `messaging` or `external`.
    pub kind: String,
    /// Of a service `service.name`, of others the name that calling spans give.
    pub name: String,
    /// `db.system.name` or `messaging.system`, otherwise empty.
    pub system: String,
    /// Whether it stands for the nodes beyond those that are told apart; then it has no name.
    pub is_other: bool,
    /// Of a service its entry spans, of others the calls of them.
    pub span_count: u64,
    /// Those that failed.
    pub error_count: u64,
    /// Per second of the minutes that are counted.
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
}

/// The calls from one node to another.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceMapEdge {
    /// The `id` of the node that calls or sends.
    pub source: String,
    /// The `id` of the node that is called or receives.
    pub target: String,
    /// `call`, `messaging`, `database` or `external`.
    pub kind: String,
    /// Calls.
    pub count: u64,
    /// Calls whose span has status error on either side.
    pub error_count: u64,
    /// Calls a second of the minutes that are counted.
    pub rate_per_second: f64,
    /// Half of them are at most this long: by the span of the called, or of the caller where the called sends none.
    pub p50_nano: u64,
    /// 95 % of them are at most this long.
    pub p95_nano: u64,
    /// 99 % of them are at most this long.
    pub p99_nano: u64,
}
