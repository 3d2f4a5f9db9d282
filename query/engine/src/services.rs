//! Rate, errors and duration of services and their operations.

use serde::Serialize;
use tracewell_model::{TenantId, TimeRange, UnixNanos};

use crate::answer::nanos_as_text;
use crate::{Answer, QueryEngine, QueryError};

/// The services of a time range.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Services {
    /// By name.
    pub services: Vec<ServiceSummary>,
}

/// A service, by its entry spans: those of kind server or consumer, and those without a parent in the same service.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceSummary {
    /// The resource attribute `service.name`, `""` for records without one.
    pub name: String,
    /// The number of entry spans.
    pub span_count: u64,
    /// Those with the status error.
    pub error_count: u64,
    /// Entry spans per second of the time range.
    pub rate_per_second: f64,
    /// The duration that half of the entry spans do not exceed; none without entry spans.
    pub p50_nano: Option<u64>,
    /// The duration that 95 % do not exceed.
    pub p95_nano: Option<u64>,
    /// The duration that 99 % do not exceed.
    pub p99_nano: Option<u64>,
    /// The number of log records.
    pub log_count: u64,
    /// The same over time.
    pub series: Series,
}

/// Entry spans over time, in 30 parts of equal width.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Series {
    /// Where the first part begins.
    #[serde(rename = "startTimeUnixNano", serialize_with = "nanos_as_text")]
    pub start: UnixNanos,
    /// The width of a part.
    pub bucket_nano: u64,
    /// The number of spans in each.
    pub span_counts: Vec<u64>,
    /// Those with the status error.
    pub error_counts: Vec<u64>,
    /// The duration that 95 % of the spans of a part do not exceed; none in parts without spans.
    pub p95_nano: Vec<Option<u64>>,
}

/// The operations of a service.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Operations {
    /// By span count, then name and kind.
    pub operations: Vec<Operation>,
}

/// The spans of a service with one name and kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// The spans' name.
    pub name: String,
    /// The spans' kind: `server`, `client`, `producer`, `consumer`, `internal`, `unspecified`, or a number.
    pub kind: String,
    /// The number of spans.
    pub span_count: u64,
    /// Those with the status error.
    pub error_count: u64,
    /// The duration that half of the spans do not exceed.
    pub p50_nano: u64,
    /// The duration that 95 % do not exceed.
    pub p95_nano: u64,
    /// The duration that 99 % do not exceed.
    pub p99_nano: u64,
}

impl QueryEngine {
    /// The services that sent spans or log records of the time range.
    pub async fn services(&self, _tenant: &TenantId, _time: TimeRange) -> Result<Answer<Services>, QueryError> {
        Err(QueryError::internal("being built"))
    }

    /// The operations of a service in the time range; none when there is no such service.
    pub async fn operations(
        &self,
        _tenant: &TenantId,
        _time: TimeRange,
        _service: &str,
    ) -> Result<Answer<Operations>, QueryError> {
        Err(QueryError::internal("being built"))
    }
}
