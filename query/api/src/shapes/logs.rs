//! Log records.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{AttributesObject, Exactness, InstrumentationScope, Statistics};

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
